"""Packets between the sockets and whoever thinks about them: the daemon's engine, or one sweep.

Owns the order of an exchange: a reply beats an ICMP error, which anybody may send, and the clock
is read right before each send.
"""

import select
import time
from collections.abc import Iterator, Mapping
from typing import Protocol

from pokepodsd.core.model import SECOND_NS, Datagram, Family, IcmpError, MonotonicNs, Send
from pokepodsd.edge.clock import monotonic_ns, wall_ns
from pokepodsd.edge.icmp import IcmpSocket

# Taken from one socket in one turn; a flood is left to the kernel's buffer, and pokes go on.
_MOST_DATAGRAMS = 4_096
# What is due and what arrives in this time is exchanged together: a wake-up for each packet costs
# more than the packet, and the kernel's stamps say when it arrived.
_LULL_SECONDS = 0.01


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
        """So many packets arrived and found no room."""


class Sweeping(Poker, Protocol):
    """A `Poker` that comes to an end."""

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""

    def next_wake(self) -> MonotonicNs | None:
        """When something is due."""

    def tick(self, now: MonotonicNs) -> None:
        """Give up what is over."""


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
    """Hand over everything that has arrived."""
    for family, one in sockets.items():
        for datagram in one.receive(_MOST_DATAGRAMS):
            poker.receive(datagram, now)
        for error in one.receive_errors(_MOST_DATAGRAMS):
            poker.receive_error(error, now)
        if packets := one.take_overrun():
            poker.overrun(family, packets, now)


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
