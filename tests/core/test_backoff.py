"""Checks the arithmetic of retry delays."""

from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.backoff import Backoff

ROLLS = st.floats(0, 1, exclude_max=True)


@given(st.floats(0.001, 100), st.floats(1, 1000), st.lists(ROLLS, min_size=1, max_size=60))
def test_delays_are_in_the_upper_half_of_the_doubling(
    first: float, factor: float, rolls: list[float]
) -> None:
    """Each delay is between half and all of first * 2**n, and never above the longest."""
    longest = first * factor
    dice = iter(rolls)
    backoff = Backoff(first=first, longest=longest, roll=lambda: next(dice))
    full = first
    for _ in rolls:
        assert full * 0.5 <= backoff.next() <= full
        full = min(longest, full * 2)


def test_dice_decide_within_the_half() -> None:
    """Two nodes with other dice do not return together."""
    dice = iter([0.0, 0.5, 1.0])
    backoff = Backoff(first=8.0, longest=8.0, roll=lambda: next(dice))
    assert [backoff.next() for _ in range(3)] == [4.0, 6.0, 8.0]


def test_reset_starts_over() -> None:
    """After success the next failure waits as the first did."""
    backoff = Backoff(first=1.0, longest=60.0, roll=lambda: 1.0)
    assert [backoff.next() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert backoff.next() == 1.0


def test_never_ending_failure_stays_at_the_longest() -> None:
    """Weeks of failures overflow nothing."""
    backoff = Backoff(first=1.0, longest=60.0, roll=lambda: 1.0)
    assert {backoff.next() for _ in range(5_000)} == {1, 2, 4, 8, 16, 32, 60}
