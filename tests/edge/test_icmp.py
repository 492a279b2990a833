"""Checks the ICMP sockets on a real network: replies, kernel stamps, errors, both kinds."""

import time

import pytest

from pokepodsd.core.model import Family
from pokepodsd.core.packets import PACKET_SIZE, error_name, parse_quoted_request
from pokepodsd.edge.clock import monotonic_ns
from tests.edge.pinger import Pinger, address_of, pod
from tests.edge.support import wait_readable
from tests.lab import EchoCapture, IcmpForger, Kind, Lab, Rejection, echo_packet, packet_of


def test_reply_carries_the_kernels_stamp(lab: Lab, pinger: Pinger) -> None:
    """A reply has its source and the time at which the kernel, not this process, took it in."""
    node, target = lab.nodes[0], pod(pinger, lab.nodes[1], 1)
    with EchoCapture(node) as capture:
        assert pinger.send(target, 1) is None
        seen = capture.wait_for(lambda echo: echo.kind is Kind.REPLY and not echo.outgoing)
        reply = pinger.wait_reply()
    assert (reply.source, pinger.sequence_of(reply)) == (target, 1)
    assert reply.family is pinger.channel.family
    assert len(reply.data) == PACKET_SIZE + (20 if pinger.channel.has_ip_header else 0)
    assert seen.identifier == pinger.channel.identifier
    assert abs(reply.stamp_ns - seen.at_ns) < 1_000_000


def test_no_more_is_taken_than_asked_for(lab: Lab, pinger: Pinger) -> None:
    """A turn takes at most its limit; the rest waits in the kernel, in order."""
    with EchoCapture(lab.nodes[0]) as capture:
        for sequence in (1, 2, 3):
            pinger.send(pod(pinger, lab.nodes[1], 1), sequence)
        capture.wait_for(lambda echo: echo.kind is Kind.REPLY and echo.sequence == 3)
    wait_readable(pinger.socket)
    taken = [[pinger.sequence_of(one) for one in pinger.socket.receive(2)] for _ in range(3)]
    assert taken == [[1, 2], [3], []]
    assert list(pinger.socket.receive_errors(2)) == []


@pytest.mark.parametrize(
    ("rejection", "numbers"),
    [
        (Rejection.HOST, {4: (3, 1), 6: (1, 3)}),
        (Rejection.NETWORK, {4: (3, 0), 6: (1, 0)}),
        (Rejection.PORT, {4: (3, 3), 6: (1, 4)}),
        (Rejection.PROHIBITED, {4: (3, 13), 6: (1, 1)}),
    ],
)
def test_icmp_error_says_what_who_and_about_which(
    lab: Lab, pinger: Pinger, rejection: Rejection, numbers: dict[int, tuple[int, int]]
) -> None:
    """An ICMP error has its type, code and reporter, and quotes the request; it has a name."""
    family, node = pinger.channel.family, lab.nodes[1]
    target = pod(pinger, node, 9)
    node.reject_address(target, kind=rejection)
    assert pinger.send(target, 41) is None
    error = pinger.wait_error()
    assert (error.type, error.code) == numbers[family.value]
    assert (error.family, error.reporter) == (family, address_of(pinger, node))
    quoted = parse_quoted_request(family, error.quoted)
    assert quoted is not None
    assert (quoted.identifier, quoted.sequence) == (pinger.channel.identifier, 41)
    assert not error_name(family, error.type, error.code).startswith("ICMP type")


@pytest.mark.parametrize("rejection", list(Rejection))
def test_pending_error_is_not_charged_to_another(
    lab: Lab, pinger: Pinger, rejection: Rejection
) -> None:
    """What the kernel still has to say about one target does not fail the send to the next."""
    dead, alive = pod(pinger, lab.nodes[1], 10), pod(pinger, lab.nodes[2], 1)
    lab.nodes[1].reject_address(dead, kind=rejection)
    pinger.send(dead, 1)
    wait_readable(pinger.socket)
    assert pinger.send(alive, 2) is None
    assert pinger.wait_error().quoted[6:8] == b"\x00\x01"
    assert pinger.sequence_of(pinger.wait_reply()) == 2


@pytest.mark.parametrize(
    "numbers", [(3, 2), (3, 4), (3, 5), (3, 7), (3, 8), (3, 10), (4, 0), (11, 0), (12, 0)]
)
def test_rare_error_is_not_charged_to_another(
    lab: Lab, pinger: Pinger, numbers: tuple[int, int]
) -> None:
    """Nor does any other error of RFC 792 and RFC 1122, whatever errno Linux makes of it."""
    if pinger.channel.family is not Family.V4:
        numbers = {3: (1, 5), 4: (2, 0), 11: (3, 0), 12: (4, 0)}[numbers[0]]
    first, second, third = lab.nodes
    dead, alive = pod(pinger, second, 11), pod(pinger, third, 1)
    second.kill_address(dead)
    with EchoCapture(second) as capture, IcmpForger(second) as forger:
        pinger.send(dead, 1)
        request = capture.wait_for(lambda echo: echo.destination == dead)
        with EchoCapture(first) as done:
            forger.error(
                source=address_of(pinger, second),
                destination=address_of(pinger, first),
                icmp_type=numbers[0],
                code=numbers[1],
                original=packet_of(request),
            )
            forger.reply(
                source=alive,
                destination=address_of(pinger, first),
                identifier=pinger.channel.identifier,
                sequence=5,
            )
            done.wait_for(lambda echo: echo.sequence == 5)
        # The reply came after the error, so the error has been taken in.
        wait_readable(pinger.socket)
        assert pinger.send(alive, 2) is None


