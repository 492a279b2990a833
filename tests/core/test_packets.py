"""Checks the formats of RFC 792 and RFC 4443 against an independent reading of them."""

from hypothesis import example, given
from hypothesis import strategies as st

from pokepodsd.core.model import Family
from pokepodsd.core.packets import (
    PACKET_SIZE,
    Echo,
    echo_request,
    error_name,
    parse_quoted_request,
    parse_reply,
)

U16 = st.integers(0, 0xFFFF)
U64 = st.integers(0, 2**64 - 1)
FAMILIES = st.sampled_from(Family)
REPLY = {Family.V4: 0, Family.V6: 129}


def ones_complement_sum(data: bytes) -> int:
    """RFC 1071, word by word, with the carry put back after each."""
    total = 0
    for index in range(0, len(data), 2):
        total += data[index] * 256 + data[index + 1]
        if total > 0xFFFF:
            total -= 0xFFFF
    return total


# The words add up to 0x1FFFF, so that putting the carry back makes another one.
@example(0xFFFF, 0xF800, 0, 0)
@given(U16, U16, U64, U64)
def test_request_of_ipv4_has_a_right_checksum(
    identifier: int, sequence: int, serial: int, cookie: int
) -> None:
    """Summed with its checksum, a packet gives all ones (RFC 1071, section 1)."""
    packet = echo_request(
        Family.V4, identifier=identifier, sequence=sequence, serial=serial, cookie=cookie
    )
    assert len(packet) == PACKET_SIZE == 24
    assert packet[:2] == b"\x08\x00"
    assert ones_complement_sum(packet) == 0xFFFF


def test_request_of_ipv6_leaves_the_checksum_to_the_kernel() -> None:
    """Type 128, and a checksum of zero (RFC 3542, section 3.1)."""
    packet = echo_request(Family.V6, identifier=1, sequence=2, serial=3, cookie=4)
    assert packet == bytes([128, 0, 0, 0, 0, 1, 0, 2, *([0] * 7), 3, *([0] * 7), 4])


@given(FAMILIES, U16, U16, U64, U64, st.booleans(), st.integers(5, 15))
def test_reply_gives_back_what_the_request_carried(
    family: Family,
    identifier: int,
    sequence: int,
    serial: int,
    cookie: int,
    has_ip_header: bool,
    words: int,
) -> None:
    """A reply repeats the request but for its type; IP options before it are passed over."""
    request = echo_request(
        family, identifier=identifier, sequence=sequence, serial=serial, cookie=cookie
    )
    expected = Echo(identifier=identifier, sequence=sequence, serial=serial, cookie=cookie)
    reply = bytes([REPLY[family]]) + request[1:]
    if has_ip_header:
        reply = bytes([0x40 | words]) + bytes(words * 4 - 1) + reply
    assert parse_reply(family, reply, has_ip_header=has_ip_header) == expected
    assert parse_quoted_request(family, request) == expected


@given(FAMILIES, st.integers(0, 255), st.integers(0, 255), st.binary(min_size=6, max_size=22))
def test_only_echo_replies_are_replies(family: Family, kind: int, code: int, rest: bytes) -> None:
    """Another type, or a code, is none: our own request comes back on the loopback too."""
    parsed = parse_reply(family, bytes([kind, code]) + rest, has_ip_header=False)
    assert (parsed is not None) == ((kind, code) == (REPLY[family], 0))


@given(FAMILIES, st.binary(max_size=80), st.booleans())
def test_hostile_bytes_never_raise(family: Family, data: bytes, has_ip_header: bool) -> None:
    """Whatever arrives is an Echo or None; what it says is within 16 bits."""
    for parsed in (
        parse_reply(family, data, has_ip_header=has_ip_header),
        parse_quoted_request(family, data),
    ):
        assert parsed is None or (parsed.identifier <= 0xFFFF and parsed.sequence <= 0xFFFF)


@given(FAMILIES, st.integers(0, PACKET_SIZE + 40))
def test_payload_is_read_of_whole_packets_only(family: Family, size: int) -> None:
    """Cut short there is a header or nothing; padded it is not ours. No length is believed."""
    whole = echo_request(family, identifier=7, sequence=9, serial=11, cookie=13)
    reply = (bytes([REPLY[family]]) + whole[1:] + bytes(40))[:size]
    parsed = parse_reply(family, reply, has_ip_header=False)
    if size < 8:
        assert parsed is None
    else:
        assert parsed is not None
        assert (parsed.identifier, parsed.sequence) == (7, 9)
        expected = (11, 13) if size == PACKET_SIZE else (None, None)
        assert (parsed.serial, parsed.cookie) == expected


@given(st.integers(0, 255), st.integers(0, 60))
def test_header_length_of_a_raw_packet_is_bounded_by_its_bytes(first: int, size: int) -> None:
    """A packet that says its header is longer than it is, holds no reply."""
    data = bytes([first]) + bytes(size)
    parsed = parse_reply(Family.V4, data, has_ip_header=True)
    if (first & 0x0F) * 4 + 8 > len(data):
        assert parsed is None


def test_icmp_errors_have_the_names_of_their_rfcs() -> None:
    """Spot checks of RFC 792, RFC 1812 and RFC 4443; the rest is told by its numbers."""
    assert error_name(Family.V4, 3, 0) == "network unreachable"
    assert error_name(Family.V4, 3, 1) == "host unreachable"
    assert error_name(Family.V4, 3, 10) == "host prohibited"
    assert error_name(Family.V4, 3, 13) == "communication prohibited"
    assert error_name(Family.V4, 11, 0) == "time to live exceeded"
    assert error_name(Family.V6, 1, 0) == "no route to destination"
    assert error_name(Family.V6, 1, 1) == "communication prohibited"
    assert error_name(Family.V6, 1, 3) == "address unreachable"
    assert error_name(Family.V6, 2, 0) == "packet too big"
    assert error_name(Family.V6, 3, 0) == "hop limit exceeded"
    assert error_name(Family.V6, 3, 13) == "ICMP type 3 code 13"
    assert error_name(Family.V4, 5, 1) == "ICMP type 5 code 1"
