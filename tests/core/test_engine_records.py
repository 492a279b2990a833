"""Checks what the reader's records do to the pokes: long lists, pods that change, own addresses."""

from pokepodsd.core.engine import TICK_NS
from pokepodsd.core.entries import EventKind, Level
from pokepodsd.core.model import MonotonicNs, Scope, TargetId
from pokepodsd.core.population import PART
from pokepodsd.core.records import Alive, ListBegun, ListEnded, PodChanged
from tests.core.builders import T0, make_pod
from tests.core.world import is_silent, make_world, pods


def test_narrowing_and_widening_are_told() -> None:
    """More pods than two intervals carry, and fewer again."""
    world = make_world(max_rate=20)
    world.take_list(*pods(100), *(pods(250, node="node-c")[100:]))
    world.run(30)
    assert EventKind.SCOPE_NARROWED in world.told()
    world.take_list(*pods(20))
    world.run(120)
    (entry,) = (one for one in world.entries if one.kind is EventKind.SCOPE_WIDENED)
    assert entry.text == "all pods are poked again"
    assert entry.level is Level.INFO


def test_addresses_of_this_host_are_withdrawn() -> None:
    """An address that a pod is said to have and this host has is nobody's to poke."""
    world = make_world()
    world.take_list(*pods(2))
    world.run(1)
    world.engine.set_own_addresses(frozenset({"10.1.0.1"}), world.now)
    world.run(1)
    assert world.engine.snapshot().targets == 1
    world.forget_sends()
    world.run(20)
    assert {address for _, address in world.sends} == {"10.1.0.2"}


def test_a_long_list_is_withdrawn_in_parts() -> None:
    """No turn of the loop waits for all of it."""
    world = make_world()
    world.take_list(*pods(3 * PART))
    world.run(1)
    world.take_list()
    counts = [world.engine.snapshot().targets]
    while counts[-1]:
        assert world.engine.next_wake() <= world.now + TICK_NS
        world.turn()
        world.now = MonotonicNs(world.now + TICK_NS)
        counts.append(world.engine.snapshot().targets)
    assert counts == [2 * PART, PART, 0]


def test_a_pod_that_changes_is_poked_as_it_is_now() -> None:
    """What is told of it later names its node."""
    world = make_world(is_silent)
    world.take_list(make_pod(node=None))
    world.run(2)
    world.engine.take(PodChanged(pod=make_pod(node="node-z")), world.now)
    world.run(90)
    (entry,) = (one for one in world.entries if one.kind is EventKind.TARGET_DOWN)
    assert entry.fields["NODE"] == "node-z"


def test_the_reader_s_last_word_is_when_it_last_heard() -> None:
    """One that has heard nothing yet says nothing of it; bytes are counted over readers."""
    engine = make_world().engine
    usage = engine.stages.usage
    engine.take(Alive(received=10, heard_ns=0), T0)
    assert (usage.heard_ns, usage.received) == (None, 10)
    engine.take(Alive(received=5, heard_ns=7), T0)
    assert (usage.heard_ns, usage.received) == (7, 15)
    engine.take(Alive(received=6, heard_ns=0), T0)
    assert (usage.heard_ns, usage.received) == (7, 16)


def test_a_pod_without_a_tunnel_or_an_address_of_its_node_asks_nobody() -> None:
    """It is told by itself."""
    world = make_world(is_silent)
    world.take_list(make_pod(host=""))
    world.run(60)
    assert EventKind.TARGET_DOWN in world.told()


def test_a_list_is_known_to_be_under_way() -> None:
    """Until it ends; what it named is known then."""
    world = make_world()
    engine = world.engine
    assert not engine.is_listing
    engine.take(ListBegun(), T0)
    assert engine.is_listing
    engine.take(ListEnded(scope=Scope.CLUSTER), T0)
    assert not engine.is_listing
    world.take_list(make_pod())
    population = engine.stages.podding.population
    (target,) = population.all()
    assert target.id in population
    assert TargetId("nobody") not in population
