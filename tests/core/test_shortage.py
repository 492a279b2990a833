"""Checks that a lack of room is told once, that it ends, and whom a failure meanwhile is put to."""

import pytest

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import OVERRUN, SECOND_NS, Outcome, OutcomeKind, Probe
from pokepodsd.core.shortage import Shortage
from tests.core.builders import at, make_target


def ended(seconds: float, kind: OutcomeKind, detail: str = "") -> Outcome:
    """A poke that ended then, and was sent a tenth of a second before."""
    sent_ns = at(seconds - 0.1)
    target = make_target(1)
    probe = Probe(target=target, sequence=1, serial=1, opening=False, sent_ns=sent_ns, mark=b"")
    rtt_ns = SECOND_NS // 10 if kind is OutcomeKind.REPLIED else None
    return Outcome(probe, kind, at(seconds), rtt_ns, detail)


def unsent(seconds: float, name: str = "ENOBUFS") -> Outcome:
    return ended(seconds, OutcomeKind.SEND_FAILED, name)


def replied(seconds: float) -> Outcome:
    return ended(seconds, OutcomeKind.REPLIED)


def tell(shortage: Shortage, seconds: float) -> list[EventKind]:
    return [entry.kind for entry in shortage.tick(at(seconds))]


def short(shortage: Shortage, outcome: Outcome, *, until: int = 6) -> Entry:
    """Such an end every second, until it is told."""
    for second in range(until):
        assert tell(shortage, second) == []
        shortage.note(outcome._replace(at_ns=at(second)))
    (entry,) = shortage.tick(at(until))
    return entry


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (unsent(0), "of 6 pokes, 6 could not be sent (ENOBUFS); no target is blamed"),
        (unsent(0, "EAGAIN"), "6 could not be sent (EAGAIN)"),
        (
            ended(0, OutcomeKind.TIMED_OUT, OVERRUN),
            "the replies of 6 may be among those that were dropped here",
        ),
    ],
)
def test_a_lack_that_lasts_is_told_once(outcome: Outcome, words: str) -> None:
    """After five seconds, with what was lacking and what to look at."""
    shortage = Shortage()
    entry = short(shortage, outcome)
    assert (entry.kind, entry.level) == (EventKind.ROOM_SHORT, Level.WARNING)
    assert entry.fields == {"VERDICT": "self", "COUNT": "6"}
    assert words in entry.text
    assert ("tc -s qdisc" in entry.text) == (outcome.detail != OVERRUN)
    assert ("net.core.rmem_max" in entry.text) == (outcome.detail == OVERRUN)
    for second in range(7, 20):
        shortage.note(outcome._replace(at_ns=at(second)))
        assert tell(shortage, second) == []


def test_it_is_over_when_pokes_find_room() -> None:
    """Twenty in a row, and not before five seconds have passed; a new one is told anew."""
    shortage = Shortage()
    short(shortage, unsent(0))
    for second in range(7, 26):
        shortage.note(replied(second))
        assert tell(shortage, second) == []
    shortage.note(replied(26))
    (entry,) = shortage.tick(at(26))
    assert (entry.kind, entry.level) == (EventKind.ROOM_BACK, Level.NOTICE)
    assert entry.fields == {"VERDICT": "self", "COUNT": "6"}
    assert "again after 5.1s; 6 pokes found none" in entry.text
    assert tell(shortage, 27) == []
    assert short(shortage, unsent(0)).kind is EventKind.ROOM_SHORT


def test_twenty_at_once_do_not_end_it() -> None:
    """A burst between two lacks is no recovery."""
    shortage = Shortage()
    short(shortage, unsent(0))
    for _ in range(40):
        shortage.note(replied(6))
    assert tell(shortage, 6) == []
    assert tell(shortage, 10.5) == [EventKind.ROOM_BACK]


@pytest.mark.parametrize(("number", "last"), [(4, 8.0), (20, 4.0)])
def test_a_moment_is_not_told(number: int, last: float) -> None:
    """Few pokes, or many in less than five seconds; nor is it told that it is over."""
    shortage = Shortage()
    for one in range(number):
        shortage.note(unsent(last * one / (number - 1)))
    assert tell(shortage, 9) == []
    for one in range(20):
        shortage.note(replied(10 + one))
    assert tell(shortage, 40) == []


def test_while_nothing_gets_through_no_failure_is_a_targets() -> None:
    """Who cannot send cannot ask for its neighbours either; one reply shows that it can."""
    shortage = Shortage()
    silent = ended(1, OutcomeKind.TIMED_OUT)
    unreachable = ended(1, OutcomeKind.REJECTED, "host unreachable")
    assert shortage.note(silent) == silent
    shortage.note(unsent(1))
    for outcome in (silent, unreachable):
        assert shortage.note(outcome).is_for_want_of_room
        assert shortage.note(outcome).kind is outcome.kind
    shortage.note(replied(2))
    for outcome in (silent, unreachable):
        assert shortage.note(outcome) == outcome


def test_a_lack_that_is_long_past_explains_nothing() -> None:
    """One poke that found no room, and then silence: that is an outage, and the lack is over."""
    shortage = Shortage()
    shortage.note(unsent(1))
    assert shortage.note(ended(15, OutcomeKind.TIMED_OUT)).is_for_want_of_room
    for second in range(22, 42):
        silent = ended(second, OutcomeKind.TIMED_OUT)
        assert shortage.note(silent) == silent
    assert tell(shortage, 42) == []
    again = ended(43, OutcomeKind.TIMED_OUT)
    assert shortage.note(again) == again
