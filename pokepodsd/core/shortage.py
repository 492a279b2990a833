"""Whether this host is short of room for pokes or replies: full queues, a receive buffer run over.

Owns that this is told once, and once more when it is over; and that a failure is this host's own
while nothing gets through at all, for a while. That a poke which found no room says nothing of its
target is `health`'s to know.
"""

from collections import Counter
from dataclasses import dataclass, field

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import OVERRUN, SECOND_NS, MonotonicNs, Outcome, OutcomeKind
from pokepodsd.core.words import count, span

# A queue that is full for a moment is nobody's trouble: more pokes than that, for longer.
_LEAST = 5
_LEAST_NS = 5 * SECOND_NS
# It is over when so many pokes in a row found room, and after so long.
_WELL = 20
_WELL_NS = 5 * SECOND_NS
# So long after the last of them a failure may still come of it: a neighbour's address is asked for
# three times, a second apart, once the kernel doubts it. What fails later is an outage.
_DEAF_NS = 20 * SECOND_NS


@dataclass(slots=True)
class _Spell:
    """A time of want: which wants there were, and how many pokes ended otherwise, in a row too."""

    since_ns: MonotonicNs
    last_ns: MonotonicNs
    last: str
    wants: Counter[str] = field(default_factory=Counter)
    others: int = 0
    in_a_row: int = 0
    has_answer: bool = False
    is_told: bool = False

    def is_worth_telling(self) -> bool:
        lasted_ns = self.last_ns - self.since_ns
        return not self.is_told and self.wants.total() >= _LEAST and lasted_ns >= _LEAST_NS

    def is_over(self, now: MonotonicNs) -> bool:
        return self.in_a_row >= _WELL and now >= self.last_ns + _WELL_NS


class Shortage:
    """What is believed of this host's room."""

    def __init__(self) -> None:
        self._spell: _Spell | None = None

    def note(self, outcome: Outcome) -> Outcome:
        """Count the end of one probe; the same, or what it is where nothing gets through."""
        if outcome.is_for_want_of_room:
            self._want(outcome)
            return outcome
        spell = self._spell
        if spell is None:
            return outcome
        spell.has_answer |= outcome.kind is OutcomeKind.REPLIED
        if not spell.has_answer and outcome.probe.sent_ns < spell.last_ns + _DEAF_NS:
            # Who may not send cannot ask for its neighbours' addresses either.
            return outcome._replace(detail=spell.last)
        spell.others += 1
        spell.in_a_row += 1
        return outcome

    def tick(self, now: MonotonicNs) -> list[Entry]:
        """What is to be told now."""
        spell = self._spell
        if spell is None:
            return []
        if spell.is_over(now):
            self._spell = None
            return [_tell_back(spell)] if spell.is_told else []
        if spell.is_worth_telling():
            spell.is_told = True
            return [_tell_short(spell, now)]
        return []

    def _want(self, outcome: Outcome) -> None:
        if self._spell is None:
            since_ns = outcome.probe.sent_ns
            self._spell = _Spell(since_ns=since_ns, last_ns=since_ns, last=outcome.detail)
        spell = self._spell
        spell.last_ns, spell.last = outcome.at_ns, outcome.detail
        spell.wants[outcome.detail] += 1
        spell.in_a_row = 0


def _tell_short(spell: _Spell, now: MonotonicNs) -> Entry:
    wants = Counter(spell.wants)
    unheard = wants.pop(OVERRUN, 0)
    what, remedies = [], []
    if wants:
        names = ", ".join(sorted(wants))
        what.append(f"{wants.total()} could not be sent ({names})")
        remedies.append(
            "see which queue is full (tc -s qdisc), and whether the neighbour table is (dmesg)"
        )
    if unheard:
        what.append(f"the replies of {unheard} may be among those that were dropped here")
        remedies.append("raise net.core.rmem_max, and look for a flood of ICMP")
    total = spell.wants.total() + spell.others
    text = (
        f"this host is short of room for {span(now - spell.since_ns)}: of {count(total, 'poke')}, "
        f"{' and '.join(what)}; no target is blamed for them; {'; '.join(remedies)}"
    )
    return Entry(
        kind=EventKind.ROOM_SHORT, level=Level.WARNING, text=text, fields=_fields(spell.wants)
    )


def _tell_back(spell: _Spell) -> Entry:
    text = (
        f"this host has room for pokes and replies again after "
        f"{span(spell.last_ns - spell.since_ns)}; {count(spell.wants.total(), 'poke')} found none"
    )
    return Entry(
        kind=EventKind.ROOM_BACK, level=Level.NOTICE, text=text, fields=_fields(spell.wants)
    )


def _fields(wants: Counter[str]) -> dict[str, str]:
    return {"VERDICT": "self", "COUNT": str(wants.total())}
