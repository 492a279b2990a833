"""Metric families in Prometheus' protobuf format, the only one that carries native histograms.

Owns the bytes of the few messages that are written here, by the numbers of their fields in
``io/prometheus/client/metrics.proto`` (prometheus/client_model), each family preceded by its length
("encoding=delimited"). Of what the format allows, exemplars, timestamps and summaries are left out.
The wire format is that of "Protocol Buffers: Encoding".
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
# client for Go makes (DefNativeHistogramZeroThreshold). Zero would say that there is none.
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
    positive = b"".join(_message(1, _span(span)) for span in spans)
    # Without a span, a histogram that counted nothing yet would be taken for a classic one.
    positive = positive or _message(1, _span(Span(0, 0)))
    positive += _message(2, b"".join(_signed(delta) for delta in deltas)) if deltas else b""
    return (
        _integer(1, histogram.count)
        + _double(2, histogram.sum_seconds)
        + b"".join(
            _message(3, _integer(1, cumulative) + _double(2, bound))
            for bound, cumulative in histogram.classic()
        )
        + _tag(4, _VARINT)
        + _signed(SCHEMA)
        + _double(5, ZERO_THRESHOLD)
        + _integer(6, histogram.zero)
        + _message(8, positive)
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
