"""Checks what is seen of a peer's layers, from the beliefs about its targets."""

from dataclasses import dataclass, field, replace

import pytest

from pokepodsd.core.health import HealthBook
from pokepodsd.core.model import Family, Layer, NodeName, OutcomeKind, Target
from pokepodsd.core.peers import Peer
from pokepodsd.core.sights import View, tunnel_target, underlay_target, view
from pokepodsd.core.verdict import Sight
from tests.core.builders import T0, at, make_outcome, make_target
from tests.core.peerfacts import ADDRESS_B, BLOCK_B, make_peer, make_tunnel

FAIL_AFTER = 3
NODE = NodeName("node-b")
TUNNEL = make_tunnel(ADDRESS_B, BLOCK_B)
SIX = make_tunnel("fd09::2", "fd00:2::/122", device="tun6", kind="sit")
SECOND = make_tunnel("10.9.0.22", "10.244.22.0/26")
PEER = make_peer("node-b", ADDRESS_B, TUNNEL)
BARE = make_peer("node-b", ADDRESS_B)
OUTER = replace(
    make_target(900, address=ADDRESS_B),
    id=underlay_target(ADDRESS_B),
    host=ADDRESS_B,
    layer=Layer.UNDERLAY,
)


def inner(tunnel: object = TUNNEL) -> Target:
    """The target that stands for a tunnel."""
    assert isinstance(tunnel, type(TUNNEL))
    return replace(
        make_target(901, address=tunnel.addresses[0]),
        id=tunnel_target(tunnel.id),
        name=tunnel.device,
        layer=Layer.TUNNEL,
    )


@dataclass
class Network:
    """Books of all layers, and pokes that end as a test says."""

    books: dict[Layer, HealthBook] = field(
        default_factory=lambda: {layer: HealthBook() for layer in Layer}
    )

    def poke(self, target: Target, sent: float, *, is_lost: bool = False) -> None:
        book = self.books[target.layer]
        if book.get(target.id) is None:
            book.add(target, T0)
        kind = OutcomeKind.TIMED_OUT if is_lost else OutcomeKind.REPLIED
        outcome = make_outcome(target, kind, sent=sent, lasted=1 if is_lost else 0.01)
        book.sent(outcome.probe)
        book.judge(outcome, FAIL_AFTER)

    def lose(self, target: Target, *sent: float) -> None:
        for one in sent:
            self.poke(target, one, is_lost=True)

    def add(self, *targets: Target) -> None:
        for target in targets:
            self.books[target.layer].add(target, T0)

    def view(self, peer: Peer = PEER) -> View:
        return view(peer, self.books)

    def sights(self, peer: Peer = PEER) -> tuple[Sight, Sight, Sight]:
        seen = self.view(peer)
        return seen.underlay, seen.tunnel, seen.pods


def pods(count: int) -> list[Target]:
    return [make_target(number) for number in range(1, count + 1)]


def test_nothing_to_ask_is_unknown_and_what_is_asked_is_unsure() -> None:
    """Before the first answer nothing is believed."""
    network = Network()
    assert network.sights() == (Sight.UNKNOWN,) * 3
    network.add(OUTER, inner())
    assert network.sights() == (Sight.UNSURE, Sight.UNSURE, Sight.UNKNOWN)


def test_each_layer_speaks_for_itself() -> None:
    """The node's address answers, its tunnel does not, and no pod is poked."""
    network = Network()
    network.poke(OUTER, 0)
    network.lose(inner(), 1, 2, 3)
    assert network.sights() == (Sight.UNSURE, Sight.SILENT, Sight.UNKNOWN)
    network.poke(OUTER, 4)
    assert network.sights() == (Sight.ANSWERS, Sight.SILENT, Sight.UNKNOWN)
    seen = network.view()
    assert (seen.failing_since_ns, seen.is_doubtful) == (at(1), False)
    assert seen.example == inner()
    assert seen.record is not None
    assert seen.record.failure == "timed out"
    assert seen.replied_ns is None


def test_underlay_that_answered_and_fails_is_unsure() -> None:
    """It is asked again before a tunnel is blamed, or the node."""
    network = Network()
    network.poke(OUTER, 0)
    network.lose(OUTER, 1)
    assert network.view().underlay is Sight.UNSURE
    network.lose(OUTER, 2, 3)
    assert network.view().underlay is Sight.SILENT


def test_tunnel_in_doubt_still_answers() -> None:
    """One lost poke is none; that it is in doubt is seen, and since when."""
    network = Network()
    network.poke(inner(), 0)
    network.lose(inner(), 5)
    seen = network.view()
    assert (seen.tunnel, seen.is_doubtful) == (Sight.ANSWERS, True)
    assert seen.failing_since_ns == at(5)
    assert seen.replied_ns == at(0)


@pytest.mark.parametrize(("answered", "sight"), [(1.5, Sight.ANSWERS), (0.5, Sight.SILENT)])
def test_pods_that_answer_since_speak_for_a_silent_tunnel(answered: float, sight: Sight) -> None:
    """The address that was chosen for the tunnel need not be anybody's; an old answer is none."""
    network = Network()
    network.poke(inner(), 0)
    network.poke(make_target(1), answered)
    network.lose(inner(), 1, 2, 3)
    assert network.view().tunnel is sight


