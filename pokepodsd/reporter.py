"""Writes the daemon's reports, in a thread of the reader's.

Owns what waits to be written, and for how long: at most a hundred Events, none longer than ten
minutes, and the newest condition alone. While the API server cannot be asked nothing piles up; its
being back is noticed by trying, with delays that grow.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from pokepodsd.core.backoff import Backoff
from pokepodsd.core.errands import ConditionReport, EventReport, Report
from pokepodsd.core.records import Fate, ReportEnded

MOST_WAITING = 100
STALE_SECONDS = 600.0
# An API server that has just started refuses what it allows (kubernetes/kubernetes#121635).
_REFUSALS = 3

Write = Callable[[Report], ReportEnded | None]


class Reporter:
    """The reports that wait; `run` is the thread's."""

    def __init__(
        self,
        write: Write,
        say: Callable[[ReportEnded], None],
        delays: Backoff,
        *,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        """``write`` does one attempt (None: try again), ``say`` tells what became of a report."""
        self._write = write
        self._say = say
        self._delays = delays
        self._stale_seconds = stale_seconds
        self._changed = threading.Condition()
        self._events: deque[tuple[EventReport, float]] = deque()
        self._condition: ConditionReport | None = None
        self._try_at = 0.0
        self._refusals = 0

    def put(self, report: Report) -> None:
        """From another thread: have it written."""
        with self._changed:
            if isinstance(report, EventReport):
                self._events.append((report, time.monotonic()))
            else:
                # That a daemon stops is said at once: its reader ends soon.
                self._try_at = 0.0
                self._condition = report
            self._changed.notify()

    def run(self) -> None:
        """Write what comes; never returns."""
        while True:
            self._attempt(self._next())

    def _next(self) -> Report:
        """The report to write, once there is one and its time has come."""
        with self._changed:
            while True:
                self._drop_old()
                left = self._try_at - time.monotonic()
                if (report := self._first()) is not None and left <= 0:
                    return report
                self._changed.wait(None if report is None else left)

    def _attempt(self, report: Report) -> None:
        ended = self._write(report)
        if ended is not None and ended.fate is Fate.REFUSED:
            self._refusals += 1
            if self._refusals < _REFUSALS:
                ended = None
        with self._changed:
            if ended is None:
                self._try_at = time.monotonic() + self._delays.next()
                return
            self._delays.reset()
            if ended.fate is Fate.WRITTEN:
                self._refusals = 0
            self._remove(report)
        self._say(ended)

    def _first(self) -> Report | None:
        if self._condition is not None:
            return self._condition
        return self._events[0][0] if self._events else None

    def _remove(self, report: Report) -> None:
        if self._condition is report:
            self._condition = None
        elif self._events and self._events[0][0] is report:
            self._events.popleft()

    def _drop_old(self) -> None:
        oldest = time.monotonic() - self._stale_seconds
        while self._events and (len(self._events) > MOST_WAITING or self._events[0][1] < oldest):
            self._events.popleft()
            text = "it could not be written in time"
            self._say(ReportEnded(report="event", fate=Fate.DROPPED, text=text))
