"""Checks the number of entries: one for what broke, wherever it broke, and one for its end."""

from collections import Counter

import pytest

from pokepodsd.core.entries import Entry, EventKind
from pokepodsd.core.kernel import Counters, Findings, Inspect, RouteAnswer
from pokepodsd.core.model import Layer
from tests.core.kernelfacts import make_link
from tests.core.nodes import (
    Faults,
    feed,
    links,
    name_of,
    own_address,
    pod_address,
    pods_of,
    route_to,
    tunnel_address,
)
from tests.core.world import World, make_world

NODES = range(1, 20)
OUTAGE = 120.0


def quiet_world(pods_each: int = 30, *, has_routes: bool = True) -> tuple[World, Faults]:
    """Nineteen nodes, all well, and nothing more to say of them."""
    faults = Faults()
    world = make_world(faults)
    feed(world, NODES, pods_each, has_routes=has_routes)
    if not pods_each:
        world.take_list()
    world.run(40)
    world.told()
    return world, faults


def only(world: World) -> Entry:
    """The one entry that there is since the last time."""
    entries, world.entries = world.entries, []
    assert len(entries) == 1, [entry.text for entry in entries]
    return entries[0]


def test_well_cluster_says_nothing() -> None:
    """But for what the routes showed at the start."""
    faults = Faults()
    world = make_world(faults)
    feed(world, NODES, 30)
    world.run(200)
    assert world.told() == [EventKind.TUNNELS_FOUND]
    assert world.engine.snapshot().peers == {"ok": 19}


def test_one_pod_of_thirty_is_one_entry_and_so_is_its_return() -> None:
    """It is the pod, not its node: the tunnel answers."""
    world, faults = quiet_world()
    faults.pods.add(pod_address(3, 7))
    world.run(OUTAGE)
    entry = only(world)
    assert (entry.kind, entry.fields["POD"]) == (EventKind.TARGET_DOWN, "p3-7")
    faults.heal()
    world.run(OUTAGE)
    assert only(world).kind is EventKind.TARGET_UP


@pytest.mark.parametrize("pods_each", [0, 1, 30])
def test_one_tunnel_of_nineteen_is_one_entry_and_so_is_its_return(pods_each: int) -> None:
    """The node itself answers; its pods, one or thirty or none, are not mentioned."""
    world, faults = quiet_world(pods_each)
    faults.shut.add(3)
    world.run(OUTAGE)
    entry = only(world)
    assert (entry.kind, entry.fields["PEER"]) == (EventKind.TUNNEL_BROKEN, own_address(3))
    assert (entry.fields["LAYER"], entry.fields["DEVICE"]) == (Layer.TUNNEL.value, "tunl0")
    assert f"{own_address(3)} itself does" in entry.text
    faults.heal()
    world.run(OUTAGE)
    entry = only(world)
    assert (entry.kind, entry.fields["PEER"]) == (EventKind.PEER_BACK, own_address(3))
    assert world.counts() == (19 * pods_each, 0, 0)


@pytest.mark.parametrize("pods_each", [0, 1, 30])
@pytest.mark.parametrize("has_routes", [True, False])
def test_dead_node_is_one_entry_and_so_is_its_return(pods_each: int, has_routes: bool) -> None:
    """Neither the node nor anything behind it answers, known by its route or by the API alone."""
    if not has_routes and not pods_each:
        return
    world, faults = quiet_world(pods_each, has_routes=has_routes)
    faults.dead.add(3)
    world.run(OUTAGE)
    entry = only(world)
    assert (entry.kind, entry.fields["PEER"]) == (EventKind.NODE_UNREACHABLE, own_address(3))
    assert entry.fields["LAYER"] == Layer.UNDERLAY.value
    faults.heal()
    world.run(OUTAGE)
    assert only(world).kind is EventKind.PEER_BACK
    assert world.counts() == (19 * pods_each, 0, 0)


@pytest.mark.parametrize("pods_each", [0, 1, 30])
@pytest.mark.parametrize("has_routes", [True, False])
def test_own_uplink_is_one_entry_and_so_is_its_return(pods_each: int, has_routes: bool) -> None:
    """All fail at once: it is this node, and no peer and no pod is blamed."""
    if not has_routes and not pods_each:
        return
    world, faults = quiet_world(pods_each, has_routes=has_routes)
    faults.is_cut = True
    world.run(OUTAGE)
    entry = only(world)
    assert (entry.kind, entry.fields["VERDICT"]) == (EventKind.NODE_CUT_OFF, "self")
    assert world.engine.snapshot().is_cut_off
    faults.heal()
    world.run(OUTAGE)
    assert only(world).kind is EventKind.NODE_BACK
    assert world.counts() == (19 * pods_each, 0, 0)
    assert world.engine.snapshot().peers == {"ok": 19}


def test_carrier_that_is_lost_is_named() -> None:
    """The uplink's carrier went before: that is where to look."""
    world, faults = quiet_world()
    world.tell(links(has_carrier=False), make_link(9, "docker0", "bridge", carrier=False))
    faults.is_cut = True
    world.run(OUTAGE)
    entry = only(world)
    assert "eth0 has no carrier: check this node's uplink" in entry.text
    assert "docker0" not in entry.text


