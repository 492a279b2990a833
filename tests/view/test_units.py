"""Numbers and times in words."""

import pytest

from pokepodsd.view import units
from pokepodsd.view.columns import cut, paragraph


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0.000 ms"),
        (0.000_041_2, "0.041 ms"),
        (0.000_412, "0.41 ms"),
        (0.004_12, "4.12 ms"),
        (0.041_2, "41.2 ms"),
        (0.412, "412 ms"),
        (1.5, "1500 ms"),
    ],
)
def test_milliseconds(seconds: float | None, text: str) -> None:
    """About three digits, whatever the size."""
    assert units.milliseconds(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7_199, "119 min"),
        (7_200, "2 h"),
        (172_799, "47 h"),
        (172_800, "2 d"),
    ],
)
def test_span(seconds: int, text: str) -> None:
    """One unit, which hides less than half of what it says."""
    assert units.span(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "-"),
        (0.0, "0"),
        (0.001, "<1"),
        (0.031, "3"),
        (0.994, "99"),
        (0.999, ">99"),
        (1, "100"),
    ],
)
def test_percent(share: float | None, text: str) -> None:
    """Nought is none at all, and a hundred all."""
    assert units.percent(share) == text


def test_losses_are_one_cell() -> None:
    """Three shares, of which some may be unknown; none at all is one dash."""
    assert units.losses({"1m": 0.0, "5m": None, "15m": 0.031}) == "0/-/3 %"
    assert units.losses({"1m": None, "5m": None, "15m": None}) == "-"


def test_a_paragraph_ends_lines_between_words() -> None:
    """Of a word that no line can hold, its beginning is left."""
    assert paragraph("one two three four", 9, indent=2) == ["one two", "  three", "  four"]
    assert paragraph("abcdefghijkl x", 8) == ["abcdefg…", "x"]
    assert paragraph("", 8) == [""]


def test_a_cut_never_splits_a_wide_character() -> None:
    """Half of one is none."""
    assert cut("東京東京", 8) == "東京東京"
    assert cut("東京東京", 7) == "東京東…"
    assert cut("東京東京", 6) == "東京…"


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.004, "4.00 ms"), (0.9994, "999 ms"), (1.0, "1 s"), (52.4, "52 s")]
)
def test_lateness_is_told_in_a_unit_that_fits(seconds: float, said: str) -> None:
    """A loop that stood still for a minute was not 52,400 ms late."""
    assert units.lateness(seconds) == said
