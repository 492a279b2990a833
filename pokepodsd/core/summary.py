"""The entry that says how things are when nothing else was told for long.

Owns when it is due, and its words.
"""

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import MonotonicNs
from pokepodsd.core.status import Stages
from pokepodsd.core.values import duration_text
from pokepodsd.core.words import count, milliseconds


class Summary:
    """Counts the silence since the last entry."""

    def __init__(self, every_ns: int, now: MonotonicNs) -> None:
        self.every_ns = every_ns
        self._told_ns = now
        self._sent = self._received = 0

    def note_told(self, now: MonotonicNs) -> None:
        """Something else was told."""
        self._told_ns = now

    def next_due(self) -> MonotonicNs:
        """When `tick` tells something, if nothing else is told."""
        return MonotonicNs(self._told_ns + self.every_ns)

    def tick(self, stages: Stages, now: MonotonicNs) -> Entry | None:
        """The entry, if it is due."""
        if now < self.next_due():
            return None
        self._told_ns = now
        return Entry(kind=EventKind.SUMMARY, level=Level.INFO, text=self._text(stages, now))

    def _text(self, stages: Stages, now: MonotonicNs) -> str:
        flights, window = stages.poking.flights, stages.peering.traffic.all
        sent, received = flights.sent - self._sent, flights.received - self._received
        self._sent, self._received = flights.sent, flights.received
        worst_ns = window.worst_ns(now)
        slowest = "" if worst_ns is None else f", the slowest lately in {milliseconds(worst_ns)}"
        return (
            f"nothing to tell for {duration_text(self.every_ns)}: "
            f"{stages.overlook.look(now).text}; {count(sent, 'poke')} and "
            f"{received} answers since the last summary{slowest}; API: {stages.api}"
        )
