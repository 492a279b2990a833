"""Where the fault is on the node that looks: its routes, its own filter, its own cable."""

from collections.abc import Iterator

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import (
    JournalledDaemon,
    during,
    fields,
    kinds,
)
from tests.daemon.scene import WELL, three_nodes, watched
from tests.lab import Node


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with three_nodes(tmp_path_factory.mktemp("verdicts")) as started:
        yield started


@pytest.fixture
def daemon(cluster: Cluster, here: Node) -> Iterator[JournalledDaemon]:
    with watched(cluster, here) as started:
        yield started


def test_a_node_without_its_cable_blames_no_peer(daemon: JournalledDaemon, here: Node) -> None:
    """All peers fall silent at once: this node is cut off, and which link has no carrier."""
    with during(here.link_down, here.link_up):
        cut_off = daemon.wait_entry(EventKind.NODE_CUT_OFF)
        daemon.wait_status("this node is cut off; ")
    back = daemon.wait_entry(EventKind.NODE_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["NODE_CUT_OFF", "NODE_BACK"]
    assert (cut_off["PRIORITY"], back["PRIORITY"]) == ("3", "5")
    assert fields(cut_off) == {"LAYER": "underlay", "VERDICT": "self", "COUNT": "2"}
    assert "this node is cut off for " in cut_off["MESSAGE"]
    assert "2 of the 2 that were asked do not answer" in cut_off["MESSAGE"]
    assert "eth0 has no carrier: check this node's uplink" in cut_off["MESSAGE"]
    assert "this node reaches its peers again after " in back["MESSAGE"]


def test_a_host_that_may_not_send_blames_itself(daemon: JournalledDaemon, here: Node) -> None:
    """The own output filter drops every poke: one entry, with the kernel's name of the error."""
    with during(here.block_output, here.allow_output):
        cut_off = daemon.wait_entry(EventKind.NODE_CUT_OFF)
    daemon.wait_entry(EventKind.NODE_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["NODE_CUT_OFF", "NODE_BACK"]
    assert fields(cut_off)["VERDICT"] == "self"
    assert "this host does not send (EPERM): check its firewall" in cut_off["MESSAGE"]


def test_a_route_that_is_missing_is_the_network_plugins(
    daemon: JournalledDaemon, here: Node, there: Node
) -> None:
    """No route to the pods of a node that is well: whose work that is, and the kernel's error."""
    with during(here.remove_route, here.restore_route, there):
        broken = daemon.wait_entry(EventKind.TUNNEL_BROKEN)
    daemon.wait_entry(EventKind.PEER_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["TUNNEL_BROKEN", "PEER_BACK"]
    wanted = {
        "LAYER": "tunnel",
        "VERDICT": "tunnel broken",
        "PEER": there.address,
        "NODE": "node-b",
    }
    assert fields(broken).items() >= wanted.items()
    assert "this host has no route to " in broken["MESSAGE"]
    assert "ENETUNREACH" in broken["MESSAGE"]
    assert "the network plugin on this node has not written it" in broken["MESSAGE"]


def test_a_route_past_the_tunnel_is_told(daemon: JournalledDaemon, here: Node, there: Node) -> None:
    """Within one subnet packets go unwrapped, and the network drops them: through which device."""
    block = str(there.block)
    with (
        during(here.bypass_tunnel, here.restore_route, there),
        during(there.kill_address, there.revive_address, block),
    ):
        broken = daemon.wait_entry(EventKind.TUNNEL_BROKEN)
    daemon.wait_entry(EventKind.PEER_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["TUNNEL_BROKEN", "PEER_BACK"]
    assert fields(broken).items() >= {"LAYER": "tunnel", "NODE": "node-b"}.items()
    assert "goes out through eth0, so it is not tunnelled at all" in broken["MESSAGE"]
