"""Checks the arithmetic of buckets, against plain values."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.histogram import CLASSIC_EXPONENTS, Histogram, Span
from tests.core.metricsfacts import HISTOGRAM


def bucket(seconds: float) -> int:
    """The index of the bucket of schema 3, by its definition."""
    return math.ceil(math.log2(seconds) * 8)


@given(st.lists(st.floats(min_value=1e-6, max_value=20)))
def test_classic_buckets_count_what_they_say(seconds: list[float]) -> None:
    """A bound of 2**k s holds every value that is not longer, and infinity all of them."""
    counts: dict[int, int] = {}
    for one in seconds:
        counts[bucket(one)] = counts.get(bucket(one), 0) + 1
    made = Histogram(count=len(seconds), sum_seconds=sum(seconds), zero=0, buckets=counts)
    expected = [sum(one <= 2.0**power for one in seconds) for power in CLASSIC_EXPONENTS]
    assert [count for _, count in made.classic()] == [*expected, len(seconds)]


@given(st.dictionaries(st.integers(-150, 50), st.integers(0, 1_000)))
def test_spans_say_where_every_count_is(counts: dict[int, int]) -> None:
    """Spans and deltas lead back to the counts, and no two spans touch."""
    made = Histogram(count=sum(counts.values()), sum_seconds=0.0, zero=0, buckets=counts)
    spans, deltas = made.spans()
    found, place, value, left = {}, 0, 0, list(deltas)
    for span in spans:
        place += span.offset
        for _ in range(span.length):
            value += left.pop(0)
            found[place] = value
            place += 1
    assert not left
    assert found == {index: count for index, count in counts.items() if count}
    assert all(span.offset > 0 for span in spans[1:])


def test_the_document_s_histogram() -> None:
    """An example by hand: the bounds of 488 and 977 microseconds and of 1 s."""
    made = Histogram.read(HISTOGRAM)
    bounds = dict(made.classic())
    assert (bounds[2**-12], bounds[2**-11], bounds[2**-10], bounds[1.0]) == (1, 7, 15, 15)
    assert bounds[math.inf] == 16
    assert made.spans() == ((Span(-89, 2), Span(7, 1), Span(87, 1)), (4, -2, 6, -7))


def test_another_schema_is_refused() -> None:
    """Its buckets mean something else."""
    document = {"schema": 4, "count": 1, "sum_seconds": 1.0, "zero": 0, "buckets": {"1": 1}}
    with pytest.raises(ValueError, match="a histogram of schema 4"):
        Histogram.read(document)
    read = Histogram.read({**document, "schema": 3, "buckets": {"-7": 2}, "zero": 5})
    assert read == Histogram(count=1, sum_seconds=1.0, zero=5, buckets={-7: 2})


@pytest.mark.parametrize(
    "part",
    [
        {"count": "16"},
        {"count": -1},
        {"zero": None},
        {"zero": 2**63},
        {"sum_seconds": []},
        {"buckets": {"-89": 0.5}},
        {"buckets": {"x": 1}},
        {"buckets": []},
        {"schema": 4},
    ],
)
def test_what_is_no_histogram_is_refused(part: Mapping[str, Any]) -> None:
    """Before anything is calculated with it."""
    with pytest.raises((KeyError, ValueError, TypeError, AttributeError)):
        Histogram.read({**HISTOGRAM, **part})
