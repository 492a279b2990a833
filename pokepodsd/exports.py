"""Keeps an exporter running, where metrics are wanted: starts it, answers it, replaces it.

Owns the exporter's process for the daemon, what is said to it, and how much of that a turn of the
loop does. What the answers hold is the caller's. An exporter that ended, that does not take its
answers, or that asks for what is no request is killed, and a new one is started after a growing
delay. No poke notices.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from pokepodsd.core.backoff import Backoff
from pokepodsd.core.config import MetricsConfig
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.lines import LineBuffer
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.edge import textfile
from pokepodsd.errors import GarbledError

Message = Mapping[str, Any]
Answer = Callable[[Message], Iterator[Message]]

# How long an exporter may leave what is said to it where it is.
UNREAD_NS = 10 * SECOND_NS
# When its socket is full, it is tried again after so long.
_PAUSE_NS = SECOND_NS // 50
# Some 100 peers: what is made at once delays the next tick.
_PART = 48 * 1024
# It asks one thing at a time.
_MOST_QUESTIONS = 8
_LONGEST_QUESTION = 4096
# One that lived so long was well: its end is no reason to wait longer each time.
_SETTLED_NS = 60 * SECOND_NS
_OFF = "off"
_TOLD = {
    "trouble": (EventKind.METRICS_UNAVAILABLE, Level.WARNING),
    "works": (EventKind.METRICS_AVAILABLE, Level.INFO),
}


class Process(Protocol):
    """The child process, see `edge.child`."""

    def fileno(self) -> int:
        """The socket to it."""

    def read(self) -> bytes | None:
        """What it wrote; None for nothing yet, empty for its end."""

    def offer(self, data: bytes) -> int:
        """Say something to it; how many bytes it takes without waiting."""

    def kill(self) -> str:
        """End it, and say how it ended."""


class Exports:
    """One exporter at a time, or none."""

    def __init__(
        self,
        start: Callable[[MetricsConfig], Process],
        answer: Answer,
        *,
        roll: Callable[[], float],
    ) -> None:
        self._start = start
        self._answer = answer
        self._delays = Backoff(first=1.0, longest=60.0, roll=roll)
        self._config = MetricsConfig(listen=_OFF, textfile=_OFF)
        self._start_at: MonotonicNs | None = None
        self._forget(MonotonicNs(0))
        self.process: Process | None = None
        self.entries: list[Entry] = []

    def start(self, config: MetricsConfig, now: MonotonicNs) -> None:
        """Run what these settings ask for, in place of what there is."""
        self.stop()
        self._config = config
        if (config.listen, config.textfile) != (_OFF, _OFF):
            self._begin(now)

    def stop(self) -> None:
        """End the exporter; the file goes with it."""
        self._end()
        self._start_at = None

    def sockets(self) -> list[Process]:
        """What to wait for."""
        return [] if self.process is None else [self.process]

    def turn(self, now: MonotonicNs) -> None:
        """Take what the exporter says, answer a part of it, replace it if it must be."""
        if self.process is not None:
            self._read(self.process, now)
        if self.process is not None:
            self._write(self.process, now)
        if self._start_at is not None and now >= self._start_at:
            self._begin(now)

    def next_due(self) -> MonotonicNs | None:
        """When `turn` has something to do."""
        if self.process is None:
            return self._start_at
        return self._write_at if self._unsent or self._answers else None

    def _begin(self, now: MonotonicNs) -> None:
        self._start_at = None
        self._forget(now)
        try:
            self.process = self._start(self._config)
        except OSError as error:
            self._retry_later(f"it cannot be started: {error.strerror}", now)

    def _forget(self, now: MonotonicNs) -> None:
        """Nothing of the one before is said to the next."""
        self._lines = LineBuffer(longest=_LONGEST_QUESTION)
        self._answers: deque[Iterator[Message]] = deque()
        self._unsent = b""
        self._write_at = self._taken_at = self._started_at = now

    def _end(self) -> str:
        if self.process is None:
            return ""
        how = self.process.kill()
        self.process = None
        if self._config.textfile != _OFF:
            textfile.remove(Path(self._config.textfile))
        return how

    def _read(self, process: Process, now: MonotonicNs) -> None:
        data = process.read()
        if data is None:
            return
        if not data:
            self._replace("", now)
            return
        try:
            for line in self._lines.feed(data):
                self._take(json.loads(line), now)
        except (GarbledError, ValueError, RecursionError, TypeError, KeyError) as error:
            self._replace(f"it said what is no request ({error!r:.100}); ", now)

    def _take(self, message: Message, now: MonotonicNs) -> None:
        if "tell" in message:
            kind, level = _TOLD[message["tell"]["kind"]]
            text = str(message["tell"]["text"])
            self.entries.append(Entry(kind=kind, level=level, text=text))
        elif message.keys() <= {"metrics", "status"} and len(self._answers) < _MOST_QUESTIONS:
            if not self._answers and not self._unsent:
                self._taken_at = self._write_at = now
            self._answers.append(self._answer(message))
        else:
            raise GarbledError("an unknown one, or one too many")

    def _write(self, process: Process, now: MonotonicNs) -> None:
        if now < self._write_at or not (self._answers or self._unsent):
            return
        while self._answers and len(self._unsent) < _PART:
            reply = next(self._answers[0], None)
            if reply is None:
                self._answers.popleft()
            else:
                self._unsent += json.dumps(reply).encode() + b"\n"
        taken = process.offer(self._unsent)
        self._unsent = self._unsent[taken:]
        if taken:
            self._taken_at = self._write_at = now
        else:
            self._write_at = MonotonicNs(now + _PAUSE_NS)
            if now - self._taken_at > UNREAD_NS:
                self._replace("it does not read; ", now)

    def _replace(self, why: str, now: MonotonicNs) -> None:
        if now - self._started_at > _SETTLED_NS:
            self._delays.reset()
        how = self._end()
        self._retry_later(f"{why}{how}", now)

    def _retry_later(self, why: str, now: MonotonicNs) -> None:
        delay = self._delays.next()
        self._start_at = MonotonicNs(now + round(delay * SECOND_NS))
        text = f"the process that serves the metrics is replaced in {delay:.1f} s: {why}"
        kind = EventKind.EXPORTER_REPLACED
        self.entries.append(Entry(kind=kind, level=Level.WARNING, text=text))
