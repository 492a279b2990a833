"""The echo requests that leave a node, each as its destination and its time, and nothing kept.

Owns one packet socket over all interfaces of a node, with the kernel filtering: only what leaves,
only echo requests, only their IP header. What leaves through a tunnel is seen before it is wrapped.
"""

import contextlib
import socket
import struct
import time
from collections.abc import Callable
from typing import Final, Self

from tests.lab import Node
from tests.lab.capture import (
    PACKET_STATISTICS,
    SO_RCVBUFFORCE,
    SO_TIMESTAMPNS_NEW,
    SOL_PACKET,
    _attach_filter,
)

_BUFFER_BYTES: Final = 4 * 2**20
_ETH_P_ALL: Final = 3
_TAKEN: Final = 24
# Classic BPF; the packet begins with its IPv4 header, of 20 bytes as the kernel makes it.
_LEAVING_REQUESTS: Final = [
    (0x30, 0, 0, 0xFFFFF004),  # load the packet's type (SKF_AD_PKTTYPE)
    (0x15, 0, 5, 4),  # PACKET_OUTGOING, or else drop
    (0x30, 0, 0, 9),  # load the protocol
    (0x15, 0, 3, 1),  # ICMP, or else drop
    (0x30, 0, 0, 20),  # load the ICMP type
    (0x15, 0, 1, 8),  # echo request, or else drop
    (0x06, 0, 0, _TAKEN),  # take the header
    (0x06, 0, 0, 0),  # drop
]


class Tap:
    """One node's; `drain` says what left since the last time."""

    def __init__(self, node: Node) -> None:
        with node.inside():
            # All interfaces: it is bound to none.
            self._endpoint = socket.socket(
                socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL)
            )
        self._endpoint.setblocking(False)
        _attach_filter(self._endpoint, _LEAVING_REQUESTS)
        self._endpoint.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _BUFFER_BYTES)
        self._endpoint.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1)
        with contextlib.suppress(BlockingIOError):
            while True:
                # What came before the filter stood.
                self._endpoint.recv(_TAKEN)
        self._names: dict[bytes, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._endpoint.close()

    def drain(self, saw: Callable[[str, int], None]) -> int:
        """Call with the destination and the monotonic time of each; how many the kernel lost."""
        offset_ns = time.time_ns() - time.monotonic_ns()
        receive, names = self._endpoint.recvmsg, self._names
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = receive(_TAKEN, 64)
                seconds, nanoseconds = struct.unpack_from("=qq", ancillary[0][2])
                address = names.get(key := data[16:20])
                if address is None:
                    address = names[key] = socket.inet_ntoa(key)
                saw(address, seconds * 1_000_000_000 + nanoseconds - offset_ns)
        statistics = self._endpoint.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        lost: int = struct.unpack("=II", statistics)[1]
        return lost
