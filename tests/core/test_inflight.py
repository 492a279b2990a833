"""Checks matching: each guard in its order, one outcome a probe, expiry, wrap-around, clocks."""

from collections import Counter
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.inflight import InFlight, Stray
from pokepodsd.core.model import (
    MILLISECOND_NS,
    SECOND_NS,
    Channel,
    Datagram,
    Family,
    IcmpError,
    Outcome,
    OutcomeKind,
    Probe,
    Send,
    WallNs,
)
from pokepodsd.core.packets import cookie_of
from tests.core.builders import (
    IDENTIFIER,
    T0,
    V4,
    V4_RAW,
    V6,
    at,
    draw_cookie,
    make_target,
    opened,
    reply_to,
)
from tests.core.quoting import quote

RTT = 3 * MILLISECOND_NS


def make_flight(channel: Channel = V4) -> InFlight:
    return InFlight(channel, draw=draw_cookie, timeout_ns=SECOND_NS)


@pytest.mark.parametrize("channel", [V4, V4_RAW, V6], ids=["v4", "v4 raw", "v6"])
def test_reply_is_the_outcome_of_its_probe(channel: Channel) -> None:
    """The round trip is from the wall clock at the send to the kernel's stamp."""
    flight = make_flight(channel)
    target = make_target(1, address="fd00::1" if channel.family is Family.V6 else None)
    probe = opened(flight, target, T0).probe
    reply = reply_to(probe, after_ns=RTT, has_ip_header=channel.has_ip_header)
    outcome = flight.match_reply(reply, at(0.05))
    assert outcome is not None
    assert outcome.probe is probe
    assert (outcome.kind, outcome.rtt_ns, outcome.at_ns) == (OutcomeKind.REPLIED, RTT, at(0.05))
    assert (flight.sent, flight.received) == (1, 1)
    assert flight.next_expiry() is None


def stray_of(flight: InFlight, datagram: Datagram) -> Stray:
    """Why the datagram was no answer; it is counted once, and nothing else is."""
    before, received = Counter(flight.strays), flight.received
    assert flight.match_reply(datagram, at(0.1)) is None
    assert flight.received == received
    ((stray, count),) = (flight.strays - before).items()
    assert count == 1
    return stray


def test_guards_stand_in_their_order() -> None:
    """A packet that fails several guards is counted under the first: what it is, then whose."""
    flight = make_flight()
    probe = opened(flight, make_target(1), T0).probe
    unknown = Probe(target=probe.target, sequence=9, serial=9, opening=False, sent_ns=T0)
    wrong: dict[str, Any] = {"identifier": 7, "cookie": 1, "source": "10.8.8.8"}
    good = reply_to(probe, after_ns=RTT)
    request = Datagram(
        family=Family.V4, data=b"\x08" + good.data[1:], source="x", stamp_ns=WallNs(0)
    )
    short = Datagram(family=Family.V4, data=good.data[:8], source="x", stamp_ns=WallNs(0))
    assert stray_of(flight, request) is Stray.NOT_ECHO
    assert stray_of(flight, reply_to(unknown, after_ns=RTT, **wrong)) is Stray.IDENTIFIER
    del wrong["identifier"]
    assert stray_of(flight, short) is Stray.PAYLOAD
    assert stray_of(flight, reply_to(unknown, after_ns=RTT, **wrong)) is Stray.SEQUENCE
    assert stray_of(flight, reply_to(probe, after_ns=RTT, **wrong)) is Stray.PAYLOAD
    del wrong["cookie"]
    assert stray_of(flight, reply_to(probe, after_ns=RTT, **wrong)) is Stray.SOURCE
    assert flight.match_reply(good, at(0.1)) is not None
    assert stray_of(flight, good) is Stray.DUPLICATE
    assert stray_of(flight, reply_to(probe, after_ns=RTT, **wrong)) is Stray.DUPLICATE
    assert stray_of(flight, reply_to(probe, after_ns=RTT, cookie=1)) is Stray.PAYLOAD