def test_shut_tunnels_of_this_node_are_its_own() -> None:
    """All nodes answer and no tunnel does: this node's firewall, in one entry."""
    world, faults = quiet_world()
    faults.shut |= set(NODES)
    world.run(OUTAGE)
    entry = only(world)
    assert entry.kind is EventKind.NODE_CUT_OFF
    assert entry.fields["LAYER"] == Layer.TUNNEL.value
    assert "their nodes' own addresses answer" in entry.text
    faults.heal()
    world.run(OUTAGE)
    assert only(world).kind is EventKind.NODE_BACK


def test_host_that_sends_nothing_is_told_what_it_refuses() -> None:
    """EPERM on all: its own firewall."""
    world, _ = quiet_world(3)
    world.answer = lambda _: "EPERM"
    world.run(OUTAGE)
    assert "this host does not send (EPERM): check its firewall" in only(world).text


def test_filtered_underlays_are_one_entry_and_no_fault() -> None:
    """A cluster whose nodes answer no pings: told together, after a round of asking them."""
    faults = Faults(filtered=set(NODES))
    world = make_world(faults)
    feed(world, NODES, 2)
    world.run(700)
    kinds = Counter(world.told())
    assert kinds == {EventKind.TUNNELS_FOUND: 1, EventKind.UNDERLAY_FILTERED: 1}
    assert world.engine.snapshot().peers == {"ICMP filtered on the underlay": 19}


def test_decision_comes_with_what_the_kernel_says() -> None:
    """Asked at the first lost poke and at the decision: the counters between the two."""
    world, faults = quiet_world()
    asked: list[Inspect] = []

    def inspect(question: Inspect) -> Findings:
        asked.append(question)
        counters = Counters(sent=10 * len(asked), received=5)
        return Findings(route=RouteAnswer(device="tunl0", kind="ipip"), counters=counters)

    world.inspect = inspect
    faults.shut.add(3)
    world.run(OUTAGE)
    entry = only(world)
    assert "meanwhile tunl0 sent 10 packets and received 0" in entry.text
    assert "IP protocol 4" in entry.text
    assert [question.with_conntrack for question in asked] == [False, True]
    poked = {address for _, address in world.by_layer[Layer.TUNNEL]}
    assert {question.address for question in asked} <= poked
    assert entry.fields["ADDRESS"] == tunnel_address(3)
    assert {question.node for question in asked} == {own_address(3)}


def test_two_tunnels_one_after_the_other_are_two_entries() -> None:
    """A long-dead one explains nothing of the next."""
    world, faults = quiet_world()
    faults.shut.add(3)
    world.run(OUTAGE)
    assert only(world).fields["NODE"] == name_of(3)
    faults.shut.add(4)
    world.run(OUTAGE)
    assert only(world).fields["NODE"] == name_of(4)
    faults.heal()
    world.run(OUTAGE)
    assert world.told() == [EventKind.PEER_BACK] * 2


def test_pod_that_stays_down_when_its_node_is_back_is_told() -> None:
    """Its node's verdict explained it, and does not any more."""
    world, faults = quiet_world()
    faults.dead.add(3)
    faults.pods.add(pod_address(3, 7))
    world.run(OUTAGE)
    assert only(world).kind is EventKind.NODE_UNREACHABLE
    faults.dead.clear()
    world.run(OUTAGE)
    assert world.told() == [EventKind.PEER_BACK, EventKind.TARGET_DOWN]
    assert world.counts() == (19 * 30 - 1, 1, 0)


def test_node_that_joins_is_quiet_for_a_minute() -> None:
    """Its route is there before it answers."""
    world, faults = quiet_world(3)
    faults.dead.add(40)
    world.tell(route_to(40))
    world.take_list(*(pod for number in (*NODES, 40) for pod in pods_of(number, 3)))
    world.run(55)
    assert world.told() == []
    faults.heal()
    world.run(30)
    assert EventKind.NODE_UNREACHABLE not in world.told()


def test_outage_of_two_seconds_alarms_nobody() -> None:
    """A tunnel needs some four seconds to be silent; that pokes passed again may be told."""
    world, faults = quiet_world()
    faults.is_cut = True
    world.run(2)
    faults.heal()
    world.run(OUTAGE)
    assert set(world.told()) <= {EventKind.TUNNEL_OPENED}


def test_broken_peer_whose_route_is_laid_anew_is_closed_once() -> None:
    """A network plugin that restarts takes the route away for a moment; the outage is the same."""
    world, faults = quiet_world(0)
    faults.shut.add(3)
    world.run(OUTAGE)
    assert world.told() == [EventKind.TUNNEL_BROKEN]
    world.retract(route_to(3))
    world.run(3)
    world.tell(route_to(3))
    world.run(OUTAGE)
    assert world.told() == []
    faults.heal()
    world.run(OUTAGE)
    assert world.told() == [EventKind.PEER_BACK]
