"""Which journal entries become Events, when, and how many.

Owns the limits. They are client-go's (tools/record/events_cache.go) where it has them: the same
again within ten minutes is counted instead of written anew, and a source has 25 writes about an
object at once, and one in five minutes after that; here an Event waits for its turn, up to ten
minutes, and its count goes on. Beyond it: of more than ten different ones within a minute the rest
are told in one.

The load, where each of 5,000 nodes loses one peer: 4,999 Events. Each node waits up to 10 ms a
peer that it has, by its dice, so that all nodes together write some 100 a second for 50 s.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.errands import LONGEST_TEXT, EventReport, cut
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs, WallNs
from pokepodsd.core.words import count

AGAIN_NS = 600 * SECOND_NS
BURST = 25
REFILL_NS = 300 * SECOND_NS
MOST_NEW = 10
NEW_NS = 60 * SECOND_NS
SPREAD_PER_PEER_NS = 10 * MILLISECOND_NS
_LONGEST_SPREAD_NS = 60 * SECOND_NS

# An entry that is no alarm (a node that is cordoned, say) is at a lower level, and no Event.
_LEVELS: Final = frozenset({Level.ERROR, Level.WARNING, Level.NOTICE})
_REASONS: Final = {
    EventKind.TUNNEL_BROKEN: ("PokePodsTunnelBroken", True),
    EventKind.NODE_UNREACHABLE: ("PokePodsNodeUnreachable", True),
    EventKind.NODE_CUT_OFF: ("PokePodsNodeCutOff", True),
    EventKind.PEER_BACK: ("PokePodsPeerReachable", False),
    EventKind.NODE_BACK: ("PokePodsNodeReachable", False),
}


def spread(peers: int, roll: Callable[[], float]) -> int:
    """How long this node waits with a report that many nodes may make at once, in ns."""
    return round(roll() * min(_LONGEST_SPREAD_NS, peers * SPREAD_PER_PEER_NS))


@dataclass(slots=True)
class _Known:
    """An Event that there is, or will be: ``seen_ns`` is when it last happened."""

    report: EventReport
    seen_ns: MonotonicNs


class _Rest:
    """What is told in one: the first alarm among them, and how many more there are."""

    def __init__(self, first: EventReport) -> None:
        self._example = first
        self._last_ns = first.last_ns
        self._number = 1

    def add(self, report: EventReport) -> None:
        if report.is_warning and not self._example.is_warning:
            self._example = report
        self._last_ns = report.last_ns
        self._number += 1

    def fold(self) -> EventReport:
        more = self._number - 1
        end = f"; and {count(more, 'more change')} within a minute" if more else ""
        text = cut(self._example.text, LONGEST_TEXT - len(end)) + end
        return replace(self._example, text=text, count=self._number, last_ns=self._last_ns)


class Allowance:
    """A bucket of `BURST` tokens, of which one comes back every `REFILL_NS`."""

    def __init__(self) -> None:
        self._full_ns: int = 0

    def take(self, now: MonotonicNs) -> bool:
        """Use a token up, if there is one."""
        if now < self.next_due():
            return False
        self._full_ns = max(self._full_ns, now) + REFILL_NS
        return True

    def next_due(self) -> MonotonicNs:
        """When there is a token, at the latest; it may be long past."""
        return MonotonicNs(self._full_ns - (BURST - 1) * REFILL_NS)


class EventReports:
    """Turns entries into reports."""

    def __init__(self, roll: Callable[[], float]) -> None:
        self._roll = roll
        self._known: dict[tuple[str, str], _Known] = {}
        self._pending: dict[tuple[str, str], None] = {}
        self._new: deque[MonotonicNs] = deque()
        self._rest: _Rest | None = None
        self._rest_due: MonotonicNs | None = None
        self._due: MonotonicNs | None = None
        self._allowance = Allowance()
        self._last_stamp: int = 0
        self.left_out = 0
        """How many Events were given up, because there was no token for ten minutes."""

    def take(self, entry: Entry, peers: int, now: MonotonicNs, wall: WallNs) -> None:
        """An entry was told, while there are so many peers."""
        if entry.kind not in _REASONS or entry.level not in _LEVELS:
            return
        reason, is_warning = _REASONS[entry.kind]
        key = (reason, entry.fields.get("PEER", ""))
        self._forget(now)
        if (known := self._known.get(key)) is not None:
            before = known.report
            last = WallNs(max(wall, before.first_ns))
            known.report = replace(before, count=before.count + 1, last_ns=last)
            known.seen_ns = now
            self._put(key, peers, now)
            return
        report = self._make(reason, entry.text, wall, is_warning=is_warning)
        if len(self._new) >= MOST_NEW:
            if self._rest is None:
                self._rest = _Rest(report)
                self._rest_due = MonotonicNs(now + NEW_NS)
            else:
                self._rest.add(report)
            return
        self._new.append(now)
        self._known[key] = _Known(report, now)
        self._put(key, peers, now)

    def due(self, now: MonotonicNs) -> list[EventReport]:
        """What is to be written now, each handed out once."""
        reports = []
        if self._due is not None and now >= self._due:
            self._forget(now)
            while self._pending and self._allowance.take(now):
                key = next(iter(self._pending))
                del self._pending[key]
                known = self._known[key]
                reports.append(known.report)
                known.report = replace(known.report, is_new=False)
            self._due = self._allowance.next_due() if self._pending else None
        if self._rest is not None and self._rest_due is not None and now >= self._rest_due:
            if self._allowance.take(now):
                reports.append(self._rest.fold())
                self._rest = self._rest_due = None
            else:
                self._rest_due = self._allowance.next_due()
        return reports

    def next_due(self) -> MonotonicNs | None:
        """When `due` has something."""
        times = [time for time in (self._due, self._rest_due) if time is not None]
        return min(times, default=None)

    def _make(self, reason: str, text: str, wall: WallNs, *, is_warning: bool) -> EventReport:
        # It is the Event's name too, and a wall clock may stand still or go back.
        self._last_stamp = max(wall, self._last_stamp + 1)
        stamp = WallNs(self._last_stamp)
        return EventReport(
            reason=reason,
            text=cut(text),
            is_warning=is_warning,
            is_new=True,
            count=1,
            first_ns=stamp,
            last_ns=stamp,
        )

    def _put(self, key: tuple[str, str], peers: int, now: MonotonicNs) -> None:
        self._pending[key] = None
        if self._due is None:
            self._due = MonotonicNs(now + spread(peers, self._roll))

    def _forget(self, now: MonotonicNs) -> None:
        while self._new and now - self._new[0] >= NEW_NS:
            self._new.popleft()
        for key, known in list(self._known.items()):
            if now - known.seen_ns > AGAIN_NS:
                del self._known[key]
                if key in self._pending:
                    del self._pending[key]
                    self.left_out += 1