def test_the_cookie_of_one_probe_serves_for_no_other() -> None:
    """Who reads a request of ours can answer that one, and neither the next nor another's."""
    numbers = count(1)
    flight = InFlight(V4, draw=lambda: next(numbers), timeout_ns=SECOND_NS)
    first, second = (opened(flight, make_target(number), T0) for number in (1, 2))
    read = cookie_of(first.probe.mark)
    forged = reply_to(second.probe, after_ns=RTT, cookie=read)
    assert stray_of(flight, forged) is Stray.PAYLOAD
    unreachable = quote(second.probe, second.packet[:-8] + first.packet[-8:])
    assert flight.match_error(unreachable, at(0.1)) is None
    assert flight.match_reply(reply_to(second.probe, after_ns=RTT), at(0.1)) is not None
    assert flight.match_reply(reply_to(first.probe, after_ns=RTT), at(0.1)) is not None


def test_serial_of_another_lap_is_no_answer() -> None:
    """The same sequence with another serial is a reply to something else."""
    flight = make_flight()
    probe = opened(flight, make_target(1), T0).probe
    other = Probe(
        target=probe.target, sequence=probe.sequence, serial=65_536, opening=False, sent_ns=T0
    )
    assert stray_of(flight, reply_to(other, after_ns=RTT)) is Stray.SEQUENCE


@pytest.mark.parametrize(("late", "is_over"), [(SECOND_NS - 1, False), (SECOND_NS, True)])
def test_probe_is_given_up_at_its_timeout(late: int, is_over: bool) -> None:
    """Not before, and by the time that `next_expiry` says."""
    flight = make_flight()
    probe = opened(flight, make_target(1), T0).probe
    assert flight.next_expiry() == at(1)
    outcomes = flight.expire(at(late / SECOND_NS))
    assert [one.probe for one in outcomes] == [probe] * is_over
    assert all(one.kind is OutcomeKind.TIMED_OUT for one in outcomes)


def test_reply_after_the_timeout_is_late_and_changes_nothing() -> None:
    """Whether or not the probe was given up already when it is read."""
    flight = make_flight()
    probe = opened(flight, make_target(1), T0).probe
    late = reply_to(probe, after_ns=SECOND_NS + 1)
    assert flight.match_reply(late, at(1.2)) is None
    assert flight.strays == {Stray.LATE: 1}
    assert [one.probe for one in flight.expire(at(1.2))] == [probe]
    assert flight.match_reply(late, at(1.3)) is None
    assert flight.strays == {Stray.LATE: 2}
    assert flight.received == 0


def test_reply_in_time_that_is_read_late_counts() -> None:
    """The kernel's stamp decides, not when the loop came to read it."""
    flight = make_flight()
    probe = opened(flight, make_target(1), T0).probe
    outcome = flight.match_reply(reply_to(probe, after_ns=SECOND_NS), at(4))
    assert outcome is not None
    assert outcome.rtt_ns == SECOND_NS
    assert flight.expire(at(4)) == []


@pytest.mark.parametrize("step", [-3600, -0.5, 3600])
def test_step_of_the_wall_clock_costs_no_reply(step: float) -> None:
    """What the monotonic clock says is impossible is replaced by what it measured."""
    flight = make_flight()
    probe = opened(flight, make_target(1), T0).probe
    stamped = reply_to(probe, after_ns=RTT + round(step * SECOND_NS))
    outcome = flight.match_reply(stamped, at(0.05))
    assert outcome is not None
    assert outcome.rtt_ns == 50 * MILLISECOND_NS


def test_packet_that_the_kernel_did_not_take_is_an_outcome() -> None:
    """With the name of the errno, and nothing left to expire."""
    flight = make_flight()
    probe = opened(flight, make_target(1), T0).probe
    outcome = flight.fail_send(probe, "EPERM", at(0))
    assert (outcome.kind, outcome.name) == (OutcomeKind.SEND_FAILED, "EPERM")
    assert flight.next_expiry() is None
    assert flight.expire(at(5)) == []


