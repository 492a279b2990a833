"""Checks durations: read as people write them, nothing skipped over, and written the same way."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.config import validate
from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.settings import BY_KEY, Kind
from pokepodsd.core.values import check_value, duration_text
from pokepodsd.errors import ConfigError

WIDE = replace(BY_KEY["poke.interval"], least=None, most=None)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("5s", 5_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1.5s", 1_500_000_000),
        ("500ms", 500_000_000),
        ("2m", 120_000_000_000),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, nanoseconds: int) -> None:
    """Units, several of them together, and fractions."""
    poke = {"interval": text, "timeout": "10ms"}
    assert validate({"poke": poke}, source="x").poke.interval_ns == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "s", "5 s", "five", "5x", "1..5s", "5s!", "99999999999y", "9" * 5_000 + "s"),
        *("-5s", "+5s", "-0", "0", " 5s", "5s ", "5s\n", "5S", ".5s", "\u0665s"),
        *("1m garbage 30s", "1m 30s", "1m-30s", "1m,30s", "1m!30s", "1m30", "1e3s"),
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A number without a unit means nothing, and nothing is guessed."""
    with pytest.raises(ConfigError) as caught:
        validate({"poke": {"interval": text}}, source="x")
    (complaint,) = caught.value.complaints
    assert complaint.key == "poke.interval"
    # Of what is endless, as much as a person reads.
    assert complaint.text == f"{text!r:.100} is not {Kind.DURATION.value}"


PARTS = st.lists(st.tuples(st.integers(0, 99), st.sampled_from(["ms", "s", "m"])), min_size=1)


@given(PARTS, st.integers(0, 20), st.sampled_from(["", " ", "-", "+", ",", "and", "!", "x"]))
def test_duration_is_the_sum_of_its_parts_and_of_nothing_else(
    parts: list[tuple[int, str]], place: int, junk: str
) -> None:
    """A character more, wherever it is, is never skipped over."""
    least = {"ms": 1_000_000, "s": SECOND_NS, "m": 60 * SECOND_NS}
    texts = [f"{number}{unit}" for number, unit in parts]
    total = sum(number * least[unit] for number, unit in parts)
    assert check_value(WIDE, "".join(texts)) == total
    if junk:
        texts.insert(min(place, len(texts)), junk)
        with pytest.raises(ValueError, match="is not a duration"):
            check_value(WIDE, "".join(texts))


@given(st.integers(1, 10**7))
def test_duration_is_read_back_as_it_is_shown(milliseconds: int) -> None:
    """What the program writes as a duration means the same in the file."""
    text = duration_text(milliseconds * 1_000_000)
    assert check_value(WIDE, text) == milliseconds * 1_000_000


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0ms"),
        (1_500_000, "1.5ms"),
        (90_000_000_000, "1m30s"),
        (60_000_000_000, "1m"),
        (3_600_000_000_000, "1h"),
        (3_661_500_000_000, "1h1m1.5s"),
    ],
)
def test_duration_is_written_as_a_person_would(nanoseconds: int, text: str) -> None:
    """The largest units first, and none that is zero."""
    assert duration_text(nanoseconds) == text
