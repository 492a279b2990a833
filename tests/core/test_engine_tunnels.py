"""Checks tunnels from the kernel's routes to the pokes, with and without the API."""

from dataclasses import replace
from itertools import pairwise

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.core.model import Layer
from pokepodsd.core.records import PodChanged
from tests.core.builders import make_pod
from tests.core.kernelfacts import make_link, make_route, own
from tests.core.nodes import (
    LINK,
    UPLINK,
    Faults,
    feed,
    own_address,
    pod_address,
    pods_of,
    route_to,
    routes,
    tunnel_address,
)
from tests.core.world import answers, is_silent, make_world, per_address, world_of

ONE, TWO = tunnel_address(1), tunnel_address(2)


def test_tunnels_are_poked_without_any_api() -> None:
    """Each route's far end in the tick that tells of it, and then once every 30 s."""
    world = make_world()
    world.dump(UPLINK, *routes(1, 2, 3))
    world.run(0.05)
    assert sorted(world.by_layer[Layer.TUNNEL]) == [
        (0.0, tunnel_address(number)) for number in (1, 2, 3)
    ]
    world.run(300)
    for number in (1, 2, 3):
        times = world.tunnel_times(tunnel_address(number))
        gaps = [late - soon for soon, late in pairwise(times[1:])]
        assert all(29.8 <= gap <= 30.2 for gap in gaps), gaps
        assert len(times) in {10, 11, 12}
    assert world.told() == [EventKind.TUNNELS_FOUND, EventKind.API_LOST]
    assert world.engine.snapshot().peers == {"ok": 3}


def test_closed_tunnel_is_poked_quickly_until_it_answers() -> None:
    """Lost by design at first; that it is open then is told, once."""
    shut = Faults(shut={1})
    world = make_world(shut)
    world.dump(UPLINK, *routes(1))
    world.run(1)
    assert world.tunnel_times(ONE) == [0.0, 0.2, 0.6]
    shut.heal()
    world.run(5)
    assert world.tunnel_times(ONE) == [0.0, 0.2, 0.6, 1.4]
    opened = world.entries[-1]
    assert (opened.kind, opened.fields["PEER"]) == (EventKind.TUNNEL_OPENED, own_address(1))
    assert "answered after 3 lost pokes in 1.4s" in opened.text
    assert [entry.kind for entry in world.entries].count(EventKind.TUNNEL_OPENED) == 1


def test_interval_of_tunnels_is_a_setting() -> None:
    """And holds from a reload on."""
    world = world_of({"tunnels": {"interval": "2s"}})
    world.dump(UPLINK, *routes(1))
    world.run(20.1)
    assert len(world.tunnel_times(ONE)) == 11


def test_nodes_own_address_is_poked_seldom() -> None:
    """Ten times more seldom than the tunnel to it."""
    world = make_world()
    world.dump(UPLINK, *routes(1, 2))
    world.run(1201)
    counts = per_address(world.by_layer[Layer.UNDERLAY])
    assert counts.keys() == {own_address(1), own_address(2)}
    assert set(counts.values()) <= {4, 5, 6}


@pytest.mark.parametrize("change", ["wider", "anew", "link", "carrier"])
def test_route_that_changes_or_is_laid_anew_is_poked_at_once(change: str) -> None:
    """A tunnel may have been shut meanwhile; it is not waited for the next turn."""
    world = make_world()
    world.dump(UPLINK, *routes(1, 2))
    world.run(10.3)
    world.forget_sends()
    now = 10.3
    match change:
        case "wider":
            world.tell(replace(route_to(77), hops=route_to(1).hops))
        case "anew":
            world.retract(route_to(1))
            world.tell(route_to(1))
        case "link":
            world.tell(make_link(up=False), LINK, route_to(1), route_to(2))
        case _:
            world.tell(make_link(carrier=False), LINK)
    world.run(0.5)
    assert world.tunnel_times(ONE) == [now]
    both = change in {"link", "carrier"}
    assert world.tunnel_times(TWO) == ([now] if both else [])


