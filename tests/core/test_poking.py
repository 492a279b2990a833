"""Checks turns, probes and beliefs together, where no target has its usual way."""

import pytest

from pokepodsd.core.model import Layer, NodeName, OutcomeKind, TargetId
from pokepodsd.core.poking import Held, Poking
from tests.core.builders import T0, V4, at, draw_cookie, make_config, make_outcome, make_target


def make_poking() -> Poking:
    poking = Poking(make_config(), (V4,), draw=draw_cookie, now=T0)
    poking.add(make_target(1), T0)
    return poking


def test_what_is_held_is_not_begun_again() -> None:
    """Its pokes wait for the release, which has them at once."""
    poking = make_poking()
    poking.hold(Held(nodes=frozenset({NodeName("node-b")})))
    poking.start_again(make_target(1))
    assert list(poking.due(at(1))) == []
    poking.hold(Held())
    poking.lanes.share()
    assert [send.probe.target for send in poking.due(at(2))] == [make_target(1)]


def test_a_turn_for_nobody_is_a_fault_of_ours() -> None:
    """It is told with the name, and not passed over."""
    poking = make_poking()
    poking.lanes[Layer.POD].add(TargetId("nobody"))
    poking.lanes.share()
    with pytest.raises(LookupError, match="a turn for nobody, which is no target"):
        list(poking.due(at(1)))


def test_without_a_sequence_nothing_is_sent_or_counted() -> None:
    """The turn is over; the next one is an interval later."""
    poking = make_poking()
    for _ in range(2**16):
        if poking.flights.open(make_target(2), T0, opening=False) is None:
            break
    poking.lanes.share()
    assert list(poking.due(T0)) == []
    record = poking.get(Layer.POD, make_target(1).id)
    assert record is not None
    assert record.sent == 0


def test_the_outcome_of_no_target_is_no_change() -> None:
    """A poke that was under way when its target went."""
    poking = make_poking()
    assert poking.judge(make_outcome(make_target(9), OutcomeKind.REPLIED)) is None
