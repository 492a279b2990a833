"""Faults of the network where there are several peers, or tunnels: who is told to be at fault."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import JournalledDaemon, daemon_under_a_journal, during, fields, kinds
from tests.daemon.nodes import register
from tests.daemon.scene import WELL, three_nodes, watched
from tests.daemon.wire import longest_gap, requests, to_pods
from tests.faults.exertion import status
from tests.lab import EchoCapture, IcmpForger, Kind, echo_packet
from tests.lab.launch import ip_batch

MANY = 200
PACE = {"poke": {"interval": "1s", "timeout": "500ms", "max_rate": 1000}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes with tunnels; each scene undoes what it did."""
    with three_nodes(tmp_path_factory.mktemp("tunnels")) as started:
        yield started


@pytest.fixture
def daemon(cluster: Cluster) -> Iterator[JournalledDaemon]:
    """The daemon of one scene, with all peers well."""
    with watched(cluster, cluster.lab.nodes[0]) as started:
        yield started


def test_the_own_link_set_down_is_named(cluster: Cluster, daemon: JournalledDaemon) -> None:
    """No peer is blamed: this node is cut off, by which link, and it is over with the link."""
    here = cluster.lab.nodes[0]
    with during(ip_batch, ip_batch_up, here.namespace, ["link set eth0 down"]):
        cut_off = daemon.wait_entry(EventKind.NODE_CUT_OFF)
    daemon.wait_entry(EventKind.NODE_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["NODE_CUT_OFF", "NODE_BACK"]
    assert fields(cut_off)["VERDICT"] == "self"
    assert "eth0 is set down: check this node's uplink" in cut_off["MESSAGE"]


def ip_batch_up(namespace: str, _: list[str]) -> None:
    ip_batch(namespace, ["link set eth0 up"])


def test_a_packet_that_is_too_large_for_the_way(cluster: Cluster, daemon: JournalledDaemon) -> None:
    """A router says so of each poke to one pod: that one is told, and the error is nobody else's.

    The kernel keeps it (EMSGSIZE) for the socket's next call, whosever it is.
    """
    here, there = cluster.lab.nodes[:2]
    address = there.pod_address(1)
    there.kill_address(address)
    with EchoCapture(here, "tunl0") as capture, IcmpForger(there) as router:
        answered: set[int] = set()
        while EventKind.TARGET_DOWN.name not in kinds(daemon.told()):
            asked = capture.wait_for(
                lambda echo: (
                    echo.destination == address
                    and echo.kind is Kind.REQUEST
                    and echo.sequence not in answered
                ),
                10.0,
            )
            answered.add(asked.sequence)
            original = echo_packet(
                Kind.REQUEST,
                source=asked.source,
                destination=asked.destination,
                identifier=asked.identifier,
                sequence=asked.sequence,
                payload=asked.payload,
            )
            router.error(
                source=there.address,
                destination=asked.source,
                icmp_type=3,
                code=4,
                original=original,
            )
    down = daemon.wait_entry(EventKind.TARGET_DOWN)
    assert status(cluster, here)["pokes"]["send_errors"] == {}
    there.revive_address(address)
    daemon.wait_entry(EventKind.TARGET_UP)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["TARGET_DOWN", "TARGET_UP"]
    assert fields(down)["ADDRESS"] == address


def test_neighbours_that_do_not_answer_keep_no_room_from_others(tmp_path: Path) -> None:
    """Pokes wait in the kernel for two dead nodes' addresses; those to the third go on, each one.

    The nearest to a full neighbour table, which all namespaces of a host share: no entry is had.
    """
    with Cluster(tmp_path, nodes=4) as cluster:
        register(cluster, *cluster.lab.nodes)
        here, living, *dead = cluster.lab.nodes
        cluster.make_pods(living, 20)
        for node in dead:
            cluster.make_pods(node, MANY)
        with EchoCapture(here) as capture, daemon_under_a_journal(cluster, here, PACE) as daemon:
            daemon.settle("3 peers: 3 ok; 420 targets: 420 up")
            since_ns = time.monotonic_ns()
            for node in dead:
                node.link_down()
                here.run("ip", "neigh", "flush", "to", node.address)
            wait_both(daemon, EventKind.NODE_UNREACHABLE)
            assert longest_gap(to_pods(requests(capture, since_ns), living)) < 1.9e9
            assert status(cluster, here)["pokes"]["send_errors"] == {}
            for node in dead:
                node.link_up()
            daemon.wait_status("3 peers: 3 ok; 420 targets: 420 up", 60.0)
            daemon.finish()


def wait_both(daemon: JournalledDaemon, kind: EventKind) -> None:
    """Wait until two peers have their entries of this kind."""
    daemon.wait_entry(kind)
    deadline = time.monotonic() + 40.0
    while kinds(daemon.told()).count(kind.name) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
