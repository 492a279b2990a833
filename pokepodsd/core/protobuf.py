"""Metric families in Prometheus' protobuf format, the only one that carries native histograms.

Owns the bytes of the few messages that are written here, each family preceded by its length
("encoding=delimited"). The numbers of their fields are those of prometheus/prometheus,
``prompb/io/prometheus/client/metrics.proto``; of what that allows, exemplars, timestamps, units and
summaries are left out. The wire format is that of "Protocol Buffers: Encoding".
"""

import struct
from collections.abc import Iterable
from typing import Final

from pokepodsd.core.families import Family, Kind, Row
from pokepodsd.core.histogram import SCHEMA, Histogram, Span

CONTENT_TYPE: Final = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)
# Only what took no time at all is in the zero bucket; this is the narrowest that Prometheus' own
# client for Go makes (DefNativeHistogramZeroThreshold). With 0, a histogram that counted nothing
# yet would be taken for a classic one.
ZERO_THRESHOLD: Final = 2.0**-128

_VARINT, _FIXED64, _BYTES = 0, 1, 2


_TYPES: Final = {Kind.COUNTER: 0, Kind.GAUGE: 1, Kind.INFO: 1, Kind.HISTOGRAM: 4}


def encode(families: Iterable[Family]) -> bytes:
    """Every family with its length before it."""
    bodies = [_family(family) for family in families]
    return b"".join(_varint(len(body)) + body for body in bodies)


def _family(family: Family) -> bytes:
    head = _text(1, family.name) + _text(2, family.help) + _integer(3, _TYPES[family.kind])
    return head + b"".join(_message(4, _metric(family.kind, row)) for row in family.rows)


def _metric(kind: Kind, row: Row) -> bytes:
    labels = b"".join(
        _message(1, _text(1, name) + _text(2, value)) for name, value in sorted(row.labels.items())
    )
    if isinstance(row.value, Histogram):
        return labels + _message(7, _histogram(row.value))
    return labels + _message(3 if kind is Kind.COUNTER else 2, _double(1, row.value))


def _histogram(histogram: Histogram) -> bytes:
    spans, deltas = histogram.spans()
    buckets = (
        _message(3, _integer(1, cumulative) + _double(2, bound))
        for bound, cumulative in histogram.classic()
    )
    return (
        _integer(1, histogram.count)
        + _double(2, histogram.sum_seconds)
        + b"".join(buckets)
        + _tag(5, _VARINT)
        + _signed(SCHEMA)
        + _double(6, ZERO_THRESHOLD)
        + _integer(7, histogram.zero)
        + b"".join(_message(12, _span(span)) for span in spans)
        + (_message(13, b"".join(_signed(delta) for delta in deltas)) if deltas else b"")
    )


def _span(span: Span) -> bytes:
    return _tag(1, _VARINT) + _signed(span.offset) + _integer(2, span.length)


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _integer(number: int, value: int) -> bytes:
    return _tag(number, _VARINT) + _varint(value)


def _double(number: int, value: float) -> bytes:
    return _tag(number, _FIXED64) + struct.pack("<d", value)


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, body: bytes) -> bytes:
    return _tag(number, _BYTES) + _varint(len(body)) + body


def _signed(value: int) -> bytes:
    """The "zigzag" form of sint32 and sint64."""
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
