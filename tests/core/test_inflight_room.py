"""Checks what becomes of pokes whose replies may have found no room on this host."""

from pokepodsd.core.inflight import InFlight, Stray
from pokepodsd.core.model import OVERRUN, SECOND_NS, OutcomeKind
from tests.core.builders import V4, at, draw_cookie, make_target, opened


def test_a_reply_that_may_have_found_no_room_is_nobodys_loss() -> None:
    """What was in flight while the socket's buffer ran over, and nothing that is sent later."""
    flight = InFlight(V4, draw=draw_cookie, timeout_ns=SECOND_NS)
    before, _ = opened(flight, make_target(1), now=at(0))
    flight.overrun(3, at(0.5))
    same_turn, _ = opened(flight, make_target(2), now=at(0.5))
    outcomes = flight.expire(at(2))
    assert [(one.probe, one.kind, one.detail) for one in outcomes] == [
        (before, OutcomeKind.TIMED_OUT, OVERRUN),
        (same_turn, OutcomeKind.TIMED_OUT, ""),
    ]
    assert [one.is_for_want_of_room for one in outcomes] == [True, False]
    assert flight.strays == {Stray.OVERRUN: 3}
