"""Counting: histograms, windows of losses, and how late the loop came.

Owns that each number is that of what was put in, however time passes.
"""

import math
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs, Outcome, OutcomeKind
from pokepodsd.core.statistics import WINDOWS, Lateness, Ledger, PokeWindow, RttHistogram
from tests.core.builders import T0, at, make_outcome, make_target

RTTS = st.integers(1, 20 * SECOND_NS)
# What happened, and how many seconds after the one before.
STEPS = st.lists(
    st.tuples(st.floats(0, 400), st.none() | st.integers(1_000, 10 * SECOND_NS)), max_size=40
)
SLOT_SECONDS = 30


@given(st.lists(RTTS))
def test_each_round_trip_is_in_the_bucket_that_holds_it(rtts: list[int]) -> None:
    """Bucket i of schema 3 holds (2**((i-1)/8), 2**(i/8)] seconds; none is lost or doubled."""
    histogram = RttHistogram()
    for rtt_ns in rtts:
        before = histogram.buckets.copy()
        histogram.add(rtt_ns)
        (index,) = (histogram.buckets - before).keys()
        assert 2 ** ((index - 1) / 8) < rtt_ns / SECOND_NS * (1 + 1e-12)
        assert rtt_ns / SECOND_NS <= 2 ** (index / 8) * (1 + 1e-12)
    assert histogram.count == histogram.buckets.total() == len(rtts)
    assert (histogram.sum_ns, histogram.zero) == (sum(rtts), 0)


def test_a_power_of_two_is_the_upper_bound_of_its_bucket() -> None:
    """2**-10 s ends bucket -80, and the next nanosecond is in bucket -79."""
    histogram = RttHistogram()
    bound_ns = math.floor(2**-10 * SECOND_NS)
    histogram.add(bound_ns)
    histogram.add(bound_ns + 1)
    assert dict(histogram.buckets) == {-80: 1, -79: 1}


def test_no_time_at_all_is_in_the_zero_bucket() -> None:
    """A clock that is too coarse shows 0 ns, of which there is no logarithm."""
    histogram = RttHistogram()
    histogram.add(0)
    assert (histogram.count, histogram.zero, dict(histogram.buckets)) == (1, 1, {})


@given(STEPS, st.floats(0, 2_000))
def test_a_window_is_of_what_ended_in_it(
    steps: list[tuple[float, int | None]], after: float
) -> None:
    """Losses, median and worst are those of the pokes in the window's slots, and of no other."""
    window, happened, seconds = PokeWindow(), [], 0.0
    for gap, rtt_ns in steps:
        seconds += gap
        window.note(rtt_ns, at(seconds))
        happened.append((at(seconds), rtt_ns))
    now = at(seconds + after)
    slot = now // (SLOT_SECONDS * SECOND_NS)

    def within(slots: int) -> list[int | None]:
        return [rtt for when, rtt in happened if when // (SLOT_SECONDS * SECOND_NS) >= slot - slots]

    for name, slots in WINDOWS.items():
        there = within(slots)
        expected = there.count(None) / len(there) if there else None
        assert window.losses(now)[name] == expected
    answered = [rtt for rtt in within(30) if rtt is not None]
    if not answered:
        assert window.median_ns(now) is window.worst_ns(now) is None
        return
    recent = [rtt // 1_000 for _, rtt in happened if rtt is not None][-15:]
    assert window.median_ns(now) == round(median(recent) * 1_000)
    assert window.worst_ns(now) == max(answered) // 1_000 * 1_000


def test_the_windows_are_the_promised_ones() -> None:
    """1, 5 and 15 minutes in slots of half a minute."""
    assert {name: slots * SLOT_SECONDS for name, slots in WINDOWS.items()} == {
        "1m": 60,
        "5m": 300,
        "15m": 900,
    }


def test_outcomes_are_counted_by_layer_kind_and_name() -> None:
    """Each ended probe counts once; errors by the name that an operator searches for."""
    ledger = Ledger()
    target = make_target(1)
    probe = make_outcome(target).probe
    for kind, detail in (
        (OutcomeKind.REPLIED, ""),
        (OutcomeKind.TIMED_OUT, ""),
        (OutcomeKind.REJECTED, "host unreachable"),
        (OutcomeKind.SEND_FAILED, "EPERM"),
        (OutcomeKind.SEND_FAILED, "EPERM"),
    ):
        rtt_ns = MILLISECOND_NS if kind is OutcomeKind.REPLIED else None
        ledger.note(Outcome(probe=probe, kind=kind, at_ns=T0, detail=detail, rtt_ns=rtt_ns))
    counted = {kind.value: number for kind, number in ledger.outcomes[target.layer].items()}
    assert counted == {"replied": 1, "timed out": 1, "rejected": 1, "send failed": 2}
    assert ledger.rtts[target.layer].count == 1
    assert (dict(ledger.icmp_errors), dict(ledger.send_errors)) == (
        {"host unreachable": 1},
        {"EPERM": 2},
    )


@given(st.lists(st.tuples(st.floats(0, 50), st.integers(0, SECOND_NS)), min_size=1, max_size=60))
def test_the_worst_lateness_is_of_the_last_minute(steps: list[tuple[float, int]]) -> None:
    """What is older than 70 s does not count, what is younger than a minute does."""
    lateness, happened, seconds = Lateness(), [], 0.0
    for gap, late_ns in steps:
        seconds += gap
        lateness.note(late_ns, at(seconds))
        happened.append((seconds, late_ns))
    now = MonotonicNs(at(seconds))
    young = max(late for when, late in happened if when > seconds - 60)
    old = max((late for when, late in happened if when > seconds - 70), default=0)
    assert young <= lateness.worst_ns(now) <= old
    assert lateness.total_ns == sum(late for _, late in happened)


@pytest.mark.parametrize("quiet", [71.0, 5_000.0])
def test_lateness_is_forgotten(quiet: float) -> None:
    """After more than a minute without any there is none."""
    lateness = Lateness()
    lateness.note(SECOND_NS, T0)
    assert lateness.worst_ns(at(quiet)) == 0


def test_the_median_is_of_the_latest_and_of_all_of_them() -> None:
    """Of so many as it is told to keep, whichever they take the place of."""
    window = PokeWindow(recent=3)
    medians = []
    for milliseconds in (1, 3, 8, 9, 20, 2):
        window.note(milliseconds * MILLISECOND_NS, at(1))
        medians.append((window.median_ns(at(1)) or 0) / MILLISECOND_NS)
    assert medians == [1, 2, 3, 8, 9, 9]
