"""Checks the encoder with Google's own library at the other end."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.families import Family, Kind, Row
from pokepodsd.core.histogram import SCHEMA, Histogram
from pokepodsd.core.protobuf import ZERO_THRESHOLD, encode
from tests.core.clientmodel import decode

TYPES = {Kind.COUNTER: 0, Kind.GAUGE: 1, Kind.INFO: 1, Kind.HISTOGRAM: 4}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LABELS = st.dictionaries(TEXT, TEXT, max_size=3)
COUNTS = st.integers(0, 2**63)
VALUES = st.floats(allow_nan=False)


@st.composite
def histograms(draw: st.DrawFn) -> Histogram:
    buckets = draw(st.dictionaries(st.integers(-200, 60), st.integers(0, 2**40), max_size=9))
    zero = draw(COUNTS)
    return Histogram(
        count=zero + sum(buckets.values()),
        sum_seconds=draw(st.floats(0, 1e9)),
        zero=zero,
        buckets=buckets,
    )


@st.composite
def families(draw: st.DrawFn) -> Family:
    kind = draw(st.sampled_from(Kind))
    values = histograms() if kind is Kind.HISTOGRAM else VALUES
    rows = draw(st.lists(st.builds(Row, LABELS, values), max_size=4))
    return Family(draw(TEXT), draw(TEXT), kind, tuple(rows))


@given(st.lists(families(), max_size=4))
def test_google_s_library_reads_what_was_written(written: list[Family]) -> None:
    """Every family, label, value and bucket, in its order, and nothing else."""
    read = decode(encode(written))
    assert [(one.name, one.help, one.type) for one in read] == [
        (one.name, one.help, TYPES[one.kind]) for one in written
    ]
    for family, found in zip(written, read, strict=True):
        assert len(found.metric) == len(family.rows)
        for row, metric in zip(family.rows, found.metric, strict=True):
            check(family.kind, row, metric)


def check(kind: Kind, row: Row, metric: Any) -> None:
    assert {pair.name: pair.value for pair in metric.label} == row.labels
    if isinstance(row.value, Histogram):
        check_histogram(row.value, metric.histogram)
        assert not metric.HasField("gauge")
        return
    field = "counter" if kind is Kind.COUNTER else "gauge"
    assert metric.HasField(field)
    assert getattr(metric, field).value == row.value


def check_histogram(made: Histogram, found: Any) -> None:
    assert (found.sample_count, found.sample_sum) == (made.count, made.sum_seconds)
    assert [(one.upper_bound, one.cumulative_count) for one in found.bucket] == [*made.classic()]
    assert (found.schema, found.zero_threshold) == (SCHEMA, ZERO_THRESHOLD)
    assert found.zero_count == made.zero
    spans, deltas = made.spans()
    read = [(one.offset, one.length) for one in found.positive_span]
    assert read == [(one.offset, one.length) for one in spans]
    assert tuple(found.positive_delta) == deltas
