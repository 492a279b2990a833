"""Keeps a reader running: starts it, listens to it, replaces it.

Owns the reader's process for the daemon, and hands it the daemon's errands. A reader that ended,
that says nothing any more, or that says something that is no record is killed, and a new one is
started after a growing delay. No poke notices.
"""

import select
from collections.abc import Callable, Iterator, Set
from typing import Protocol

from pokepodsd.core.backoff import Backoff
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.errands import Errand, encode_errand
from pokepodsd.core.gathering import Gathering
from pokepodsd.core.lines import LineBuffer
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs
from pokepodsd.core.recordlines import LONGEST_RECORD, decode
from pokepodsd.core.records import ListEnded, Lost, Record
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.errors import GarbledError

# Three times the period in which a reader says that it turns.
SILENCE_NS = 15 * SECOND_NS
# The loop turns every 5 s at least. After a pause of this host, or of this process, the reader has
# as long as ever to say something: it may have been stopped as well, and was not listened to.
_STOOD_STILL_NS = SILENCE_NS // 2
# The daemon wakes up every 50 ms to poke: the first time after the rest is soon enough. Where it
# does not, it wakes up for this.
REST_NS = 40 * MILLISECOND_NS
_SPARE_NS = 20 * MILLISECOND_NS


class Process(Protocol):
    """The child process, see `edge.child`."""

    def fileno(self) -> int:
        """The socket to it."""

    def read(self) -> bytes | None:
        """What it wrote; None for nothing yet, empty for its end."""

    def write(self, data: bytes) -> None:
        """Say something to it, as far as it takes that without waiting."""

    def kill(self) -> str:
        """End it, and say how it ended."""


class Keeper:
    """One reader at a time."""

    def __init__(self, start: Callable[[], Process], *, roll: Callable[[], float]) -> None:
        self._start = start
        self._delays = Backoff(first=1.0, longest=60.0, roll=roll)
        self._lines = LineBuffer(longest=LONGEST_RECORD)
        self._heard: MonotonicNs | None = None
        self._turned: MonotonicNs | None = None
        self._start_at: MonotonicNs | None = None
        self._gathering = Gathering(rest_ns=REST_NS)
        self._rest_until: MonotonicNs | None = None
        self.process: Process | None = None
        self.starts = 0
        """How many readers were started."""
        self.entries: list[Entry] = []

    def start(self, now: MonotonicNs) -> None:
        """Start a reader, in place of the one there is."""
        self.stop()
        self._lines = LineBuffer(longest=LONGEST_RECORD)
        self._heard = now
        try:
            self.process = self._start()
            self.starts += 1
        except OSError as error:
            self._retry_later(f"it cannot be started: {error.strerror}", now)

    def stop(self) -> None:
        """End the reader."""
        if self.process is not None:
            self.process.kill()
            self.process = None
        self._start_at = None

    def turn(self, ready: Set[object], now: MonotonicNs) -> Iterator[Record]:
        """What the reader said, if it is among what can be read or has rested; then `tick`."""
        if self._turned is not None and now - self._turned > _STOOD_STILL_NS:
            self._heard = now
        self._turned = now
        if self.process in ready or self.is_rested(now):
            yield from self.read(now)
        yield from self.tick(now)

    def read(self, now: MonotonicNs) -> Iterator[Record]:
        """What the reader said since; to be called when its socket can be read."""
        self._rest_until = None
        if self.process is None:
            return
        data = self.process.read()
        if data is None:
            return
        if not data:
            yield from self._replace("", now)
            return
        self._heard = now
        if rest_ns := self._gathering.note(data.count(b"\n"), now):
            self._rest_until = MonotonicNs(now + rest_ns)
        try:
            for line in self._lines.feed(data):
                record = decode(line)
                if isinstance(record, ListEnded):
                    self._delays.reset()
                yield record
        except GarbledError as error:
            yield from self._replace(f"it said what is {error}; ", now)

    @property
    def listened(self) -> Process | None:
        """The process where it is to be read as soon as it says something; else see `is_rested`."""
        return self.process if self._rest_until is None else None

    def is_rested(self, now: MonotonicNs) -> bool:
        """Whether it was left alone for as long as it was to be, and is to be read now."""
        return self._rest_until is not None and now >= self._rest_until

    def send(self, errand: Errand) -> None:
        """Have the reader do something.

        What a lookup says comes as `NodeSeen`, `NodeGone` or `NodesRefused`, what became of a
        report as `ReportEnded`: soon, or not at all.
        """
        if self.process is not None:
            self.process.write(encode_errand(errand))

    def hear_out(self, is_enough: Callable[[Record], bool], seconds: float) -> None:
        """Let the reader finish: wait for a record, at most so long, or until it ends."""
        deadline = monotonic_ns() + round(seconds * SECOND_NS)
        while self.process is not None and (left_ns := deadline - monotonic_ns()) > 0:
            if not select.select([self.process], [], [], left_ns / SECOND_NS)[0]:
                return
            records = [*self.read(monotonic_ns())]
            if any(is_enough(record) for record in records):
                return

    def tick(self, now: MonotonicNs) -> Iterator[Record]:
        """Replace a silent reader, and start the next one when its time has come."""
        if self.process is not None and self._heard is not None:
            if now - self._heard > SILENCE_NS:
                yield from self._replace("it was silent; ", now)
        elif self._start_at is not None and now >= self._start_at:
            self.start(now)

    def next_due(self) -> MonotonicNs | None:
        """When `tick` has something to do."""
        if self.process is not None and self._heard is not None:
            if self._rest_until is not None:
                return MonotonicNs(self._rest_until + _SPARE_NS)
            return MonotonicNs(self._heard + SILENCE_NS)
        return self._start_at

    def _replace(self, why: str, now: MonotonicNs) -> Iterator[Record]:
        if self.process is None:
            return
        how = self.process.kill()
        self.process = None
        self._retry_later(f"{why}{how}", now)
        yield Lost(reason="the process that reads the API is being replaced")

    def _retry_later(self, why: str, now: MonotonicNs) -> None:
        delay = self._delays.next()
        self._start_at = MonotonicNs(now + round(delay * SECOND_NS))
        text = f"the process that reads the API is replaced in {delay:.1f} s: {why}"
        self.entries.append(Entry(kind=EventKind.READER_REPLACED, level=Level.WARNING, text=text))
