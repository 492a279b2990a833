"""How many packets found no room in a socket's buffer, by the kernel's counters.

Owns SO_MEMINFO's count of drops, and what else is in it. Knows nothing of probes.
"""

import socket
import struct
from pathlib import Path

# Linux's value, which the socket module does not name (include/uapi/asm-generic/socket.h).
_SO_MEMINFO = 55
# SK_MEMINFO_DROPS is the last of these (linux/sock_diag.h).
_MEMINFO = struct.Struct("=9I")
# Of the namespace of the thread that opens it, for as long as it is open.
_SNMP6 = Path("/proc/thread-self/net/snmp6")
_BAD = b"Icmp6InCsumErrors"
# Checksums that were counted before their drops were read, or were of no packet of this socket's.
_MOST_SPARE = 16


class Room:
    """What one socket dropped.

    A raw IPv6 socket counts as a drop also each packet with a wrong checksum that its filter of
    types lets pass (rawv6_rcv_skb), which anybody may send at any time: those are taken off. The
    same packet is counted in Icmp6InCsumErrors right after it (icmpv6_rcv), with those of others.
    """

    def __init__(self, sock: socket.socket, *, has_bad_checksums: bool) -> None:
        self._socket = sock
        self._counters = _SNMP6.open("rb", buffering=0) if has_bad_checksums else None
        self._drops = self._spare = 0
        self._bad_checksums = self._count_bad_checksums()

    def take_overrun(self) -> int:
        """How many packets have found no room in the buffer since this was last asked."""
        told = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        before, self._drops = self._drops, _MEMINFO.unpack(told)[-1]
        dropped = (self._drops - before) % 2**32
        if not dropped:
            return 0
        before, self._bad_checksums = self._bad_checksums, self._count_bad_checksums()
        bad = self._spare + self._bad_checksums - before
        self._spare = min(max(bad - dropped, 0), _MOST_SPARE)
        return max(dropped - bad, 0)

    def close(self) -> None:
        """Let go of the counters; the socket is its owner's."""
        if self._counters is not None:
            self._counters.close()

    def _count_bad_checksums(self) -> int:
        """How many ICMPv6 packets came with a wrong checksum, ever."""
        if self._counters is None:
            return 0
        self._counters.seek(0)
        return int(dict(line.split() for line in self._counters.readall().splitlines())[_BAD])
