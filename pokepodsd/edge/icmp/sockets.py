"""One ICMP socket a family, for all targets; the only module that knows `icmplib`.

Owns the sockets: which kind may be opened, the kernel's stamps, the error queue. Knows nothing of
targets or of what a packet means.
"""

import errno
import random
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from icmplib import ICMPv4Socket, ICMPv6Socket
from icmplib.exceptions import ICMPSocketError, SocketPermissionError

from pokepodsd.core.model import (
    SECOND_NS,
    Channel,
    Datagram,
    Family,
    IcmpError,
    MonotonicNs,
    WallNs,
)
from pokepodsd.edge.icmp.quiet import filter_raw
from pokepodsd.edge.icmp.room import Room
from pokepodsd.errors import PrivilegeError

# Linux's values, which the socket module does not name (include/uapi/asm-generic/socket.h,
# linux/in.h, linux/in6.h, linux/errqueue.h, linux/net_tstamp.h).
_SO_TIMESTAMPNS = 35
_SO_TIMESTAMPING = 37
_TX_SOFTWARE, _OPT_TSONLY = 1 << 1, 1 << 11
_RECVERR = {Family.V4: (socket.IPPROTO_IP, 11), Family.V6: (socket.IPPROTO_IPV6, 25)}
_ORIGIN_ICMP = {2, 3}
_ORIGIN_TIMESTAMPING = 4
# IP_RECVTTL, IP_TTL; IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT.
_RECVTTL = {Family.V4: (socket.IPPROTO_IP, 12), Family.V6: (socket.IPPROTO_IPV6, 51)}
_TTLS = {(socket.IPPROTO_IP, 2), (socket.IPPROTO_IPV6, 52)}

_TIMESPEC = struct.Struct("@ll")
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
# Asks for a stamp of the one packet that it is sent with.
_STAMP_IT = ((socket.SOL_SOCKET, _SO_TIMESTAMPING, struct.pack("@I", _TX_SOFTWARE)),)
_ANCILLARY_SIZE = 512
_DATAGRAM_SIZE = 2048
# Replies of one tick at the highest rate fit, and what waits for neighbours that are dead: each of
# those keeps three seconds' pokes, and leaves the less to the others. The kernel caps them at
# net.core.rmem_max and net.core.wmem_max.
_BUFFER = 4 * 1024 * 1024
# An ICMP error about one target is also kept as the socket's pending error, which the next call
# reports whatever it is for (ip(7), IP_RECVERR): such a failure is tried once more.
_PENDING = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EPROTO}
    | {errno.ENOPROTOOPT, errno.EACCES, errno.EOPNOTSUPP, errno.EMSGSIZE}
    | {errno.ENONET, errno.EREMOTEIO}
)

# The kernel's, as `secrets` has it, which imports OpenSSL besides: 3 MB.
_RANDOM = random.SystemRandom()
# Whether each socket that is tried is raw, by the setting.
_KINDS = {"auto": (False, True), "datagram": (False,), "raw": (True,)}
_REMEDIES = {
    True: "give the process CAP_NET_RAW (in the unit: AmbientCapabilities=CAP_NET_RAW)",
    False: (
        'let its group use ICMP datagram sockets (sysctl net.ipv4.ping_group_range="0 2147483647")'
    ),
}


