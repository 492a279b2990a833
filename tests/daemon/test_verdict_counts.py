"""One fault is one entry, and one more when it is over, in a cluster of twenty nodes."""

import time
from collections.abc import Iterator

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import (
    JournalledDaemon,
    daemon_under_a_journal,
    during,
    fields,
    filtered,
    kinds,
)
from tests.daemon.nodes import register
from tests.daemon.wire import SECOND_NS, wait_requests_until
from tests.lab import EchoCapture, Encapsulation, Node, TunnelFilter

NODES = 20
TABLES = {
    "poke": {"interval": "2s", "timeout": "500ms"},
    "tunnels": {"interval": "2s"},
}
WELL = "19 peers: 19 ok; 30 targets: 30 up, 0 down, 0 opening; API: watching"
# A second verdict on the same outage would come after 12 s, and pods are held back for less.
HOLD_NS = 14 * SECOND_NS


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Twenty nodes with tunnels, for all scenes: each undoes what it did."""
    folder = tmp_path_factory.mktemp("counts")
    with Cluster(folder, nodes=NODES, tunnels=Encapsulation.IPIP) as started:
        nodes = started.lab.nodes
        register(started, *nodes)
        for node in nodes[1:]:
            node.tunnel.set_filter(TunnelFilter.OPEN)
        # Two nodes have most of the pods, and most nodes have none.
        started.make_pods(nodes[1], 15)
        started.make_pods(nodes[2], 15)
        yield started


@pytest.fixture
def daemon(cluster: Cluster, here: Node) -> Iterator[JournalledDaemon]:
    """The daemon of one scene, with all peers well."""
    with daemon_under_a_journal(cluster, here, TABLES) as started:
        started.settle(WELL)
        yield started


@pytest.fixture
def capture(here: Node) -> Iterator[EchoCapture]:
    """The pokes as they enter the tunnels, by which time is told."""
    with EchoCapture(here, "tunl0") as started:
        yield started


def wait_a_while(capture: EchoCapture) -> None:
    """Let the pokes go on for as long as anything about one outage may be told."""
    wait_requests_until(capture, time.monotonic_ns() + HOLD_NS)


def test_one_dead_pod_of_thirty_is_one_entry(
    daemon: JournalledDaemon, capture: EchoCapture, there: Node
) -> None:
    """Nothing but that pod, down and up."""
    address = there.pod_address(7)
    with during(there.kill_address, there.revive_address, address):
        daemon.wait_entry(EventKind.TARGET_DOWN)
        wait_a_while(capture)
    daemon.wait_entry(EventKind.TARGET_UP)
    daemon.wait_status(WELL)
    scene = daemon.finish()
    assert kinds(scene) == ["TARGET_DOWN", "TARGET_UP"]
    assert all(fields(entry)["ADDRESS"] == address for entry in scene)


@pytest.mark.parametrize("number", [1, 11])
def test_one_broken_tunnel_of_nineteen_is_one_entry(
    daemon: JournalledDaemon, capture: EchoCapture, cluster: Cluster, number: int
) -> None:
    """With fifteen pods behind it or with none: the tunnel, and nothing of its pods."""
    there = cluster.lab.nodes[number]
    with filtered(there):
        daemon.wait_entry(EventKind.TUNNEL_BROKEN)
        wait_a_while(capture)
    daemon.wait_entry(EventKind.PEER_BACK)
    daemon.wait_status(WELL)
    scene = daemon.finish()
    assert kinds(scene) == ["TUNNEL_BROKEN", "PEER_BACK"]
    assert all(fields(entry)["PEER"] == there.address for entry in scene)


def test_a_node_that_vanishes_is_one_entry(
    daemon: JournalledDaemon, capture: EchoCapture, there: Node
) -> None:
    """Its fifteen pods, its tunnel and its own address, all at once."""
    with during(there.link_down, there.link_up):
        daemon.wait_entry(EventKind.NODE_UNREACHABLE)
        wait_a_while(capture)
    daemon.wait_entry(EventKind.PEER_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["NODE_UNREACHABLE", "PEER_BACK"]


def test_the_own_uplink_is_one_entry(
    daemon: JournalledDaemon, capture: EchoCapture, here: Node
) -> None:
    """All nineteen peers and thirty pods are lost with one cable, and no peer is named."""
    with during(here.link_down, here.link_up):
        cut_off = daemon.wait_entry(EventKind.NODE_CUT_OFF)
        wait_a_while(capture)
    back = daemon.wait_entry(EventKind.NODE_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["NODE_CUT_OFF", "NODE_BACK"]
    assert "PEER" not in {**fields(cut_off), **fields(back)}
