"""Echo requests to bytes, bytes to replies and quoted requests, for ICMP and ICMPv6.

Owns the formats of RFC 792 and RFC 4443, section 4, and the names of ICMP errors. Trusts no length
that a packet states about itself.
"""

import struct
from typing import Final, NamedTuple

from pokepodsd.core.model import Family

_HEADER: Final = struct.Struct("!BBHHH")
_PACKET: Final = struct.Struct("!BBHHHQQ")
_REQUEST_TYPE: Final = {Family.V4: 8, Family.V6: 128}
_REPLY_TYPE: Final = {Family.V4: 0, Family.V6: 129}
PACKET_SIZE: Final = _PACKET.size
REPLY_STARTS: Final = {family: bytes((kind, 0)) for family, kind in _REPLY_TYPE.items()}
"""The type and the code that an echo reply starts with."""
SEQUENCE: Final = slice(6, 8)
MARK: Final = slice(4, None)
"""What a reply repeats of its request: all but the type, the code and the checksum."""
_COOKIE_SIZE: Final = 8

_ERROR_NAMES: Final[dict[tuple[Family, int, int], str]] = {
    # RFC 792 and RFC 1122, section 3.2.2.1; the prohibitions are RFC 1812, section 5.2.7.1.
    (Family.V4, 3, 0): "network unreachable",
    (Family.V4, 3, 1): "host unreachable",
    (Family.V4, 3, 2): "protocol unreachable",
    (Family.V4, 3, 3): "port unreachable",
    (Family.V4, 3, 4): "fragmentation needed",
    (Family.V4, 3, 5): "source route failed",
    (Family.V4, 3, 6): "network unknown",
    (Family.V4, 3, 7): "host unknown",
    (Family.V4, 3, 9): "network prohibited",
    (Family.V4, 3, 10): "host prohibited",
    (Family.V4, 3, 13): "communication prohibited",
    (Family.V4, 11, 0): "time to live exceeded",
    (Family.V4, 12, 0): "parameter problem",
    # RFC 4443, section 3.
    (Family.V6, 1, 0): "no route to destination",
    (Family.V6, 1, 1): "communication prohibited",
    (Family.V6, 1, 2): "beyond scope of source address",
    (Family.V6, 1, 3): "address unreachable",
    (Family.V6, 1, 4): "port unreachable",
    (Family.V6, 1, 5): "source address failed policy",
    (Family.V6, 1, 6): "reject route to destination",
    (Family.V6, 2, 0): "packet too big",
    (Family.V6, 3, 0): "hop limit exceeded",
}
# All others are told by their numbers, which whoever sends them chooses.
ERROR_NAMES: Final = frozenset(_ERROR_NAMES.values())


class Echo(NamedTuple):
    """The part of an echo that tells which one it is; ``serial`` and ``cookie`` are our payload.

    Both are None where the packet does not carry them: an ICMP error quotes only the header for
    certain (RFC 792: 64 bits of the original), and a reply of another length is not ours.
    """

    identifier: int
    sequence: int
    serial: int | None
    cookie: int | None


def echo_request(
    family: Family, *, identifier: int, sequence: int, serial: int, cookie: int
) -> bytes:
    """An echo request of `PACKET_SIZE` bytes.

    The checksum of ICMPv6 covers the addresses and is the kernel's to fill in (RFC 3542, 3.1).
    """
    kind = _REQUEST_TYPE[family]
    checksum = 0
    if family is Family.V4:
        # RFC 1071: minus the sum of all 16-bit words, modulo 2**16 - 1. By that a longer number is
        # the same as the sum of its words, since 2**16 is 1.
        checksum = -((kind << 8) + identifier + sequence + serial + cookie) % 0xFFFF
    return _PACKET.pack(kind, 0, checksum, identifier, sequence, serial, cookie)


def parse_reply(family: Family, data: bytes, *, has_ip_header: bool) -> Echo | None:
    """An echo reply as the socket gives it; None for anything else.

    ``has_ip_header`` is so for a raw IPv4 socket only (raw(7)).
    """
    if has_ip_header:
        data = without_ip_header(data)
    return _parse_echo(data, _REPLY_TYPE[family])


def without_ip_header(data: bytes) -> bytes:
    """What follows the header of an IPv4 packet; nothing if it is too short to have one."""
    return data[(data[0] & 0x0F) * 4 :] if len(data) >= 20 else b""


def parse_quoted_request(family: Family, data: bytes) -> Echo | None:
    """The echo request that an ICMP error quotes, from its ICMP header on; None if it is none."""
    # What follows is padding: that of a packet, or of extensions (RFC 4884, section 5).
    return _parse_echo(data[:PACKET_SIZE], _REQUEST_TYPE[family])


def cookie_of(mark: bytes) -> int:
    """The cookie in what a reply repeats of its request."""
    return int.from_bytes(mark[-_COOKIE_SIZE:], "big")


def error_name(family: Family, kind: int, code: int) -> str:
    """The name of an ICMP error by its type and code."""
    return _ERROR_NAMES.get((family, kind, code), f"ICMP type {kind} code {code}")


def _parse_echo(data: bytes, wanted: int) -> Echo | None:
    serial = cookie = None
    if len(data) == PACKET_SIZE:
        kind, code, _, identifier, sequence, serial, cookie = _PACKET.unpack(data)
    elif len(data) >= _HEADER.size:
        kind, code, _, identifier, sequence = _HEADER.unpack_from(data)
    else:
        return None
    return Echo(identifier, sequence, serial, cookie) if (kind, code) == (wanted, 0) else None
