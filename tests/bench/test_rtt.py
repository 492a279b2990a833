"""How the errors of reported round trips are made of a capture and of what was printed."""

import pytest

from tests.bench.rtt import Trip, journalled, printed, trips
from tests.lab import Echo, Kind
from tests.lab.figures import percentile_99
from tests.lab.processes import Line

HERE, THERE = "192.168.10.10", "10.244.32.1"


def echo(kind: Kind, at_ns: int, sequence: int, *, offset_ns: int = 0) -> Echo:
    ends = (HERE, THERE) if kind is Kind.REQUEST else (THERE, HERE)
    return Echo(
        at_ns=at_ns,
        monotonic_ns=at_ns - 1_000_000 + offset_ns,
        source=ends[0],
        destination=ends[1],
        kind=kind,
        identifier=7,
        sequence=sequence,
        payload=b"",
        outgoing=kind is Kind.REQUEST,
    )


def trip(left_ns: int, rtt_ns: int) -> Trip:
    return Trip(address=THERE, left_ns=left_ns, arrived_ns=left_ns + rtt_ns)


def line(at_ns: int, rtt_ms: str) -> Line:
    text = f"debug: shop/a ({THERE}) on node-b: replied, RTT {rtt_ms} ms"
    return Line(at_ns=at_ns, stream="stderr", text=text)


def test_a_round_trip_is_between_the_kernels_stamps() -> None:
    """Whatever the offset of the monotonic clock was at each; what was not answered is none."""
    echoes = [
        echo(Kind.REQUEST, 2_000_000, 1),
        echo(Kind.REPLY, 2_050_000, 1, offset_ns=400),
        echo(Kind.REQUEST, 3_000_000, 2),
        echo(Kind.REPLY, 3_100_000, 9),
    ]
    assert [(one.address, one.rtt_ns) for one in trips(echoes)] == [(THERE, 50_000)]


def test_a_line_of_the_journal_is_of_the_trip_before_it() -> None:
    """It comes after the reply, at the next tick."""
    measured = [trip(1_000_000, 40_000), trip(9_000_000, 50_000)]
    lines = [line(8_000_000, "0.047"), line(11_000_000, "0.049")]
    assert journalled(lines, measured) == pytest.approx([7.0, 1.0])


def test_round_trips_that_are_not_in_the_journal_are_an_error() -> None:
    """One in a hundred may be: its line comes after the last that is read."""
    measured = [trip(number * 1_000_000, 40_000) for number in range(100)]
    lines = [line(number * 1_000_000 + 500_000, "0.047") for number in range(99)]
    assert journalled(lines, measured) == pytest.approx([7.0] * 99)
    with pytest.raises(ValueError, match="98 round trips are in the journal, 100 measured"):
        journalled(lines[:-1], measured)


def test_what_peers_print_is_taken_in_its_order() -> None:
    """Of ping, with either unit, and of fping."""
    measured = [trip(1, 40_000), trip(2, 50_000)]
    said = ["64 bytes: icmp_seq=1 ttl=64 time=0.045 ms", "64 bytes: icmp_seq=2 ttl=64 time=1.00 ms"]
    assert printed(said, measured) == pytest.approx([5.0, 950.0])
    assert printed([f"{THERE} : 0.041 0.052"], measured) == pytest.approx([1.0, 2.0])


def test_a_round_trip_that_nobody_printed_is_an_error() -> None:
    """The order would say nothing any more."""
    with pytest.raises(ValueError, match="1 round trips were printed, 2 measured"):
        printed(["time=0.045 ms"], [trip(1, 40_000), trip(2, 50_000)])


def test_the_percentile_is_one_of_the_values() -> None:
    """Of a hundred, the second largest."""
    assert percentile_99([float(one) for one in range(100)]) == 98.0