class IcmpSocket:
    """One non-blocking ICMP socket."""

    def __init__(self, family: Family, opened: ICMPv4Socket | ICMPv6Socket, *, raw: bool) -> None:
        self._opened = opened
        self._socket: socket.socket = opened.sock
        self._family = family
        self._shows_ttl = self._is_first = self._can_stamp = False
        self._kept: deque[IcmpError] = deque()
        self._socket.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setsockopt(*_RECVERR[family], 1)
        with suppress(OSError):
            # Stamps of sent packets come without the packet, as SO_TIMESTAMPNS has it.
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPING, _OPT_TSONLY)
            self._can_stamp = True
        if raw:
            identifier = _RANDOM.randint(1, 0xFFFF)
            filter_raw(self._socket, family, identifier)
        else:
            # The kernel assigns a datagram socket's identifier when it is bound, as a port.
            self._socket.bind(("0.0.0.0" if family is Family.V4 else "::", 0))  # noqa: S104
            identifier = self._socket.getsockname()[1]
        self._room = Room(self._socket, has_bad_checksums=raw and family is Family.V6)
        self.is_raw = raw
        self.channel = Channel(
            family=family, identifier=identifier, has_ip_header=raw and family is Family.V4
        )

    def fileno(self) -> int:
        """The socket, for a selector."""
        return self._socket.fileno()

    def show_ttl(self) -> None:
        """From now on say with which hop limit a datagram arrived."""
        self._socket.setsockopt(*_RECVTTL[self._family], 1)
        self._shows_ttl = True

    @property
    def has_kept(self) -> bool:
        """Whether `receive_errors` has something of which a selector knows nothing."""
        return bool(self._kept)

    def begin(self) -> None:
        """The next packet is the first after a pause."""
        self._is_first = self._can_stamp

    def send(
        self, packet: bytes, address: str, clock: Callable[[], WallNs]
    ) -> tuple[WallNs, str | None]:
        """Hand one packet to the kernel; when, and the name of the errno if it does not take it.

        The clock is read last of all: what is done after it is part of the round trip. The first
        packet after a pause takes so long that the kernel says when it left.
        """
        is_first, self._is_first = self._is_first, False
        send, send_first, destination = self._socket.sendto, self._socket.sendmsg, (address, 0)
        for attempt in (1, 2):
            sent_ns = clock()
            try:
                if is_first:
                    send_first((packet,), _STAMP_IT, 0, destination)
                    return self._when_left(sent_ns, clock), None
                send(packet, destination)
            except OSError as error:
                if attempt == 1 and error.errno in _PENDING:
                    continue
                return sent_ns, errno.errorcode.get(error.errno or 0, str(error.errno))
            break
        return sent_ns, None

    def receive(self, limit: int) -> Iterator[Datagram]:
        """What has arrived, at most ``limit`` datagrams, without waiting."""
        family, read = self._family, self._socket.recvmsg
        for _ in range(limit):
            try:
                data, ancillary, _, source = read(_DATAGRAM_SIZE, _ANCILLARY_SIZE)
            except BlockingIOError:
                return
            except OSError:
                # The pending error of a target; the error queue says which, see receive_errors.
                continue
            address = source[0] if family is Family.V4 else source[0].partition("%")[0]
            ttl = _ttl(ancillary) if self._shows_ttl else None
            yield Datagram(family, data, address, _stamp(ancillary), ttl)

    def receive_errors(self, limit: int) -> Iterator[IcmpError]:
        """The ICMP errors that have arrived, at most ``limit``, without waiting."""
        for _ in range(limit):
            if self._kept:
                yield self._kept.popleft()
                continue
            try:
                found = self._read_error_queue()
            except BlockingIOError:
                return
            if isinstance(found, IcmpError):
                yield found

    def take_overrun(self, now: MonotonicNs) -> int:
        """How many packets have found no room in the buffer since this was last asked."""
        return self._room.take_overrun(now)

    def _when_left(self, sent_ns: WallNs, clock: Callable[[], WallNs]) -> WallNs:
        """The kernel's stamp of the packet sent after ``sent_ns``, or that; no late one counts."""
        try:
            found = self._read_error_queue()
        except BlockingIOError:
            return sent_ns
        if isinstance(found, IcmpError):
            self._kept.append(found)
        # One that came late is of a packet before.
        elif found is not None and sent_ns <= found <= clock():
            return found
        return sent_ns

    def _read_error_queue(self) -> IcmpError | WallNs | None:
        """The next ICMP error or stamp of a sent packet. Raises BlockingIOError where none is."""
        quoted, ancillary, _, destination = self._socket.recvmsg(
            _DATAGRAM_SIZE, _ANCILLARY_SIZE, socket.MSG_ERRQUEUE
        )
        return _extended_error(self._family, quoted, destination, ancillary)

    def close(self) -> None:
        """Close the socket."""
        self._room.close()
        self._opened.close()


def open_sockets(kind: str) -> list[IcmpSocket]:
    """One socket for each family that this host has, of the kind that ``poke.socket`` names.

    With "auto" a datagram socket where allowed, else raw.

    Raises:
        PrivilegeError: this kind may not be opened, or the host has no IP at all.
    """
    tried = _KINDS[kind]
    found = [_open(Family.V4, ICMPv4Socket, tried), _open(Family.V6, ICMPv6Socket, tried)]
    sockets = [one for one in found if one is not None]
    if not sockets:
        raise PrivilegeError("this host supports neither IPv4 nor IPv6 sockets")
    return sockets


def _open(
    family: Family, opener: type[ICMPv4Socket | ICMPv6Socket], tried: tuple[bool, ...]
) -> IcmpSocket | None:
    for raw in tried:
        try:
            return IcmpSocket(family, opener(privileged=raw), raw=raw)
        except SocketPermissionError as error:
            if raw == tried[-1]:
                raise PrivilegeError(_no_privilege(tried)) from error
        except ICMPSocketError as error:
            cause = error.__context__
            if not isinstance(cause, OSError) or cause.errno not in {
                errno.EAFNOSUPPORT,
                errno.EPROTONOSUPPORT,
            }:
                raise PrivilegeError(f"cannot open an ICMP socket: {error}") from error
            # No IPv6 on this host, or no datagram ICMP in this kernel: try the other kind.
    return None


def _no_privilege(tried: tuple[bool, ...]) -> str:
    remedies = ", or ".join(_REMEDIES[raw] for raw in reversed(tried))
    return f"may not open an ICMP socket: {remedies}"


def _stamp(ancillary: list[tuple[int, int, bytes]]) -> WallNs:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return WallNs(seconds * SECOND_NS + nanoseconds)
    return WallNs(0)


def _ttl(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        if (level, kind) in _TTLS:
            return int.from_bytes(data, sys.byteorder)
    return None


def _extended_error(
    family: Family,
    quoted: bytes,
    destination: tuple[str, int] | None,
    ancillary: list[tuple[int, int, bytes]],
) -> IcmpError | WallNs | None:
    for level, kind, data in ancillary:
        if (level, kind) != _RECVERR[family]:
            continue
        _, origin, icmp_type, code, _, _, _ = _EXTENDED_ERROR.unpack_from(data)
        if origin == _ORIGIN_TIMESTAMPING:
            return _stamp(ancillary)
        if origin not in _ORIGIN_ICMP or destination is None:
            return None
        # The offender's sockaddr follows: 2 bytes family, 2 port, and for IPv6 4 of flow label.
        start, size = (4, 4) if family is Family.V4 else (8, 16)
        offset = _EXTENDED_ERROR.size + start
        ip_family = socket.AF_INET if family is Family.V4 else socket.AF_INET6
        reporter = socket.inet_ntop(ip_family, data[offset : offset + size])
        return IcmpError(
            family=family,
            quoted=quoted,
            destination=destination[0].partition("%")[0],
            type=icmp_type,
            code=code,
            reporter=reporter,
        )
    return None
