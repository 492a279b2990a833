"""Packets between the sockets and whoever thinks about them: the daemon's engine, or one sweep.

Owns the order of an exchange: a reply beats an ICMP error, which anybody may send, and the clock
is read right before each send. And what nobody else can know of a packet before it is sent.
"""

import os
import select
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Protocol, TypeVar

from pokepodsd.core.model import (
    MILLISECOND_NS,
    SECOND_NS,
    Datagram,
    Draw,
    Family,
    IcmpError,
    MonotonicNs,
    Send,
)
from pokepodsd.edge.clock import monotonic_ns, wall_ns
from pokepodsd.edge.icmp import IcmpSocket

# So long replies are taken in one turn, and then errors: half of a tick together. What a flood
# brings beyond it is left to the kernel's buffer, which overflows, and pokes leave in their time.
_REPLIES_NS = 15 * MILLISECOND_NS
_ERRORS_NS = 10 * MILLISECOND_NS
# Of each socket by turns, so that a flood of one family leaves time to the other.
_PART = 64
# What is due and what arrives in this time is exchanged together: a wake-up for each packet costs
# more than the packet, and the kernel's stamps say when it arrived.
_LULL_SECONDS = 0.01
# The kernel is asked for so many cookies at once: a system call for each costs 4 us of a poke's 50.
_COOKIES = struct.Struct("=512Q")

_Item = TypeVar("_Item")


class Poker(Protocol):
    """Who says what is to be sent, and takes what came of it."""

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        """The echo requests that are to be sent now."""

    def sent(self, now: MonotonicNs) -> None:
        """All that was due has been sent by ``now``."""

    def send_failed(self, send: Send, errno_name: str, now: MonotonicNs) -> None:
        """The kernel did not take a packet."""

    def receive(self, datagram: Datagram, now: MonotonicNs) -> None:
        """A datagram arrived."""

    def receive_error(self, error: IcmpError, now: MonotonicNs) -> None:
        """An ICMP error arrived."""

    def overrun(self, family: Family, packets: int, now: MonotonicNs) -> None:
        """So many packets found no room, or (0) there was no time to read all that did."""


class Sweeping(Poker, Protocol):
    """A `Poker` that comes to an end."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""

    def next_wake(self) -> MonotonicNs | None:
        """When something is due."""

    def tick(self, now: MonotonicNs) -> None:
        """Give up what is over."""


def _cookies() -> Iterator[int]:
    while True:
        yield from _COOKIES.unpack(os.urandom(_COOKIES.size))


draw_cookie: Draw = _cookies().__next__
"""64 bits for one packet, by which its reply is known, and which nobody can guess."""


def turn(sweep: Sweeping, sockets: Mapping[Family, IcmpSocket]) -> None:
    """Wait for what is due or arrives, and exchange it."""
    due = sweep.next_wake()
    if due is not None and not any(one.has_kept for one in sockets.values()):
        time.sleep(_LULL_SECONDS)
        wait = max(0.0, (due - monotonic_ns()) / SECOND_NS)
        select.select(list(sockets.values()), [], [], wait)
    now = monotonic_ns()
    receive(sweep, sockets, now)
    sweep.tick(now)
    send(sweep, sockets, now)


def receive(poker: Poker, sockets: Mapping[Family, IcmpSocket], now: MonotonicNs) -> None:
    """Hand over everything that has arrived, as far as there is time for it."""
    replies = {family: one.receive for family, one in sockets.items()}
    unread = _take(replies, lambda datagram: poker.receive(datagram, now), _REPLIES_NS)
    errors = {family: one.receive_errors for family, one in sockets.items()}
    _take(errors, lambda error: poker.receive_error(error, now), _ERRORS_NS)
    for family, one in sockets.items():
        packets = one.take_overrun(now)
        if packets or family in unread:
            poker.overrun(family, packets, now)


def _take(
    readers: Mapping[Family, Callable[[int], Iterator[_Item]]],
    hand_over: Callable[[_Item], None],
    most_ns: int,
) -> Set[Family]:
    """Read from each by turns, until none has anything or the time is over; who may have more."""
    until = monotonic_ns() + most_ns
    left = dict(readers)
    while left:
        left = {family: read for family, read in left.items() if _take_part(read, hand_over)}
        if monotonic_ns() >= until:
            break
    return left.keys()


def _take_part(read: Callable[[int], Iterator[_Item]], hand_over: Callable[[_Item], None]) -> bool:
    """Whether there was anything; there may be more, if it was less than asked for."""
    is_any = False
    for item in read(_PART):
        hand_over(item)
        is_any = True
    return is_any


def send(poker: Poker, sockets: Mapping[Family, IcmpSocket], now: MonotonicNs) -> None:
    """Send everything that is due."""
    for one in sockets.values():
        one.begin()
    for item in poker.due(now):
        probe, packet = item
        target = probe.target
        socket = sockets[target.family]
        probe.sent_wall_ns, errno_name = socket.send(packet, target.address, wall_ns)
        if errno_name is not None:
            poker.send_failed(item, errno_name, now)
    poker.sent(monotonic_ns())
