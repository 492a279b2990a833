"""How many packets found no room in a socket's buffer, by the kernel's counters.

Owns SO_MEMINFO's count of drops, and what else is in it. Knows nothing of probes.
"""

import socket
import struct
from pathlib import Path

from pokepodsd.core.model import SECOND_NS, MonotonicNs

# Linux's value, which the socket module does not name (include/uapi/asm-generic/socket.h).
_SO_MEMINFO = 55
# Of these, the bytes that wait, how many may, and the count of drops (linux/sock_diag.h).
_MEMINFO = struct.Struct("=9I")
_WAITING, _MOST_WAITING, _DROPS = 0, 1, 8
# Of the namespace of the thread that opens it, for as long as it is open.
_SNMP6 = Path("/proc/thread-self/net/snmp6")
_BAD = b"Icmp6InCsumErrors"
# Wrong checksums from before are of no drop that is new: so often they are looked at.
_FRESH_NS = SECOND_NS
# So many may have been counted after the drops were, and before the wrong checksums.
_MOST_SPARE = 16


class Room:
    """What one socket dropped.

    A raw IPv6 socket counts as a drop also each packet with a wrong checksum that its filter of
    types lets pass (rawv6_rcv_skb), which anybody may send at any time. The same packet is counted
    in Icmp6InCsumErrors right after it (icmpv6_rcv), with those of other types: these of the last
    second are taken off, unless the buffer is half full as it is asked.
    """

    def __init__(self, sock: socket.socket, *, has_bad_checksums: bool) -> None:
        self._socket = sock
        self._counters = _SNMP6.open("rb", buffering=0) if has_bad_checksums else None
        self._drops = self._bad_checksums = self._spare = 0
        self._looked_ns = MonotonicNs(0)
        self._look(self._looked_ns)

    def take_overrun(self, now: MonotonicNs) -> int:
        """How many packets have found no room in the buffer since this was last asked."""
        told = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        numbers = _MEMINFO.unpack(told)
        before, self._drops = self._drops, numbers[_DROPS]
        dropped = (self._drops - before) % 2**32
        if self._counters is None:
            return dropped
        if dropped:
            is_tight = 2 * numbers[_WAITING] >= numbers[_MOST_WAITING]
            bad = self._spare + self._look(now)
            self._spare = min(max(bad - dropped, 0), _MOST_SPARE)
            return dropped if is_tight else max(dropped - bad, 0)
        if now - self._looked_ns >= _FRESH_NS:
            self._look(now)
            self._spare = 0
        return 0

    def close(self) -> None:
        """Let go of the counters; the socket is its owner's."""
        if self._counters is not None:
            self._counters.close()

    def _look(self, now: MonotonicNs) -> int:
        """How many ICMPv6 packets came with a wrong checksum since this was last asked."""
        if self._counters is None:
            return 0
        self._looked_ns = now
        self._counters.seek(0)
        counters = dict(line.split() for line in self._counters.readall().splitlines())
        before, self._bad_checksums = self._bad_checksums, int(counters[_BAD])
        return self._bad_checksums - before