def test_timeout_changes_for_what_is_in_flight_too() -> None:
    """A new configuration holds from now on."""
    flight = make_flight()
    opened(flight, make_target(1), T0)
    flight.timeout_ns = 3 * SECOND_NS
    assert flight.expire(at(1)) == []
    assert flight.next_expiry() == at(3)
    assert len(flight.expire(at(3))) == 1


def test_every_sequence_in_flight_is_the_end_of_opening() -> None:
    """65,536 probes cannot be told from more; one that ends makes room for one."""
    flight = make_flight()
    target = make_target(1)
    sends = [opened(flight, target, T0) for _ in range(65_536)]
    assert len({send.probe.sequence for send in sends}) == 65_536
    assert flight.open(target, T0, opening=False) is None
    assert flight.sent == 65_536
    middle = sends[40_000].probe
    assert flight.match_reply(reply_to(middle, after_ns=RTT), at(0.1)) is not None
    fresh = opened(flight, target, at(0.1)).probe
    assert (fresh.sequence, fresh.serial) == (40_000, 65_536)
    assert stray_of(flight, reply_to(middle, after_ns=RTT)) is Stray.DUPLICATE
    assert flight.match_reply(reply_to(fresh, after_ns=RTT), at(0.2)) is not None
    assert len(flight.expire(at(1))) == 65_535


def test_sequences_wrap_around() -> None:
    """After 65,536 probes the first sequence is free again, and its serial tells the laps apart."""
    flight = make_flight()
    target = make_target(1)
    for number in range(65_540):
        probe = opened(flight, target, at(number)).probe
        assert probe.sequence == number % 65_536
        assert len(flight.expire(at(number + 1))) == 1


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["open", "reply", "again", "error", "fail", "wait"]), st.integers(0, 999)
    ),
    max_size=60,
)


@given(ACTIONS)
def test_each_probe_ends_in_exactly_one_outcome(actions: list[tuple[str, int]]) -> None:
    """Whatever arrives, in whatever order and however often."""
    flight = make_flight()
    sends: list[Send] = []
    ended: list[Outcome] = []
    now = 0.0
    for name, number in actions:
        send = sends[number % len(sends)] if sends else None
        outcome = None
        match name:
            case "open":
                sends.append(opened(flight, make_target(number), at(now)))
            case "wait":
                now += number / 400
                ended += flight.expire(at(now))
            case "error" if send:
                outcome = flight.match_error(quote(send.probe, send.packet), at(now))
            case "fail" if send and send.probe not in [one.probe for one in ended]:
                outcome = flight.fail_send(send.probe, "EPERM", at(now))
            case "reply" | "again" if send:
                outcome = flight.match_reply(reply_to(send.probe, after_ns=RTT), at(now))
        ended += [outcome] if outcome else []
    ended += flight.expire(at(now + 1))
    assert sorted(one.probe.serial for one in ended) == list(range(len(sends)))
    assert flight.next_expiry() is None
    assert flight.received == sum(one.kind is OutcomeKind.REPLIED for one in ended)


@given(st.binary(max_size=60), st.text(max_size=5), st.booleans())
def test_hostile_datagrams_are_strays(data: bytes, source: str, is_raw: bool) -> None:
    """Nothing that arrives raises, or ends a probe that it does not answer."""
    flight = make_flight(V4_RAW if is_raw else V4)
    opened(flight, make_target(1), T0)
    datagram = Datagram(family=Family.V4, data=data, source=source, stamp_ns=WallNs(0))
    assert flight.match_reply(datagram, at(0.1)) is None
    error = IcmpError(
        family=Family.V4, quoted=data, destination="10.0.0.1", type=3, code=1, reporter=source
    )
    expected = data[:2] == b"\x08\x00" and data[4:6] == IDENTIFIER.to_bytes(2, "big")
    assert expected or flight.match_error(error, at(0.1)) is None
    assert flight.strays.total() == 2 - expected
