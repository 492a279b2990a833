"""What counts as even."""

import pytest

from tests.bench.evenness import fullest

MILLISECOND_NS = 1_000_000


def test_the_fullest_window_is_told_in_times_of_the_mean() -> None:
    """A packet every 5 ms is even; with ticks of 50 ms half the windows hold a tick more."""
    even = range(0, 10_000 * MILLISECOND_NS, 5 * MILLISECOND_NS)
    assert fullest(even, 0, 10_000 * MILLISECOND_NS) == 1
    late = [time_ns + (20 * MILLISECOND_NS if time_ns >= even[1_000] else 0) for time_ns in even]
    assert fullest(late, 0, 10_000 * MILLISECOND_NS) == pytest.approx(1, abs=0.01)


def test_what_was_caught_up_at_once_counts() -> None:
    """100 ms in which nothing left, and then all of it: twice the mean, but for its own edge."""
    stalled = [
        max(time_ns, 1_100 * MILLISECOND_NS) if time_ns >= 1_000 * MILLISECOND_NS else time_ns
        for time_ns in range(0, 2_000 * MILLISECOND_NS, 5 * MILLISECOND_NS)
    ]
    assert fullest(stalled, 0, 2_000 * MILLISECOND_NS) == pytest.approx(2, abs=0.05)


def test_only_what_left_between_the_times_counts() -> None:
    outside = [*range(0, 100, 1), *range(1_000 * MILLISECOND_NS, 2_000 * MILLISECOND_NS, 5_000_000)]
    assert fullest(outside, 1_000 * MILLISECOND_NS, 2_000 * MILLISECOND_NS) == 1
