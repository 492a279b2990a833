"""What the loop waits for: sockets as they are now, signals, and the time.

Owns the selector and the signals' way into it.
"""

import contextlib
import select
import signal
import socket
from collections.abc import Iterable, Sequence, Set
from types import FrameType
from typing import Protocol

from pokepodsd.core.model import MonotonicNs


class Waitable(Protocol):
    """A socket."""

    def fileno(self) -> int:
        """Its number."""


class Part(Protocol):
    """Whoever has a turn when one of its sockets has something, or when its time has come."""

    def sockets(self) -> Sequence[Waitable]:
        """What it waits for."""

    def next_due(self) -> MonotonicNs | None:
        """When it has something to do by the time alone."""


def is_wanted(part: Part, ready: Set[object], now: MonotonicNs) -> bool:
    """Whether it is its turn, where ``ready`` have something."""
    due = part.next_due()
    return (due is not None and now >= due) or not ready.isdisjoint(part.sockets())


class Wakeup:
    """Waits; whether a signal asked for a stop or a reload is noted here."""

    def __init__(self) -> None:
        self.is_stop_wanted = False
        self.is_reload_wanted = False
        self._epoll = select.epoll()
        self._listened: dict[int, tuple[Waitable, int]] = {}
        self._receiver, self._sender = socket.socketpair()

    def catch_signals(self) -> None:
        """Note SIGTERM, SIGINT and SIGHUP, and wake up for them."""
        for one in (self._receiver, self._sender):
            one.setblocking(False)
        self._epoll.register(self._receiver, select.EPOLLIN)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def listen(self, readers: Iterable[Waitable], writers: Iterable[Waitable] = ()) -> None:
        """Be woken by these from now on, and by no other.

        They are told apart by themselves: the number of one that was closed is used again.
        """
        wanted: dict[int, tuple[Waitable, int]] = {}
        for one in readers:
            wanted[one.fileno()] = (one, select.EPOLLIN)
        for one in writers:
            events = wanted.get(one.fileno(), (one, 0))[1] | select.EPOLLOUT
            wanted[one.fileno()] = (one, events)
        for number, (known, events) in list(self._listened.items()):
            after = wanted.get(number)
            if after is None or after[0] is not known or after[1] != events:
                # A closed one has left by itself, once nobody has it any more (epoll(7)).
                with contextlib.suppress(OSError):
                    self._epoll.unregister(number)
                del self._listened[number]
        for number in wanted.keys() - self._listened.keys():
            self._epoll.register(number, wanted[number][1])
            self._listened[number] = wanted[number]

    def wait(self, seconds: float) -> Set[Waitable]:
        """Sleep so long, or until something happens; which of those listened to have something.

        What has nothing need not be asked: a call that finds nothing costs as much as one that
        does, and after a sleep several times that.
        """
        ready = set()
        for number, _ in self._epoll.poll(seconds):
            if number == self._receiver.fileno():
                self._receiver.recv(4096)
            elif number in self._listened:
                ready.add(self._listened[number][0])
            # Else it is one that was closed here, and that a child which was just forked still has.
        return ready

    def close(self) -> None:
        """Wait for nothing any more."""
        self._epoll.close()

    def _note(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self.is_reload_wanted = True
        else:
            self.is_stop_wanted = True
