"""Owns the bytes of ICMP packets: builds them, right or wrong on purpose, and parses them.

Refuses sockets. RFC 792 and 791 for IPv4, RFC 4443 and 8200 for IPv6; no options, no extension
headers, no fragments.
"""

import dataclasses
import enum
import socket
import struct
from dataclasses import dataclass

ICMP = 1
ICMPV6 = 58


class Kind(enum.Enum):
    """Which half of a ping."""

    REQUEST = "request"
    REPLY = "reply"


TYPES = {4: {8: Kind.REQUEST, 0: Kind.REPLY}, 6: {128: Kind.REQUEST, 129: Kind.REPLY}}
NUMBERS = {(version, kind): number for version, of in TYPES.items() for number, kind in of.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """One echo request or reply, as it passed an interface; outer ends if it was in a tunnel."""

    at_ns: int
    monotonic_ns: int
    source: str
    destination: str
    kind: Kind
    identifier: int
    sequence: int
    payload: bytes
    outgoing: bool
    outer_source: str | None = None
    outer_destination: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """When a packet passed, on both clocks, and which way."""

    at_ns: int
    monotonic_ns: int
    outgoing: bool


def parse_echo(packet: bytes, seen: Sighting) -> Echo | None:
    """Return the echo that the IP packet carries, or None if it carries none."""
    split = _split(packet)
    if split is None:
        return None
    version, source, destination, message = split
    kind = TYPES[version].get(message[0]) if len(message) >= 8 else None
    if kind is None:
        return None
    identifier, sequence = struct.unpack_from("!HH", message, 4)
    return Echo(
        at_ns=seen.at_ns,
        monotonic_ns=seen.monotonic_ns,
        source=source,
        destination=destination,
        kind=kind,
        identifier=identifier,
        sequence=sequence,
        payload=message[8:],
        outgoing=seen.outgoing,
    )


def parse_wrapped_echo(packet: bytes, seen: Sighting) -> Echo | None:
    """Return the echo within an IP-in-IP packet, or None if there is none."""
    echo = parse_echo(packet[(packet[0] & 0x0F) * 4 :], seen)
    if echo is None:
        return None
    outer = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return dataclasses.replace(echo, outer_source=outer[0], outer_destination=outer[1])


def _split(packet: bytes) -> tuple[int, str, str, bytes] | None:
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        return _split4(packet)
    if len(packet) >= 40 and packet[0] >> 4 == 6 and packet[6] == ICMPV6:
        end = 40 + int.from_bytes(packet[4:6], "big")
        source = socket.inet_ntop(socket.AF_INET6, packet[8:24])
        destination = socket.inet_ntop(socket.AF_INET6, packet[24:40])
        return 6, source, destination, packet[40:end]
    return None


def _split4(packet: bytes) -> tuple[int, str, str, bytes] | None:
    (total, fragment) = struct.unpack_from("!H2xH", packet, 2)
    # The low 13 bits are the offset: only the first fragment has the ICMP header.
    if packet[9] != ICMP or fragment & 0x1FFF:
        return None
    source, destination = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return 4, source, destination, packet[(packet[0] & 0x0F) * 4 : total]


def echo_message(
    kind: Kind, *, version: int, identifier: int = 0, sequence: int = 0, payload: bytes = b""
) -> bytes:
    """Return the ICMP message, its checksum right for IPv4 and unset for IPv6."""
    head = struct.pack("!BBHHH", NUMBERS[version, kind], 0, 0, identifier, sequence)
    return _with_checksum(head + payload) if version == 4 else head + payload


def echo_packet(
    kind: Kind,
    *,
    source: str,
    destination: str,
    identifier: int,
    sequence: int,
    payload: bytes = b"",
    length: int | None = None,
    corrupt: bool = False,
) -> bytes:
    """Return the IP packet of an echo; `length` cuts or pads the ICMP message, header included."""
    number = NUMBERS[_version(source), kind]
    message = struct.pack("!BBHHH", number, 0, 0, identifier, sequence) + payload
    if length is not None:
        message = message[:length].ljust(length, b"\0")
    return _ip_packet(source, destination, message, corrupt=corrupt)


def packet_of(echo: Echo) -> bytes:
    """Return the IP packet that the echo was, as far as an ICMP error cites it."""
    return echo_packet(
        echo.kind,
        source=echo.source,
        destination=echo.destination,
        identifier=echo.identifier,
        sequence=echo.sequence,
        payload=echo.payload,
    )


def error_packet(
    *, source: str, destination: str, icmp_type: int, code: int, original: bytes
) -> bytes:
    """Return the IP packet of an ICMP error that cites the original IP packet."""
    message = struct.pack("!BBHI", icmp_type, code, 0, 0) + original
    return _ip_packet(source, destination, message, corrupt=False)


def _ip_packet(source: str, destination: str, message: bytes, *, corrupt: bool) -> bytes:
    if _version(source) == 4:
        ends = socket.inet_aton(source) + socket.inet_aton(destination)
        total = 20 + len(message)
        head = struct.pack("!BBHHHBBH", 0x45, 0, total, 0, 0, 64, ICMP, 0) + ends
        return head + _with_checksum(message, corrupt=corrupt)
    ends = b"".join(socket.inet_pton(socket.AF_INET6, end) for end in (source, destination))
    head = struct.pack("!IHBB", 6 << 28, len(message), ICMPV6, 64) + ends
    pseudo = ends + struct.pack("!II", len(message), ICMPV6)
    return head + _with_checksum(message, pseudo, corrupt=corrupt)


def _with_checksum(message: bytes, pseudo: bytes = b"", *, corrupt: bool = False) -> bytes:
    if len(message) < 4:
        return message
    value = _checksum(pseudo + message) ^ (0x5555 if corrupt else 0)
    return message[:2] + value.to_bytes(2, "big") + message[4:]


def _checksum(data: bytes) -> int:
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _version(address: str) -> int:
    return 6 if ":" in address else 4