@pytest.mark.parametrize("is_all", [True, False])
def test_filtered_send_is_named(lab: Lab, pinger: Pinger, kind: str, is_all: bool) -> None:
    """A filter on this host that forbids the packet is EPERM at once, and only while it stands.

    Linux's ping_v6_sendmsg drops what the filter says: there the poke is left to time out.
    """
    node, target = lab.nodes[0], pod(pinger, lab.nodes[1], 1)
    is_silent = kind == "datagram" and pinger.channel.family is Family.V6
    blocked = None if is_all else target
    node.block_output(blocked)
    try:
        assert pinger.send(target, 1) == (None if is_silent else "EPERM")
    finally:
        node.allow_output(blocked)
    assert pinger.send(target, 2) is None
    assert pinger.sequence_of(pinger.wait_reply()) == 2


def test_missing_route_is_named(pinger: Pinger) -> None:
    """Where no route leads, the send fails at once with the errno's name, again and again."""
    nowhere = "203.0.113.1" if pinger.channel.family is Family.V4 else "2001:db8::1"
    assert [pinger.send(nowhere, 1), pinger.send(nowhere, 2)] == ["ENETUNREACH"] * 2


def test_replies_to_another_identifier_are_not_seen(lab: Lab, pinger: Pinger) -> None:
    """What is for another process's pings, or is no reply, stays out of both kinds of socket."""
    first, second, _ = lab.nodes
    ours = pinger.channel.identifier
    source, destination = address_of(pinger, second), address_of(pinger, first)
    with IcmpForger(second) as forger, EchoCapture(first) as capture:
        for sequence, identifier in ((1, ours ^ 1), (2, ours)):
            forger.reply(
                source=source,
                destination=destination,
                identifier=identifier,
                sequence=sequence,
            )
        capture.wait_for(lambda echo: echo.sequence == 2)
    reply = pinger.wait_reply()
    start = 20 if pinger.channel.has_ip_header else 0
    assert reply.data[start + 4 : start + 8] == ours.to_bytes(2, "big") + b"\x00\x02"
    assert list(pinger.socket.receive(10)) == []


def test_what_finds_no_room_is_counted(lab: Lab, pinger: Pinger) -> None:
    """Each packet that the full buffer did not take, once; and what it took is all there."""
    target = pod(pinger, lab.nodes[1], 1)
    assert pinger.socket.take_overrun(monotonic_ns()) == 0
    # What is dropped of another type, and before, is no drop of this socket.
    wrong = echo_packet(
        Kind.REQUEST,
        source=address_of(pinger, lab.nodes[1]),
        destination=address_of(pinger, lab.nodes[0]),
        identifier=1,
        sequence=1,
        corrupt=True,
    )
    with IcmpForger(lab.nodes[1]) as forger:
        forger.send(wrong, copies=2_000)
    pinger.send(target, 0)
    pinger.wait_reply()
    sent = lost = 0
    while not lost:
        for sequence in range(1_000):
            assert pinger.send(target, sequence) is None
        sent += 1_000
        lost = pinger.socket.take_overrun(monotonic_ns())
    taken = len(list(pinger.socket.receive(sent)))
    assert taken > 0
    deadline = time.monotonic() + 10.0
    while lost + taken < sent:
        # The last ones may still be on their way.
        assert time.monotonic() < deadline
        lost += pinger.socket.take_overrun(monotonic_ns())
        taken += len(list(pinger.socket.receive(sent)))
    assert lost + taken == sent
    assert pinger.socket.take_overrun(monotonic_ns()) == 0


def test_a_wrong_checksum_takes_no_room(lab: Lab, pinger: Pinger) -> None:
    """The kernel drops it, for an IPv6 raw socket with the same count as what finds no room: a
    stranger could excuse any lost poke with it. (An IPv4 raw socket is given it.)
    """
    first, second, _ = lab.nodes
    is_given = pinger.socket.is_raw and pinger.channel.family is Family.V4

    def reply(sequence: int, *, corrupt: bool = False) -> bytes:
        return echo_packet(
            Kind.REPLY,
            source=address_of(pinger, second),
            destination=address_of(pinger, first),
            identifier=pinger.channel.identifier,
            sequence=sequence,
            corrupt=corrupt,
        )

    with IcmpForger(second) as forger:
        for right in (1, 3, 5):
            forger.send(reply(right + 1, corrupt=True), copies=20)
            forger.send(reply(right))
            taken = [pinger.wait_reply().data[-2:]]
            while taken[-1] != right.to_bytes(2, "big"):
                taken.append(pinger.wait_reply().data[-2:])
            assert len(taken) == 1 + 20 * is_given
            assert pinger.socket.take_overrun(monotonic_ns()) == 0
