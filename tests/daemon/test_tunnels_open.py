"""With pokepodsd on all nodes, the tunnels of every pair are open, soon, and stay so."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster import Cluster, Tables
from tests.lab import Encapsulation, Node
from tests.rollout.openness import SECOND_NS, others, seconds_until_open

SOON_SECONDS = 1.0
PATIENCE_SECONDS = 15.0
MANY = 20
# Twenty daemons that start at once, on two cores.
TIMEOUT = pytest.mark.timeout(300)

FLUSHES = 5
GENERIC_TIMEOUT_SECONDS = 3
TIMEOUTS = 10
LOOK_SECONDS = 0.2


@contextmanager
def tunnelled(
    folder: Path, nodes: int = 3, generic_timeout_seconds: int | None = None
) -> Iterator[Cluster]:
    """A cluster whose API server shows a node its own pods only; there are none."""
    cluster = Cluster(
        folder,
        nodes=nodes,
        tunnels=Encapsulation.IPIP,
        generic_timeout_seconds=generic_timeout_seconds,
    )
    with cluster:
        cluster.api.control.change_settings(node_selectors=True)
        yield cluster


def open_within(cluster: Cluster, since_ns: int) -> float:
    """How many seconds after this time (monotonic) every pair was seen to be open."""
    seconds = seconds_until_open(cluster.lab.nodes, since_ns, PATIENCE_SECONDS)
    assert seconds is not None, "some pair was not opened at all"
    return seconds


@TIMEOUT
def test_twenty_nodes_are_open_within_a_second_of_the_last(tmp_path: Path) -> None:
    """Of READY of the last of them; and after a flush, within an interval and a second."""
    interval_seconds = 5
    tables: Tables = {"tunnels": {"interval": f"{interval_seconds}s"}}
    with (
        tunnelled(tmp_path, MANY) as cluster,
        cluster.daemons(cluster.lab.nodes, tables) as started,
    ):
        after_ready = open_within(cluster, max(one.ready_ns for one in started.values()))
        cluster.lab.flush_conntrack()
        after_flush = open_within(cluster, time.monotonic_ns())
    print(f"{MANY} nodes: open {after_ready:.2f} s after READY, {after_flush:.2f} s after a flush")
    assert after_ready <= SOON_SECONDS
    assert after_flush <= interval_seconds + SOON_SECONDS


@TIMEOUT
def test_rebuilt_node_is_open_within_a_second_of_its_ready(tmp_path: Path) -> None:
    """It comes back without any memory, among nineteen that go on, at the default interval."""
    with tunnelled(tmp_path, MANY) as cluster:
        *staying, lost = cluster.lab.nodes
        with cluster.daemons(staying):
            with cluster.daemon(lost) as daemon:
                open_within(cluster, daemon.ready_ns)
            cluster.lab.tear_down(lost)
            shutil.rmtree(tmp_path / f"state-{lost.name}", ignore_errors=True)
            cluster.lab.rebuild(lost)
            assert lost.tunnel.peers() == set()
            with cluster.daemon(lost) as daemon:
                seconds = open_within(cluster, daemon.ready_ns)
    print(f"{MANY} nodes, one rebuilt: open {seconds:.2f} s after its READY")
    assert seconds <= SOON_SECONDS


def test_flushed_tables_are_filled_by_the_pokes_of_pods(tmp_path: Path) -> None:
    """Where pods are poked, the tunnels are open again in a pod's interval, not in theirs."""
    interval_seconds = 1
    tables: Tables = {"poke": {"interval": f"{interval_seconds}s"}}
    with tunnelled(tmp_path) as cluster:
        for node in cluster.lab.nodes:
            cluster.make_pods(node, 2)
        with cluster.lab.hub.inside():
            cluster.api.admin.grant()
        with cluster.daemons(cluster.lab.nodes, tables) as started:
            for daemon in started.values():
                daemon.wait_status("6 targets: 6 up")
            seconds = []
            for _ in range(FLUSHES):
                cluster.lab.flush_conntrack()
                seconds.append(open_within(cluster, time.monotonic_ns()))
    print(f"open {max(seconds):.2f} s after a flush, pods poked every {interval_seconds} s")
    assert max(seconds) <= interval_seconds + SOON_SECONDS


def test_ten_timeouts_later_every_pair_is_still_open(tmp_path: Path) -> None:
    """Nothing but the pokes of tunnels: no API server, no pod; and without them all is shut."""
    tables: Tables = {"tunnels": {"interval": "500ms"}, "poke": {"timeout": "500ms"}}
    with tunnelled(tmp_path, generic_timeout_seconds=GENERIC_TIMEOUT_SECONDS) as cluster:
        nodes = cluster.lab.nodes
        for node in nodes:
            cluster.write_config(node, tables)
        cluster.api.kill()
        with cluster.daemons(nodes, tables) as started:
            open_within(cluster, max(one.ready_ns for one in started.values()))
            looks = stays_open(nodes, TIMEOUTS * GENERIC_TIMEOUT_SECONDS)
        for node in nodes:
            node.tunnel.wait_until_shut(*others(node, nodes))
    print(f"open at each of {looks} looks in {TIMEOUTS * GENERIC_TIMEOUT_SECONDS} s")


def stays_open(nodes: Sequence[Node], seconds: float) -> int:
    """Look again and again for so long, and count the looks; a pair that is shut is a failure."""
    end_ns = time.monotonic_ns() + round(seconds * SECOND_NS)
    looks = 0
    while time.monotonic_ns() < end_ns:
        for node in nodes:
            assert node.tunnel.peers() == others(node, nodes)
        looks += 1
        time.sleep(LOOK_SECONDS)
    return looks