def test_pod_that_is_down_by_now_speaks_for_nothing() -> None:
    """It answered after the tunnel fell silent, and does not any more."""
    network = Network()
    network.lose(inner(), 1, 2, 3)
    network.poke(make_target(1), 4)
    assert network.view().tunnel is Sight.ANSWERS
    network.lose(make_target(1), 5, 6, 7)
    assert network.sights()[1:] == (Sight.SILENT, Sight.SILENT)


def test_pods_speak_for_the_tunnel_of_their_family() -> None:
    """What passes through one says nothing of the other."""
    network = Network()
    both = make_peer("node-b", ADDRESS_B, TUNNEL, SIX)
    network.lose(inner(TUNNEL), 1, 2, 3)
    network.lose(inner(SIX), 1, 2, 3)
    network.poke(make_target(1, address="fd00:2::7"), 4)
    assert network.view(make_peer("node-b", ADDRESS_B, SIX)).tunnel is Sight.ANSWERS
    seen = network.view(both)
    assert seen.tunnel is Sight.SILENT
    assert seen.record is not None
    assert seen.record.target.family is Family.V4
    network.poke(make_target(2), 4)
    assert network.view(both).tunnel is Sight.ANSWERS


def test_pod_on_the_nodes_own_address_speaks_for_no_tunnel() -> None:
    """It is not reached through it."""
    network = Network()
    network.lose(inner(), 1, 2, 3)
    network.poke(replace(make_target(1, address=ADDRESS_B), host=ADDRESS_B), 4)
    assert network.view().tunnel is Sight.SILENT


def test_any_way_through_a_device_will_do_and_every_device_has_to() -> None:
    """Two blocks behind one device are one way; another device is another."""
    network = Network()
    network.poke(inner(TUNNEL), 0)
    network.lose(inner(SECOND), 1, 2, 3)
    assert network.view(make_peer("node-b", ADDRESS_B, TUNNEL, SECOND)).tunnel is Sight.ANSWERS
    other = make_tunnel("10.9.0.23", "10.244.23.0/26", device="vxlan.calico", kind="vxlan")
    network.lose(inner(other), 1, 2, 3)
    seen = network.view(make_peer("node-b", ADDRESS_B, TUNNEL, other))
    assert seen.tunnel is Sight.SILENT
    assert seen.example == inner(other)


@pytest.mark.parametrize(
    ("down", "is_node_silent", "sight"),
    [
        (0, False, Sight.ANSWERS),
        (2, False, Sight.ANSWERS),
        (3, False, Sight.SILENT),
        (3, True, Sight.SILENT),
    ],
)
def test_pods_stand_for_a_tunnel_that_the_kernel_does_not_show(
    down: int, is_node_silent: bool, sight: Sight
) -> None:
    """Where the peer is known by the API alone: all must be silent."""
    network = Network()
    for pod in pods(3):
        network.poke(pod, 0)
    for pod in pods(down):
        network.lose(pod, 1, 2, 3)
    if is_node_silent:
        network.lose(OUTER, 1, 2, 3)
    assert network.view(BARE).tunnel is sight


@pytest.mark.parametrize(("is_node_silent", "sight"), [(False, "UNKNOWN"), (True, "SILENT")])
def test_single_pod_may_just_be_dead(is_node_silent: bool, sight: str) -> None:
    """One silent pod blames the node only together with the node's own address."""
    network = Network()
    network.lose(make_target(1), 1, 2, 3)
    if is_node_silent:
        network.lose(OUTER, 1, 2, 3)
    seen = network.view(BARE)
    assert seen.tunnel is Sight[sight]
    assert seen.pods is Sight.SILENT
    assert (seen.example, seen.record) == (make_target(1), None)


def test_pods_that_were_never_heard_are_unsure() -> None:
    """They open, or they do not."""
    network = Network()
    network.add(*pods(2))
    assert network.sights(BARE) == (Sight.UNKNOWN, Sight.UNSURE, Sight.ANSWERS)


def test_pods_are_in_doubt_when_none_is_left_that_does_not_fail() -> None:
    """One that fails beside one that does not is a pod's trouble; down is no doubt any more."""
    network = Network()
    first, second = pods(2)
    for pod in (first, second):
        network.poke(pod, 0)
    network.lose(first, 1)
    assert not network.view(BARE).is_doubtful
    network.lose(second, 1)
    assert network.view(BARE).is_doubtful
    network.lose(first, 2, 3)
    assert network.view(BARE).is_doubtful
    network.lose(second, 2, 3)
    assert not network.view(BARE).is_doubtful


def test_nameless_peer_has_no_pods_of_its_own() -> None:
    """Its name is not known: pods without a node are not its."""
    network = Network()
    network.lose(inner(), 1, 2, 3)
    network.poke(make_target(1, node=None), 4)
    peer = make_peer(None, ADDRESS_B, TUNNEL)
    assert network.sights(peer) == (Sight.UNKNOWN, Sight.SILENT, Sight.UNKNOWN)


def test_only_pod_of_a_node_that_fails_once_has_still_answered() -> None:
    """When it last did is not forgotten with its first lost poke."""
    network = Network()
    network.poke(make_target(1), 0)
    network.lose(make_target(1), 5)
    seen = network.view(BARE)
    assert (seen.tunnel, seen.replied_ns) == (Sight.ANSWERS, at(0))
