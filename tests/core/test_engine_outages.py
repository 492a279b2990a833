"""Checks outages that are not simply one: of many, of few, of peers that come, go and return.

Owns the false alarms and the missed ones. Refuses: words.
"""

import pytest

from pokepodsd.core.entries import EventKind, Level
from pokepodsd.core.kernel import RouteRemoved
from pokepodsd.core.model import NodeName, Target
from pokepodsd.core.records import NodeSeen
from tests.core.nodes import Faults, feed, links, name_of, pods_of, route_to, routes
from tests.core.world import World, make_world

B = EventKind.TUNNEL_BROKEN
UNREACHABLE = EventKind.NODE_UNREACHABLE
BACK = EventKind.PEER_BACK


class Once:
    """The first poke finds no room here, and none is answered afterwards."""

    def __init__(self) -> None:
        self._has_failed = False

    def __call__(self, _: Target) -> str:
        before, self._has_failed = self._has_failed, True
        return "silence" if before else "ENOBUFS"


def settled(count: int, pods_each: int = 3, *, has_routes: bool = True) -> tuple[World, Faults]:
    """So many nodes, all well."""
    faults = Faults()
    world = make_world(faults)
    feed(world, range(1, count + 1), pods_each, has_routes=has_routes)
    if not pods_each:
        world.take_list()
    world.run(70)
    world.told()
    return world, faults


def test_a_full_queue_before_an_outage_does_not_hide_it() -> None:
    """One poke without room, and then nothing is answered any more."""
    world = make_world()
    feed(world, range(1, 2), 3)
    world.run(70)
    world.told()
    world.answer = Once()
    world.run(60)
    assert world.told() == [UNREACHABLE]


@pytest.mark.parametrize(("count", "seconds"), [(60, 60), (60, 12), (200, 100)])
def test_return_from_a_cut_blames_no_peer(count: int, seconds: float) -> None:
    """However many there are to be asked again before it is certain."""
    world, faults = settled(count, 0)
    faults.is_cut = True
    world.run(seconds)
    assert set(world.told()) <= {EventKind.NODE_CUT_OFF}
    faults.heal()
    world.run(150)
    assert set(world.told()) <= {EventKind.NODE_BACK}
    assert world.engine.snapshot().peers == {"ok": count}


def test_one_that_returns_ends_the_cut_off_of_a_small_cluster() -> None:
    """Both others die, one comes back: the other is told for itself."""
    world, faults = settled(2)
    faults.dead.update({1, 2})
    world.run(100)
    assert world.told() == [EventKind.NODE_CUT_OFF]
    faults.dead.remove(1)
    world.run(100)
    assert sorted(world.told(), key=str) == sorted([EventKind.NODE_BACK, UNREACHABLE], key=str)
    assert not world.engine.snapshot().is_cut_off


def test_one_that_answers_shows_that_it_is_not_this_node() -> None:
    """Two of three die: each is told."""
    world, faults = settled(3)
    faults.dead.update({1, 2})
    world.run(100)
    assert world.told() == [UNREACHABLE, UNREACHABLE]


def test_cut_off_ends_with_the_last_peer_that_fails() -> None:
    """The dead ones are deleted: what is left is well."""
    world, faults = settled(2)
    faults.dead.update({1, 2})
    world.run(60)
    for number in (1, 2):
        world.retract(route_to(number))
    world.take_list()
    world.run(20)
    assert not world.engine.snapshot().is_cut_off


def test_route_that_flaps_while_a_verdict_is_due_delays_it_only() -> None:
    """A route laid anew in these seconds must not swallow the alarm."""
    world, faults = settled(5, 0)
    faults.shut.add(3)
    while not world.inspections:
        world.run(0.5)
    world.run(1)
    world.retract(route_to(3))
    world.run(3)
    world.tell(route_to(3))
    world.run(120)
    assert world.told() == [B]


def test_new_pods_behind_a_broken_tunnel_do_not_close_its_alarm() -> None:
    """Where the API alone knows the peer, a pod that was never poked says nothing."""
    world, faults = settled(5, 3, has_routes=False)
    faults.shut.add(3)
    world.run(60)
    assert world.told() == [B]
    everybody = [pod for number in range(1, 6) for pod in pods_of(number, 3)]
    for index in (4, 5):
        world.take_list(*everybody, *pods_of(3, index + 1)[3:])
        world.run(60)
    assert world.told() == []


def test_peers_that_just_joined_say_nothing_of_this_node() -> None:
    """Four that are not ready yet, and one old tunnel that breaks: it is that tunnel."""
    world, faults = settled(3)
    for number in (11, 12, 13, 14):
        faults.dead.add(number)
        world.tell(route_to(number))
    world.run(10)
    faults.shut.add(1)
    world.run(20)
    assert world.told() == [B]


def test_drained_node_is_still_asked_about_by_its_name() -> None:
    """Its last pod is gone, its route is not: the API knows that it is cordoned."""
    world, faults = settled(5)
    kept = [pod for number in (1, 2, 4, 5) for pod in pods_of(number, 3)]
    world.take_list(*kept)
    world.run(20)
    faults.dead.add(3)
    asked: list[str] = []
    for _ in range(120):
        world.run(0.5)
        for node in world.engine.take_lookups():
            asked.append(node)
            seen = NodeSeen(
                node=NodeName(node), unschedulable=True, ready=True, deleting=False, created=""
            )
            world.engine.take(seen, world.now)
    entries, world.entries = world.entries, []
    assert asked == [name_of(3)]
    assert [(entry.kind, entry.level) for entry in entries] == [(UNREACHABLE, Level.INFO)]
    assert "cordoned" in entries[0].text


def test_carrier_that_is_lost_is_this_nodes_own() -> None:
    """The link says it, and no peer is blamed."""
    world, faults = settled(5)
    world.tell(links(has_carrier=False))
    faults.is_cut = True
    world.run(60)
    entries, world.entries = world.entries, []
    assert [entry.kind for entry in entries] == [EventKind.NODE_CUT_OFF]
    assert "eth0 has no carrier" in entries[0].text


def test_second_address_that_answers_is_found_at_once_and_opens_nothing() -> None:
    """A block's first address is nobody's; the second is poked as a newcomer is."""
    world = make_world(lambda target: "silence" if target.address.endswith(".0") else "reply")
    world.dump(*routes(1))
    world.run(8)
    assert world.engine.snapshot().peers == {"ok": 1}
    assert EventKind.TUNNEL_OPENED not in world.told()


def test_withdrawal_is_told_together() -> None:
    """A cluster's half that goes is one entry, after the time in which a route may come back."""
    world, _ = settled(30, 0)
    for number in range(1, 16):
        world.engine.take_kernel(RouteRemoved(route=route_to(number)), world.now)
    world.run(30)
    assert world.told() == [EventKind.PEER_WITHDRAWN]