def test_withdrawn_route_is_poked_no_more() -> None:
    """A peer without a route and without pods is gone, and told so after a while."""
    world = make_world()
    world.take_list()
    world.dump(UPLINK, *routes(1, 2))
    world.run(5)
    world.told()
    world.retract(route_to(1))
    world.forget_sends()
    world.run(9)
    assert world.told() == []
    world.run(61)
    assert per_address(world.sends).keys() <= {TWO, own_address(2)}
    assert world.told() == [EventKind.PEER_WITHDRAWN]
    assert world.engine.snapshot().peers == {"ok": 1}


def test_failing_pod_asks_its_tunnel_at_once() -> None:
    """The first poke that a pod loses is a reason, and not the third."""
    faults = Faults()
    world = make_world(faults)
    feed(world, range(1, 3), 2)
    world.run(32)
    world.forget_sends()
    faults.pods.add(pod_address(1, 0))
    world.run(6.5)
    lost = [when for when, one in world.by_layer[Layer.POD] if one == pod_address(1, 0)]
    assert world.tunnel_times(ONE)[:1] == [round(lost[0] + 1, 2)]
    assert len(world.tunnel_times(ONE)) == 1
    assert world.tunnel_times(TWO) == []


def test_failing_pod_does_not_ask_a_tunnel_that_answered_since() -> None:
    """Ten pods that fail together are one question."""
    faults = Faults()
    world = make_world(faults)
    feed(world, range(1, 3), 10)
    world.run(32)
    world.forget_sends()
    faults.pods |= {pod_address(1, index) for index in range(10)}
    world.run(7)
    assert 1 <= len(world.tunnel_times(ONE)) <= 5


def test_peer_that_answers_again_has_its_tunnel_asked_at_once() -> None:
    """A pod of a broken peer answers: the verdict is not to wait for the tunnel's turn."""
    faults = Faults()
    world = make_world(faults)
    feed(world, range(1, 5), 3)
    world.run(10)
    faults.shut.add(1)
    world.run(60)
    world.told()
    faults.heal()
    world.run(5.5)
    assert world.told() == [EventKind.PEER_BACK]
    assert world.counts() == (12, 0, 0)


def test_host_that_slept_asks_every_tunnel() -> None:
    """All of them may be shut; at once, and under the cap."""
    world = make_world()
    world.dump(UPLINK, *routes(*range(1, 101)))
    world.run(35)
    world.forget_sends()
    world.engine.woke_up()
    world.run(0.7)
    assert len(per_address(world.by_layer[Layer.TUNNEL])) == 100


def test_own_route_and_own_address_are_not_poked() -> None:
    """A far end that is this host itself is no peer."""
    world = make_world()
    world.engine.set_own_addresses(frozenset({own_address(1)}), world.now)
    world.dump(UPLINK, own("10.100.9.1"), *routes(1, 2))
    world.run(40)
    assert per_address(world.sends).keys() == {TWO, own_address(2)}


def test_pods_get_their_peer_whatever_comes_first() -> None:
    """The names of the nodes come with the API: the same peers, with names, and nothing anew."""
    world = make_world()
    world.dump(UPLINK, *routes(1, 2))
    world.run(10)
    world.forget_sends()
    world.take_list(*pods_of(1, 2), *pods_of(2, 2))
    world.run(5)
    assert world.tunnel_times(ONE) == []
    assert {peer.node for peer in world.engine.find_peers("all")} == {"node-1", "node-2"}
    assert world.told() == [EventKind.TUNNELS_FOUND]


@pytest.mark.parametrize("text", ["node-1", own_address(1), ONE, "10.100.1.0/24"])
def test_peer_is_found_by_any_of_its_names(text: str) -> None:
    """As a person writes it."""
    world = make_world()
    feed(world, range(1, 4), 1)
    world.run(1)
    (peer,) = world.engine.find_peers(text)
    assert peer.node == "node-1"
    assert len(world.engine.find_peers("all")) == 3
    assert world.engine.find_peers("nobody") == []


