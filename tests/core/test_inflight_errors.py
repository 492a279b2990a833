"""Checks which ICMP errors are believed: those that quote what nobody can guess."""

from dataclasses import replace

from pokepodsd.core.inflight import InFlight, Stray
from pokepodsd.core.model import (
    MILLISECOND_NS,
    SECOND_NS,
    OutcomeKind,
)
from tests.core.builders import (
    T0,
    V4,
    at,
    draw_cookie,
    make_target,
    opened,
    reply_to,
)
from tests.core.quoting import quote

RTT = 3 * MILLISECOND_NS


def make_flight() -> InFlight:
    return InFlight(V4, draw=draw_cookie, timeout_ns=SECOND_NS)


def test_icmp_error_is_an_outcome_with_its_name_and_reporter() -> None:
    """Host unreachable, said by a router about our own request."""
    flight = make_flight()
    sent = opened(flight, make_target(1), T0)
    outcome = flight.match_error(quote(sent.probe, sent.packet), at(0.1))
    assert outcome is not None
    assert (outcome.kind, outcome.name) == (OutcomeKind.REJECTED, "host unreachable")
    assert (outcome.reporter, outcome.rtt_ns) == ("10.9.9.9", None)
    assert flight.match_error(quote(sent.probe, sent.packet), at(0.1)) is None
    assert flight.strays == {Stray.SEQUENCE: 1}
    assert flight.match_reply(reply_to(sent.probe, after_ns=RTT), at(0.1)) is None
    assert flight.strays == {Stray.SEQUENCE: 1, Stray.LATE: 1}


def test_icmp_error_that_quotes_only_the_header_is_not_believed() -> None:
    """A target knows the identifier and the next sequence: it could reject for any other."""
    flight = make_flight()
    sent = opened(flight, make_target(1), T0)
    for size in range(8, len(sent.packet)):
        assert flight.match_error(quote(sent.probe, sent.packet[:size]), at(0.1)) is None
    assert flight.strays == {Stray.PAYLOAD: len(sent.packet) - 8}
    assert flight.match_reply(reply_to(sent.probe, after_ns=RTT), at(0.1)) is not None


def test_icmp_error_may_be_padded() -> None:
    """A router that adds extensions fills the quoted packet up (RFC 4884)."""
    flight = make_flight()
    sent = opened(flight, make_target(1), T0)
    assert flight.match_error(quote(sent.probe, sent.packet.ljust(108, b"\0")), at(0.1)) is not None


def test_icmp_error_must_quote_the_address_and_the_payload_that_were_sent() -> None:
    """Whoever guesses a sequence knows neither for certain."""
    flight = make_flight()
    sent = opened(flight, make_target(1), T0)
    elsewhere = replace(quote(sent.probe, sent.packet), destination="203.0.113.9")
    forged = quote(sent.probe, sent.packet[:-1] + bytes([sent.packet[-1] ^ 1]))
    assert [flight.match_error(error, at(0.1)) for error in (elsewhere, forged)] == [None, None]
    assert flight.strays == {Stray.SOURCE: 1, Stray.PAYLOAD: 1}


def test_icmp_error_about_something_else_is_a_stray() -> None:
    """No request, another process's request, another lap's request."""
    flight = make_flight()
    sent = opened(flight, make_target(1), T0)
    foreign = sent.packet[:4] + bytes([0, 1]) + sent.packet[6:]
    other_lap = sent.packet[:8] + bytes([9]) + sent.packet[9:]
    reply = b"\x00" + sent.packet[1:]
    for packet in (reply, foreign, other_lap, b""):
        assert flight.match_error(quote(sent.probe, packet), at(0.1)) is None
    assert flight.strays == {Stray.NOT_ECHO: 2, Stray.IDENTIFIER: 1, Stray.SEQUENCE: 1}
    assert len(flight.expire(at(1))) == 1
