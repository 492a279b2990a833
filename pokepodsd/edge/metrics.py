"""Metrics in the three formats that Prometheus takes, by its own client library.

Owns the library (prometheus_client): its families, its two text formats, and what it reads of a
process in /proc. The third format, protobuf, which it cannot write, is `core.protobuf`'s. Also owns
which format a client is given (RFC 9110, section 12.5.1).
"""

import math
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS_CONTENT_TYPE
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from pokepodsd.core import protobuf
from pokepodsd.core.families import Family, Kind, Row, families
from pokepodsd.core.histogram import Histogram
from pokepodsd.core.negotiation import read_wanted
from pokepodsd.errors import GarbledError

_SUFFIXES = {Kind.COUNTER: "_total", Kind.INFO: "_info"}
_PROTOBUF = {
    # In lower case, as it is read.
    "proto": {"io.prometheus.client.metricfamily"},
    "encoding": {"delimited"},
}


class Format(Enum):
    """The formats, by their content types."""

    TEXT = CONTENT_TYPE_PLAIN_0_0_4
    OPENMETRICS = OPENMETRICS_CONTENT_TYPE
    PROTOBUF = protobuf.CONTENT_TYPE


# What a client may ask for, and the parameters that it may want of it.
_OFFERS: Sequence[tuple[str, Mapping[str, set[str]], Format]] = (
    ("application/vnd.google.protobuf", _PROTOBUF, Format.PROTOBUF),
    ("application/openmetrics-text", {"version": {"1.0.0"}}, Format.OPENMETRICS),
    ("text/plain", {"version": {"0.0.4"}}, Format.TEXT),
    ("text/*", {}, Format.TEXT),
    ("*/*", {}, Format.TEXT),
)


def choose(accept: str) -> Format:
    """The format that a client likes best, of those it accepts; text where it accepts none."""
    best, weight = Format.TEXT, 0.0
    for wanted in read_wanted(accept):
        for name, parameters, offered in _OFFERS:
            fits = wanted.name == name and all(
                wanted.parameters.get(key, next(iter(values))) in values
                for key, values in parameters.items()
            )
            if fits and wanted.weight > weight:
                best, weight = offered, wanted.weight
    return best


def render(document: Mapping[str, Any], wanted: Format, *, with_process: bool = True) -> bytes:
    """A metrics document in a format, with what /proc says of the daemon's process.

    A file that node_exporter reads is without the latter, which has metrics of the same names.

    Raises:
        GarbledError: it is no metrics document.
    """
    try:
        known = [*families(document, python=platform.python_version(), now=time.time())]
        process = [*_process(int(document["pid"]))] if with_process else []
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise GarbledError(f"no metrics document: {error!r:.100}") from error
    if wanted is Format.PROTOBUF:
        return protobuf.encode([*known, *map(_from_library, process)])
    registry = CollectorRegistry()
    registry.register(_Ready([*map(_to_library, known), *process]))
    write = generate_openmetrics if wanted is Format.OPENMETRICS else generate_latest
    return bytes(write(registry))


class _Ready(Collector):
    """Families that are there already."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _process(pid: int) -> Iterable[Metric]:
    return ProcessCollector(pid=lambda: pid, registry=None).collect()


def _to_library(family: Family) -> Metric:
    bare = family.name.removesuffix(_SUFFIXES.get(family.kind, ""))
    metric = Metric(bare, family.help, family.kind.value, family.unit)
    for row in family.rows:
        if isinstance(row.value, Histogram):
            _add_classic(metric, row.labels, row.value)
        else:
            metric.add_sample(family.name, dict(row.labels), row.value)
    return metric


def _add_classic(metric: Metric, labels: Mapping[str, str], histogram: Histogram) -> None:
    for bound, count in histogram.classic():
        bounded = {**labels, "le": "+Inf" if math.isinf(bound) else str(bound)}
        metric.add_sample(f"{metric.name}_bucket", bounded, count)
    metric.add_sample(f"{metric.name}_count", dict(labels), histogram.count)
    metric.add_sample(f"{metric.name}_sum", dict(labels), histogram.sum_seconds)


def _from_library(metric: Metric) -> Family:
    kind = Kind(metric.type)
    rows = tuple(Row(sample.labels, sample.value) for sample in metric.samples)
    return Family(metric.name + _SUFFIXES.get(kind, ""), metric.documentation, kind, rows)
