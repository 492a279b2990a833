"""What is the matter with a peer: each verdict on a lab where it is so, as the journal tells it.

One node runs pokepodsd. The others take whatever its tunnel brings, unless a scene says otherwise.
"""

from collections.abc import Iterator

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import (
    JournalledDaemon,
    during,
    fields,
    filtered,
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


def test_a_peer_that_filters_protocol_4_breaks_its_tunnel(
    daemon: JournalledDaemon, there: Node
) -> None:
    """The node answers, its tunnel does not: which protocol to allow, and one entry at the end."""
    with filtered(there):
        broken = daemon.wait_entry(EventKind.TUNNEL_BROKEN)
    back = daemon.wait_entry(EventKind.PEER_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["TUNNEL_BROKEN", "PEER_BACK"]
    assert broken["PRIORITY"] == "4"
    addresses = {there.tunnel.address, there.pod_address(1)}
    assert fields(broken).pop("ADDRESS") in addresses
    wanted = {
        "LAYER": "tunnel",
        "VERDICT": "tunnel broken",
        "PEER": there.address,
        "NODE": "node-b",
        "DEVICE": "tunl0",
        "KIND": "tun",
        "COUNT": "1",
    }
    assert fields(broken).items() >= wanted.items()
    text = broken["MESSAGE"]
    assert f"the tunnel to node-b ({there.address}) is broken" in text
    assert f"{there.address} itself does" in text
    assert "meanwhile tunl0 sent " in text
    assert "conntrack entry for protocol 4 is " in text
    assert "allow protocol 4, not 94" in text
    assert f"node-b ({there.address}) is reachable again after " in back["MESSAGE"]
    assert fields(back).items() >= {"PEER": there.address, "NODE": "node-b"}.items()


def test_a_peer_without_its_cable_is_an_unreachable_node(
    daemon: JournalledDaemon, there: Node
) -> None:
    """Nothing of it answers: the node is named and not its tunnel, nor any of its pods."""
    with during(there.link_down, there.link_up):
        unreachable = daemon.wait_entry(EventKind.NODE_UNREACHABLE)
    daemon.wait_entry(EventKind.PEER_BACK)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["NODE_UNREACHABLE", "PEER_BACK"]
    assert unreachable["PRIORITY"] == "4"
    assert fields(unreachable) == {
        "LAYER": "underlay",
        "VERDICT": "node unreachable",
        "PEER": there.address,
        "NODE": "node-b",
        "COUNT": "1",
    }
    assert f"node-b ({there.address}) is unreachable for " in unreachable["MESSAGE"]
    assert "check that the node is up" in unreachable["MESSAGE"]


def test_a_dead_pod_is_no_tunnels_fault(daemon: JournalledDaemon, there: Node) -> None:
    """One of three pods is silent to everything: the pod is told, and its neighbours' number."""
    address = there.pod_address(2)
    with during(there.kill_address, there.revive_address, address):
        down = daemon.wait_entry(EventKind.TARGET_DOWN)
    daemon.wait_entry(EventKind.TARGET_UP)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["TARGET_DOWN", "TARGET_UP"]
    assert down["PRIORITY"] == "4"
    wanted = {"LAYER": "pod", "NODE": "node-b", "POD": "node-b-2", "ADDRESS": address}
    assert fields(down).items() >= wanted.items()
    assert f"shop/node-b-2 ({address}) on node-b is down: timed out" in down["MESSAGE"]
    assert "2 of the 3 targets on node-b are not down: check the pod" in down["MESSAGE"]


def test_a_policy_that_drops_pings_is_among_the_remedies(
    daemon: JournalledDaemon, there: Node
) -> None:
    """A pod whose pings are dropped and whose TCP is not: the policies that select it."""
    address = there.pod_address(1)
    with during(there.swallow_pings, there.allow_pings, address):
        down = daemon.wait_entry(EventKind.TARGET_DOWN)
    daemon.wait_entry(EventKind.TARGET_UP)
    daemon.wait_status(WELL)
    assert kinds(daemon.finish()) == ["TARGET_DOWN", "TARGET_UP"]
    wanted = {"LAYER": "pod", "NODE": "node-b", "ADDRESS": address}
    assert fields(down).items() >= wanted.items()
    assert "check the pod, and the network policies that select it" in down["MESSAGE"]


def test_filtered_pings_of_the_underlay_are_no_alarm(daemon: JournalledDaemon, there: Node) -> None:
    """The tunnel passes, the node's own address is silent: said at info, and when it is over."""
    with during(there.swallow_pings, there.allow_pings, there.address):
        filtered = daemon.wait_entry(EventKind.UNDERLAY_FILTERED, 60.0)
    back = daemon.wait_entry(EventKind.PEER_BACK, 60.0)
    assert kinds(daemon.finish()) == ["UNDERLAY_FILTERED", "PEER_BACK"]
    assert (filtered["PRIORITY"], back["PRIORITY"]) == ("6", "6")
    assert fields(filtered) == {
        "LAYER": "underlay",
        "VERDICT": "ICMP filtered on the underlay",
        "PEER": there.address,
        "NODE": "node-b",
        "COUNT": "1",
    }
    assert "ICMP is filtered on the underlay, which is no fault" in filtered["MESSAGE"]
    assert "now also answers pings to the node's own address" in back["MESSAGE"]
