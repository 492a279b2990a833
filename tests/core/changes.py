"""Changes of belief, and what surrounds them, for the tests of the journal's words.

Owns their making. Refuses: to judge.
"""

from collections.abc import Callable

from pokepodsd.core.decisions import Mood
from pokepodsd.core.entries import Entry
from pokepodsd.core.health import Record, Tally
from pokepodsd.core.model import (
    SECOND_NS,
    Health,
    MonotonicNs,
    NodeName,
    OutcomeKind,
    Target,
    Transition,
)
from pokepodsd.core.narration import Narrator
from tests.core.builders import at, make_outcome

HOLD = 5 * SECOND_NS
QUIET = Tally(targets=9)
BUSY = Tally(targets=9, doubtful=1, down=1)


def went_down(target: Target, *, detail: str = "", pokes: int = 3, end: float = 20) -> Transition:
    kind = OutcomeKind.REJECTED if detail else OutcomeKind.TIMED_OUT
    outcome = make_outcome(
        target, kind, sent=end - 1, detail=detail, reporter="10.9.9.9" if detail else ""
    )
    return Transition(
        target=target,
        before=Health.UP,
        after=Health.DOWN,
        at_ns=at(end),
        since_ns=at(0),
        failing_since_ns=at(end - 11),
        pokes=pokes,
        outcome=outcome,
    )


def came_up(target: Target, *, before: Health = Health.DOWN, pokes: int = 4) -> Transition:
    return Transition(
        target=target,
        before=before,
        after=Health.UP,
        at_ns=at(110),
        since_ns=at(20),
        failing_since_ns=at(108.8),
        pokes=pokes,
        outcome=make_outcome(target, OutcomeKind.REPLIED, sent=109.9988, lasted=0.0012),
    )


def flush(
    narrator: Narrator,
    now: MonotonicNs,
    tally: Callable[[NodeName | None], Tally],
    mood: Mood = Mood.CLEAR,
) -> list[Entry]:
    """What is told now, with the verdicts on all peers in this mood."""
    return narrator.flush(now, tally, lambda _, __: mood, hold_ns=HOLD)


def record_of(target: Target, health: Health) -> Record:
    return Record(target=target, health=health, since_ns=at(20))
