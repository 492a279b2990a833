"""Checks when a packet left: the kernel's stamp of a first one, and what else is in its queue."""

import errno
import socket
from collections.abc import Iterator
from typing import Any

from icmplib import ICMPv4Socket

from pokepodsd import exchange
from pokepodsd.core.model import (
    SECOND_NS,
    Datagram,
    Family,
    IcmpError,
    MonotonicNs,
    Send,
    WallNs,
)
from pokepodsd.edge.clock import monotonic_ns, wall_ns
from pokepodsd.edge.icmp import IcmpSocket
from tests.edge.pinger import Pinger, pod
from tests.edge.support import wait_readable
from tests.lab import EchoCapture, Kind, Lab, Rejection

# SO_TIMESTAMPING of include/uapi/asm-generic/socket.h.
_SO_TIMESTAMPING = 37


class Clock:
    """The wall clock, and what it was read as."""

    def __init__(self) -> None:
        self.readings: list[WallNs] = []

    def __call__(self) -> WallNs:
        self.readings.append(wall_ns())
        return self.readings[-1]


class Waiting:
    """Somebody to whom nothing is due for an hour; the errors that came."""

    is_done = False

    def __init__(self) -> None:
        self.errors: list[IcmpError] = []

    def next_wake(self) -> MonotonicNs:
        return MonotonicNs(monotonic_ns() + 3600 * SECOND_NS)

    def tick(self, now: MonotonicNs) -> None:
        """Nothing ends."""

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        return iter(())

    def sent(self, now: MonotonicNs) -> None:
        """Nothing was."""

    def send_failed(self, send: Send, errno_name: str, now: MonotonicNs) -> None:
        raise AssertionError(errno_name)

    def receive(self, datagram: Datagram, now: MonotonicNs) -> None:
        """Of no interest."""

    def receive_error(self, error: IcmpError, now: MonotonicNs) -> None:
        self.errors.append(error)

    def overrun(self, family: Family, packets: int, now: MonotonicNs) -> None:
        raise AssertionError(packets)


class OldSocket(socket.socket):
    """One of a kernel that has no stamps of sent packets."""

    def setsockopt(self, level: int, option: int, *value: Any) -> None:
        if (level, option) == (socket.SOL_SOCKET, _SO_TIMESTAMPING):
            raise OSError(errno.ENOPROTOOPT, "no such option")
        super().setsockopt(level, option, *value)


def sequences(errors: list[IcmpError]) -> list[int]:
    return [int.from_bytes(error.quoted[6:8]) for error in errors]


def reject(lab: Lab, pinger: Pinger, *sequences: int) -> None:
    """Have an ICMP error about a request of each sequence in the socket's queue."""
    dead = pod(pinger, lab.nodes[1], 9)
    # A port's is not limited in rate to one host.
    lab.nodes[1].reject_address(dead, kind=Rejection.PORT)
    for sequence in sequences:
        with EchoCapture(lab.nodes[1]) as capture:
            assert pinger.send(dead, sequence) is None
            capture.wait_for(lambda echo: echo.kind is Kind.REQUEST)
    wait_readable(pinger.socket)


def test_a_first_packet_left_when_the_kernel_says(lab: Lab, pinger: Pinger) -> None:
    """Between the clock before and after the call, and not before it was at the device.

    It is answered, its reply has a stamp, and the queue has nothing more to say.
    """
    clock, target = Clock(), pod(pinger, lab.nodes[1], 1)
    with EchoCapture(lab.nodes[0]) as capture:
        pinger.socket.begin()
        sent_ns, errno_name = pinger.send_at(target, 1, clock)
        seen = capture.wait_for(lambda echo: echo.kind is Kind.REQUEST)
    assert errno_name is None
    assert clock.readings[0] < seen.at_ns <= sent_ns <= clock.readings[-1]
    reply = pinger.wait_reply()
    assert pinger.sequence_of(reply) == 1
    assert sent_ns < reply.stamp_ns
    assert list(pinger.socket.receive_errors(10)) == []


def test_only_the_first_packet_asks_for_a_stamp(lab: Lab, pinger: Pinger) -> None:
    """The next ones left when the clock says, which is read once."""
    pinger.socket.begin()
    for sequence in (1, 2, 3):
        clock = Clock()
        sent_ns, _ = pinger.send_at(pod(pinger, lab.nodes[1], 1), sequence, clock)
        assert (clock.readings == [sent_ns]) == (sequence > 1)


def test_an_error_in_the_queue_is_handed_out_all_the_same(lab: Lab, pinger: Pinger) -> None:
    """In its order, once; the packet left when the clock says, and its stamp is no error."""
    reject(lab, pinger, 1, 2)
    clock = Clock()
    pinger.socket.begin()
    sent_ns, errno_name = pinger.send_at(pod(pinger, lab.nodes[2], 1), 3, clock)
    assert errno_name is None
    assert sent_ns == clock.readings[-1]
    assert pinger.sequence_of(pinger.wait_reply()) == 3
    errors = [pinger.wait_error(), pinger.wait_error(), *pinger.socket.receive_errors(10)]
    assert sequences(errors) == [1, 2]


def test_a_kept_error_is_not_waited_for(lab: Lab, pinger: Pinger) -> None:
    """A selector knows nothing of it any more."""
    reject(lab, pinger, 1)
    pinger.socket.begin()
    pinger.send(pod(pinger, lab.nodes[2], 1), 2)
    pinger.wait_reply()
    waiting = Waiting()
    assert pinger.socket.has_kept
    exchange.turn(waiting, {pinger.channel.family: pinger.socket})
    assert sequences(waiting.errors) == [1]


def test_a_late_stamp_is_ignored(lab: Lab, pinger: Pinger) -> None:
    """A device that has a queue stamps after the call: that is no error, and no later packet's."""
    node, target = lab.nodes[0], pod(pinger, lab.nodes[1], 1)
    # Tokens for two packets, and for five more in a second.
    queue = ("root", "tbf", "rate", "8kbit", "burst", "200", "latency", "5s")
    pinger.send(target, 1)
    pinger.wait_reply()
    node.run("tc", "qdisc", "add", "dev", "eth0", *queue)
    try:
        clocks = [Clock() for _ in range(5)]
        moments = []
        for sequence, clock in enumerate(clocks, 2):
            pinger.socket.begin()
            moments.append(pinger.send_at(target, sequence, clock)[0])
        assert [pinger.sequence_of(pinger.wait_reply()) for _ in clocks] == [2, 3, 4, 5, 6]
    finally:
        node.run("tc", "qdisc", "del", "dev", "eth0", "root")
    assert moments[-1] == clocks[-1].readings[0]
    clock = Clock()
    pinger.socket.begin()
    sent_ns, _ = pinger.send_at(target, 7, clock)
    assert clock.readings[0] <= sent_ns <= clock.readings[-1]
    assert pinger.sequence_of(pinger.wait_reply()) == 7
    assert list(pinger.socket.receive_errors(10)) == []


def test_a_kernel_without_such_stamps_pings_as_ever(lab: Lab) -> None:
    """The clock says when a packet left."""
    with lab.nodes[0].inside():
        opened = ICMPv4Socket(privileged=True)
    opened._sock = OldSocket(fileno=opened._sock.detach())
    pinger = Pinger(IcmpSocket(Family.V4, opened, raw=True))
    clock = Clock()
    pinger.socket.begin()
    sent_ns, errno_name = pinger.send_at(lab.nodes[1].pod_address(1), 1, clock)
    assert (clock.readings, errno_name) == ([sent_ns], None)
    assert pinger.sequence_of(pinger.wait_reply()) == 1
    pinger.socket.close()
