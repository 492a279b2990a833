"""Owns seeing echo packets pass an interface, with the kernel's own times. Sends nothing.

A capture that lost a packet raises when it is read: it proves nothing any more.
"""

import ctypes
import socket
import struct
import time
from collections.abc import Callable
from typing import Self

from tests.lab.errors import LabError
from tests.lab.mailbox import Mailbox
from tests.lab.namespace import inside
from tests.lab.packets import Echo, Sighting, parse_echo, parse_wrapped_echo
from tests.lab.place import Place
from tests.lab.reader import SocketReader

# Linux constants that the socket module of Python 3.11 does not name.
ETH_P_ALL = 3
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS_NEW = 64  # 64 bit seconds on every machine
SOL_PACKET = 263
PACKET_STATISTICS = 6
PACKET_OUTGOING = 4

BUFFER_BYTES = 64 * 2**20
LARGEST_PACKET = 65_536
OFFSET_AGE_NS = 100_000_000

Program = list[tuple[int, int, int, int]]

# Classic BPF over the bare IP packet: version 4 with protocol 1, or version 6 with next header 58.
ONLY_ICMP = [
    (0x30, 0, 0, 0),  # load byte 0
    (0x74, 0, 0, 4),  # shift right by 4: the version
    (0x15, 0, 2, 4),  # 4, or else go to the question for 6
    (0x30, 0, 0, 9),  # load the protocol
    (0x15, 3, 4, 1),  # ICMP: take, else drop
    (0x15, 0, 3, 6),  # 6, or else drop
    (0x30, 0, 0, 6),  # load the next header
    (0x15, 0, 1, 58),  # ICMPv6, or else drop
    (0x06, 0, 0, 0xFFFFFFFF),  # take the whole packet
    (0x06, 0, 0, 0),  # drop
]

# The same for version 4 with protocol 4, which is IP-in-IP.
ONLY_IPIP = [
    (0x30, 0, 0, 0),
    (0x74, 0, 0, 4),
    (0x15, 0, 3, 4),
    (0x30, 0, 0, 9),
    (0x15, 0, 1, 4),
    (0x06, 0, 0, 0xFFFFFFFF),
    (0x06, 0, 0, 0),
]


class EchoCapture:
    """Collects the echo requests and replies that pass one interface of a place.

    The interface is eth0 at a node and the bridge's own br0 at the hub, unless another is named.
    `lo` shows each packet twice, out and in. A packet is seen before the filters when it arrives,
    and after them when it leaves. With `wrapped`, only echoes inside of IP-in-IP are collected,
    and otherwise only those that are not. With a lull the capture's thread looks only so often,
    and a packet that is being sent does not wait for it to be woken.
    """

    def __init__(
        self,
        where: Place | str,
        interface: str | None = None,
        *,
        wrapped: bool = False,
        buffer_bytes: int = BUFFER_BYTES,
        lull_seconds: float | None = None,
    ) -> None:
        namespace = where if isinstance(where, str) else where.namespace
        default = "eth0" if isinstance(where, str) else where.interface
        self._mailbox: Mailbox[Echo] = Mailbox(f"echo capture in {namespace}")
        self._parse = parse_wrapped_echo if wrapped else parse_echo
        self._buffer = bytearray(LARGEST_PACKET)
        self._offset_ns, self._offset_at_ns = _clock_offset_ns(), time.monotonic_ns()
        with inside(namespace):
            self._endpoint = _packet_socket(
                interface or default, buffer_bytes, ONLY_IPIP if wrapped else ONLY_ICMP
            )
        self._reader = SocketReader(
            self._endpoint, self._receive_one, self._mailbox.fail, lull_seconds=lull_seconds
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop capturing. What was captured can still be read."""
        self._reader.close()
        self._mailbox.close()

    def snapshot(self) -> list[Echo]:
        """Return all that passed before this call, by time."""
        self._reader.drain()
        return sorted(self._mailbox.snapshot(), key=lambda echo: echo.at_ns)

    def wait_for(self, predicate: Callable[[Echo], bool], timeout_seconds: float = 5.0) -> Echo:
        """Return the first echo, past or to come, that the predicate accepts."""
        return self._mailbox.wait_for(predicate, timeout_seconds)

    def _receive_one(self) -> None:
        try:
            size, ancillary, flags, sender = self._endpoint.recvmsg_into([self._buffer], 64)
        except BlockingIOError:
            self._check_losses()
            raise
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            raise LabError(f"a packet was cut on its way into the capture: flags {flags:#x}")
        at_ns = _timestamp_ns(ancillary)
        monotonic_ns = at_ns - self._fresh_offset_ns()
        seen = Sighting(at_ns, monotonic_ns, sender[2] == PACKET_OUTGOING)
        echo = self._parse(bytes(self._buffer[:size]), seen)
        if echo is not None:
            self._mailbox.put(echo)

    def _check_losses(self) -> None:
        # Reading the statistics resets them, so that each loss is reported once and kept.
        statistics = self._endpoint.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        passed, lost = struct.unpack("=II", statistics)
        if lost:
            self._mailbox.fail(LabError(f"the capture lost {lost} of {passed} packets"))

    def _fresh_offset_ns(self) -> int:
        """Measure again now and then, because NTP bends the wall clock and not only at the ends."""
        if time.monotonic_ns() - self._offset_at_ns > OFFSET_AGE_NS:
            self._offset_ns, self._offset_at_ns = _clock_offset_ns(), time.monotonic_ns()
        return self._offset_ns


def _packet_socket(interface: str, buffer_bytes: int, wanted: Program) -> socket.socket:
    # SOCK_DGRAM: the packets begin with the IP header. Protocol 0 until the filter is in place.
    endpoint = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    try:
        endpoint.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
        endpoint.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1)
        _attach_filter(endpoint, wanted)
        endpoint.bind((interface, ETH_P_ALL))
    except OSError:
        endpoint.close()
        raise
    return endpoint


def _attach_filter(endpoint: socket.socket, wanted: Program) -> None:
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in wanted)
    held = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(wanted), ctypes.addressof(held))
    endpoint.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def _timestamp_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS_NEW):
            seconds, nanoseconds = struct.unpack("=qq", data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    raise LabError("the kernel gave a packet without its time")


def _clock_offset_ns() -> int:
    """Return wall clock minus monotonic clock, from the tightest of several brackets."""
    brackets = []
    for _ in range(5):
        before, wall, after = time.monotonic_ns(), time.time_ns(), time.monotonic_ns()
        brackets.append((after - before, wall - (before + after) // 2))
    return min(brackets)[1]
