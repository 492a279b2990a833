"""The daemon's side of the control socket: who asks for what, and their answers a part at a time.

Owns the connections, and that no answer delays a poke: each turn writes for a short while, and a
client that does not read waits. What is answered is the business of the one whose request it is.
"""

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.edge.control import Connection, Listener
from pokepodsd.errors import ControlError

Lines = Iterator[Mapping[str, Any]]
Handler = Callable[[Connection, Any, MonotonicNs], Lines]
"""Answers a request of one kind: who asks, the request's body, and when."""
# Connections of others than root.
MOST_OF_OTHERS = 12
# How long a client may be there and want nothing.
_SILENCE_NS = 10 * SECOND_NS
# Far below a tick: what is written longer is written in more turns.
_WRITING_NS = 2 * MILLISECOND_NS
# Between two entries about what is no request. Who may ask is not trusted with the journal: what
# floods it makes systemd-journald drop the alarms too (RateLimitBurst=).
_REFUSALS_APART_NS = 60 * SECOND_NS


class Desk:
    """The clients of the control socket."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        """``handlers`` are by the name of the request: its one key that says what it is."""
        self._handlers = handlers
        self._listener: Listener | None = None
        self._busy: dict[Connection, MonotonicNs] = {}
        self._next_refusal = MonotonicNs(0)
        self._untold_refusals = 0
        self.entries: list[Entry] = []

    def start(self, directory: Path | None) -> None:
        """Open the socket; without a runtime directory there is none."""
        if directory is None:
            return
        try:
            self._listener = Listener(directory)
        except OSError as error:
            text = f"no control socket in {directory} ({error.strerror}): {_remedy(error)}"
            self._tell(EventKind.CONTROL_CLOSED, Level.WARNING, text)

    def stop(self) -> None:
        """Close it."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def sockets(self) -> Sequence[Listener | Connection]:
        """What to wait for."""
        if self._listener is None:
            return []
        # Full, it would be ready for ever.
        listener = [] if self._listener.is_full else [self._listener]
        return [*listener, *(one for one in self._listener.connections if one.is_open)]

    def full(self) -> Sequence[Connection]:
        """Clients that must read before there can be more: to wait for, until they have."""
        there = [] if self._listener is None else self._listener.connections
        return [one for one in there if one.has_more and one.is_full]

    def turn(self, now: MonotonicNs) -> None:
        """Take requests, and write answers."""
        if self._listener is None:
            return
        self._listener.accept()
        there = self._listener.connections
        for one in [one for one in there if one.uid != 0][MOST_OF_OTHERS:]:
            # Whatever they do, there is room for root.
            one.close()
        for one in there:
            self._busy.setdefault(one, now)
            self._take(one, now)
        self._write(there, now)
        for one in there:
            if one.is_open and not one.is_held and now - self._busy[one] > _SILENCE_NS:
                # Whoever asks for nothing, or does not read what was asked for, makes room.
                one.close()
        self._listener.connections = [one for one in there if one.is_open]
        self._busy = {one: at for one, at in self._busy.items() if one.is_open}

    def next_due(self) -> MonotonicNs | None:
        """When there is something to do by the time alone."""
        times = []
        for one, at in self._busy.items():
            if not one.is_open or (one.has_more and not one.is_full):
                return MonotonicNs(0)
            if one.is_open and not one.is_held:
                times.append(MonotonicNs(at + _SILENCE_NS))
        return min(times, default=None)

    def _write(self, there: Sequence[Connection], now: MonotonicNs) -> None:
        until = monotonic_ns() + _WRITING_NS
        waiting = [one for one in there if one.has_more]
        # In turns, so that a large answer does not keep a small one waiting.
        while waiting and monotonic_ns() < until:
            for one in waiting:
                one.write()
                if not one.is_full:
                    self._busy[one] = now
            waiting = [one for one in waiting if one.has_more and not one.is_full]

    def _take(self, connection: Connection, now: MonotonicNs) -> None:
        try:
            request = connection.read()
        except ControlError as error:
            self._tell_refused(error, now)
            return
        if request is None:
            return
        self._busy[connection] = now
        for name, handler in self._handlers.items():
            if name in request:
                connection.answer(handler(connection, request, now))
                return
        known = ", ".join(self._handlers)
        connection.answer(iter([{"error": f"the request is none of these: {known}"}]))

    def _tell_refused(self, error: ControlError, now: MonotonicNs) -> None:
        """Say that something was no request; of many, how many they were, with the next one."""
        if now < self._next_refusal:
            self._untold_refusals += 1
            return
        others = self._untold_refusals
        before = f"; {others} more were refused since the last such entry" if others else ""
        self._next_refusal = MonotonicNs(now + _REFUSALS_APART_NS)
        self._untold_refusals = 0
        self._tell(EventKind.CONTROL_REFUSED, Level.INFO, f"control socket: {error}{before}")

    def _tell(self, kind: EventKind, level: Level, text: str) -> None:
        self.entries.append(Entry(kind=kind, level=level, text=text))


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "pokepodsd status and need ask that one; end one of the two"
    return "pokepodsd status and need cannot be used; the unit needs RuntimeDirectory=pokepodsd"
