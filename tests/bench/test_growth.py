"""How growth is judged: by the large end, against n log n."""

from itertools import pairwise

import pytest

from tests.bench.growth import PODS, curve, steepest


def test_the_bound_is_that_of_n_log_n() -> None:
    """Above 1 at every size, and less so the larger they are."""
    bounds = [steepest(first, last) for first, last in pairwise(PODS)]
    assert all(bound > 1 for bound in bounds)
    assert bounds == sorted(bounds, reverse=True)
    assert steepest(1_000, 10_000) == pytest.approx(1.125, abs=0.001)


@pytest.mark.parametrize(("power", "is_reached"), [(0.0, True), (1.0, True), (1.3, False)])
def test_what_grows_faster_is_not_reached(power: float, is_reached: bool) -> None:
    """A line of each power, on top of nothing."""
    made = curve("it", "ms", {"daemon": {pods: pods**power for pods in PODS}}, "")
    assert made.is_reached() is is_reached


def test_a_jump_at_the_large_end_is_not_averaged_away() -> None:
    """Flat up to 10,000 and square beyond: all points together have less than 1."""
    values = dict.fromkeys(PODS, 1.0)
    values[150_000] = 15.0**2
    made = curve("it", "ms", {"daemon": values}, "")
    exponent = made.exponent("daemon")
    assert exponent is not None
    assert exponent < 1
    assert made.is_reached() is False


def test_what_an_empty_daemon_uses_as_well_is_left_out() -> None:
    """A value that is not above an empty daemon's has no logarithm; a line of such is none."""
    made = curve("it", "MB", {"daemon": {10: -0.1, 100: 0.0, 1_000: 2.0}, "reader": {10: -1.0}}, "")
    assert made.lines == {"daemon": [(1_000.0, 2.0)]}
    assert made.is_reached() is None
    assert "Not judged in this form" in made.note
