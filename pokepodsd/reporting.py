"""What the daemon reports to the cluster, where ``kubernetes.report`` asks for it.

Owns the setting's meaning on the daemon's side, and what the journal says of reports. Writes
nothing itself: the reader does, since it has the credentials and the patience.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from pokepodsd.core.condition import Condition, Outlook
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.errands import Errand
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.records import Fate, Identified, Record, ReportEnded
from pokepodsd.core.reports import EventReports
from pokepodsd.core.words import count
from pokepodsd.edge.clock import wall_ns
from pokepodsd.edge.journal import escape

_LOOK_EVERY_NS = SECOND_NS
# Of the ten that systemd waits (TimeoutStopSec=).
_FAREWELL_SECONDS = 2.0
_RIGHTS = {
    "events": 'create and patch events in the namespace "default"',
    "condition": "patch nodes/status",
}


class Carrier(Protocol):
    """Who has it written, see `keeper`."""

    def send(self, errand: Errand) -> None:
        """Hand on an errand."""

    def hear_out(self, is_enough: Callable[[Record], bool], seconds: float) -> None:
        """Wait for a record, at most so long."""


class Reporting:
    """Reports of one running daemon."""

    def __init__(
        self,
        setting: str,
        carrier: Carrier,
        outlook: Callable[[], Outlook],
        *,
        roll: Callable[[], float],
        now: MonotonicNs,
    ) -> None:
        """``outlook`` says how things are; it is asked once a second, and only if need be."""
        self._setting = setting
        self._carrier = carrier
        self._outlook = outlook
        self._roll = roll
        self._events = EventReports(roll)
        self._condition = Condition(now, roll)
        self._next_look = now
        self._peers = 0
        self._dropped = 0
        self._is_refusal_told = False
        self.entries: list[Entry] = []

    def reconfigure(self, setting: str, now: MonotonicNs) -> None:
        """Take another setting; to be called when the new reader is there."""
        if setting == self._setting:
            return
        if self._setting == "condition" and self._condition.is_on_the_node:
            self._carrier.send(self._condition.end(wall_ns()))
        self._setting = setting
        self._events = EventReports(self._roll)
        self._condition = Condition(now, self._roll)
        self._is_refusal_told = False

    def note(self, entries: Iterable[Entry], now: MonotonicNs) -> None:
        """These were told."""
        if self._setting != "events":
            return
        for entry in entries:
            safe = replace(entry, text=escape(entry.text))
            self._events.take(safe, self._peers, now, wall_ns())

    def turn(self, now: MonotonicNs) -> None:
        """Send what is due."""
        if self._setting == "none":
            return
        if now >= self._next_look:
            self._next_look = MonotonicNs(now + _LOOK_EVERY_NS)
            outlook = self._outlook()
            self._peers = outlook.peers
            if self._setting == "condition":
                self._condition.look(outlook, now, wall_ns())
        for event in self._events.due(now):
            self._carrier.send(event)
        if (condition := self._condition.due(now)) is not None:
            self._carrier.send(condition)

    def next_due(self) -> MonotonicNs | None:
        """When `turn` has something to do."""
        if self._setting == "none":
            return None
        times = (self._next_look, self._events.next_due(), self._condition.next_due())
        return min(time for time in times if time is not None)

    def take(self, record: Record, now: MonotonicNs) -> None:
        """Take what a reader says of reports."""
        match record:
            case Identified():
                self._condition.repeat(now)
            case ReportEnded(fate=Fate.WRITTEN):
                self._tell_dropped()
                self._is_refusal_told = False
                if record.report == "condition":
                    self._condition.written(record.text)
            case ReportEnded(fate=Fate.REFUSED):
                self._tell_refused(record.text)
            case ReportEnded(fate=Fate.DROPPED):
                self._dropped += 1
            case _:
                pass

    def finish(self) -> None:
        """Say on the Node that nobody looks any more, and wait a moment for it to be written."""
        if self._setting != "condition" or not self._condition.is_on_the_node:
            return
        self._carrier.send(self._condition.end(wall_ns()))
        self._carrier.hear_out(self._is_farewell, _FAREWELL_SECONDS)

    def _is_farewell(self, record: Record) -> bool:
        self.take(record, MonotonicNs(0))
        is_given_up = isinstance(record, ReportEnded) and record.fate is Fate.REFUSED
        return self._condition.is_ended or is_given_up

    def _tell_refused(self, said: str) -> None:
        if self._is_refusal_told:
            return
        self._is_refusal_told = True
        text = (
            f'the API server refuses the reports that kubernetes.report = "{self._setting}" asks '
            f"for; nothing else is affected. Missing right: {_RIGHTS.get(self._setting, 'none')}. "
            "A kubelet's credentials have it, for its own node; to grant it to an identity of "
            f"pokepodsd's own: pokepodsd rbac --for serviceaccount --report {self._setting}. The "
            f"server said: {said}"
        )
        self.entries.append(Entry(kind=EventKind.REPORTS_REFUSED, level=Level.WARNING, text=text))

    def _tell_dropped(self) -> None:
        if not self._dropped:
            return
        text = (
            f"{count(self._dropped, 'report')} to the cluster could not be written for too long, "
            "and came to nothing; reports are written again"
        )
        self._dropped = 0
        self.entries.append(Entry(kind=EventKind.REPORTS_DROPPED, level=Level.NOTICE, text=text))