def test_held_peer_gets_nothing_until_it_is_released() -> None:
    """Neither its tunnel nor its pods; new pods of it neither; then all of it at once."""
    world = make_world()
    feed(world, range(1, 3), 2)
    world.run(10)
    (peer,) = world.engine.find_peers("node-1")
    world.engine.hold_peers([peer.id])
    world.forget_sends()
    late = make_pod("late", node="node-1", addresses=("10.100.1.99",))
    world.engine.take(PodChanged(pod=late), world.now)
    world.run(70)
    assert not any(one.startswith("10.100.1.") for _, one in world.sends)
    assert world.tunnel_times(TWO)
    world.engine.hold_peers([])
    world.run(0.05)
    released = {one for _, one in world.sends if one.startswith("10.100.1.")}
    assert released == {ONE, "10.100.1.99", pod_address(1, 0), pod_address(1, 1)}


def test_second_address_is_tried_after_a_silent_burst() -> None:
    """The first of a block need not be anybody's: the next one may answer, and then it stays."""
    world = make_world(lambda target: "silence" if target.address == ONE else "reply")
    world.dump(UPLINK, *routes(1))
    world.run(200)
    second = tunnel_address(1).removesuffix("0") + "1"
    counts = per_address(world.by_layer[Layer.TUNNEL])
    assert counts.keys() == {ONE, second}
    assert world.by_layer[Layer.TUNNEL][-1][1] == second
    assert world.engine.snapshot().peers == {"ok": 1}
    world.answer = is_silent
    world.run(100)
    world.answer = answers
    world.run(60)
    assert world.engine.snapshot().peers == {"ok": 1}


def test_a_node_that_starts_late_is_told_to_be_open() -> None:
    """Its first address was given up meanwhile: the tunnel was shut all the same."""
    world = make_world(is_silent)
    world.dump(UPLINK, *routes(1))
    world.run(5)
    addresses = [address for _, address in world.by_layer[Layer.TUNNEL]]
    assert len(set(addresses)) == 2
    world.answer = answers
    world.run(10)
    (opened,) = [one for one in world.entries if one.kind is EventKind.TUNNEL_OPENED]
    # The pokes that were lost to the address that answers now.
    assert "lost poke" in opened.text


def test_an_address_that_is_nobody_s_shuts_nothing() -> None:
    """The second one answers at once: there was nothing to open."""
    world = make_world(lambda target: "silence" if target.address == ONE else "reply")
    world.dump(UPLINK, *routes(1))
    world.run(60)
    assert world.engine.snapshot().peers == {"ok": 1}
    assert EventKind.TUNNEL_OPENED not in world.told()


def test_a_tunnel_of_one_address_is_poked_there_whatever_it_loses() -> None:
    """There is no other one to try."""
    world = make_world(is_silent)
    world.dump(UPLINK, LINK, make_route("10.101.1.7/32", via=own_address(1)))
    world.run(300)
    assert {address for _, address in world.by_layer[Layer.TUNNEL]} == {"10.101.1.7"}
    assert len(world.tunnel_times("10.101.1.7")) > 10


def test_of_a_peer_without_an_address_the_tunnel_alone_is_asked() -> None:
    """A device that knows its far ends itself, such as WireGuard's: that it fails is told."""
    world = make_world()
    world.dump(UPLINK, LINK, make_route("10.101.1.0/24"), make_route("10.101.2.0/24"))
    world.run(60)
    world.answer = lambda target: "silence" if target.address.startswith("10.101.1.") else "reply"
    world.run(60)
    assert EventKind.TUNNEL_BROKEN in world.told()
    assert world.by_layer[Layer.UNDERLAY] == []
