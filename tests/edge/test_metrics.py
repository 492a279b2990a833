"""Checks the three formats: that they say the same, and that Prometheus' own tools take them."""

import math
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from pokepodsd.core.histogram import Histogram
from pokepodsd.edge.metrics import Format, choose, render
from pokepodsd.errors import GarbledError
from tests.core.clientmodel import decode
from tests.core.metricsfacts import HISTOGRAM, metrics_document, unwell

# What Prometheus 3 sends where native histograms are wanted, and where they are not.
PROTOBUF_FIRST = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
    "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
OPENMETRICS_FIRST = PROTOBUF_FIRST.partition("q=0.6,")[2]
# The clock runs on between two renderings.
PASSING = "pokepodsd_api_silence_seconds"

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series_of_text(read: Callable[[str], Iterable[Any]], data: bytes) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in read(data.decode())
        for sample in family.samples
        if sample.name != PASSING
    }


def series_of_protobuf(data: bytes) -> Series:
    found: Series = {}
    for family in decode(data):
        for metric in family.metric:
            labels = {pair.name: pair.value for pair in metric.label}
            if metric.HasField("histogram"):
                found |= series_of_histogram(family.name, labels, metric.histogram)
            elif family.name != PASSING:
                value = (metric.counter if family.type == 0 else metric.gauge).value
                found[family.name, frozenset(labels.items())] = value
    return found


def series_of_histogram(name: str, labels: dict[str, str], histogram: Any) -> Series:
    found: Series = {}
    for one in histogram.bucket:
        bound = "+Inf" if math.isinf(one.upper_bound) else str(one.upper_bound)
        key = (f"{name}_bucket", frozenset({**labels, "le": bound}.items()))
        found[key] = one.cumulative_count
    own = frozenset(labels.items())
    found[f"{name}_count", own] = histogram.sample_count
    found[f"{name}_sum", own] = histogram.sample_sum
    return found


def test_all_formats_say_the_same() -> None:
    """Every series of one is in the others, with its labels and its value."""
    document = metrics_document() | {"unwell": [unwell(), unwell("node-c")]}
    text = series_of_text(read_text, render(document, Format.TEXT))
    openmetrics = series_of_text(read_openmetrics, render(document, Format.OPENMETRICS))
    protobuf = series_of_protobuf(render(document, Format.PROTOBUF))
    assert text == openmetrics == protobuf
    assert text["pokepodsd_peers", frozenset({("verdict", "ok")})] == 5_000


def test_help_and_kinds_are_the_same_in_all_formats() -> None:
    """A family has its description in each."""
    document = metrics_document()
    written = render(document, Format.TEXT).decode()
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", written, re.MULTILINE))
    kinds = dict(re.findall(r"^# TYPE (\S+) (.+)$", written, re.MULTILINE))
    families = decode(render(document, Format.PROTOBUF))
    assert {one.name: one.help for one in families} == helps
    names = {0: "counter", 1: "gauge", 4: "histogram"}
    assert {one.name: names[one.type] for one in families} == kinds
    assert all(helps.values())


def test_native_histograms_are_in_protobuf() -> None:
    """The buckets of the document are Prometheus' own, beside the classic ones."""
    (family,) = (
        one
        for one in decode(render(metrics_document(), Format.PROTOBUF))
        if one.name == "pokepodsd_rtt_seconds"
    )
    spans, deltas = Histogram.read(HISTOGRAM).spans()
    assert {metric.label[0].value for metric in family.metric} == {"underlay", "tunnel", "pod"}
    for metric in family.metric:
        native = metric.histogram
        assert (native.schema, native.zero_count) == (3, 1)
        assert [one.length for one in native.positive_span] == [one.length for one in spans]
        assert tuple(native.positive_delta) == deltas
        assert len(native.bucket) == 16


def test_promtool_finds_no_fault() -> None:
    """Names, units, kinds and help are as Prometheus wants them."""
    document = metrics_document(pid=os.getpid()) | {"unwell": [unwell()]}
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=render(document, Format.TEXT),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_units_are_declared() -> None:
    """Where OpenMetrics has a line for the unit, it is the one in the name."""
    written = render(metrics_document(), Format.OPENMETRICS).decode()
    units = dict(re.findall(r"^# UNIT (\S+) (.+)$", written, re.MULTILINE))
    assert all(name.endswith(f"_{unit}") for name, unit in units.items())
    assert {"pokepodsd_rtt_seconds", "pokepodsd_api_received_bytes"} <= set(units)


def test_a_large_cluster_has_no_more_series() -> None:
    """5,000 peers that are all well: fewer than 150 series, as with 5."""
    for peers in (5, 5_000):
        document = metrics_document(peers=peers, pid=os.getpid())
        assert len(series_of_text(read_text, render(document, Format.TEXT))) < 150


def test_the_process_is_the_daemon() -> None:
    """What /proc says is of the process in the document; a file for node_exporter is without it."""
    document = metrics_document(pid=os.getpid())
    name = "process_resident_memory_bytes"
    assert name in render(document, Format.TEXT).decode()
    assert name not in render(document, Format.TEXT, with_process=False).decode()
    gone = metrics_document(pid=2**22)
    assert name not in render(gone, Format.TEXT).decode()


@pytest.mark.parametrize("form", Format)
def test_a_hostile_name_stays_one_value(form: Format) -> None:
    """A name with a newline, a quote, a brace and half a character makes one series, no more."""
    hostile = 'x"} 1\npokepodsd_forged{a="\\\udcff\r# EOF\n'
    document = metrics_document() | {"unwell": [unwell(hostile)]}
    data = render(document, form)
    if form is Format.PROTOBUF:
        found = series_of_protobuf(data)
    else:
        reader = read_text if form is Format.TEXT else read_openmetrics
        found = series_of_text(reader, data)
    names = {name for name, _ in found}
    assert "pokepodsd_forged" not in names
    (labels,) = (key for name, key in found if name == "pokepodsd_peer_unwell")
    assert dict(labels)["peer"] == 'x"} 1\\npokepodsd_forged{a="\\\\udcff\\r# EOF\\n'


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.TEXT),
        ("*/*", Format.TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.TEXT),
        ("application/json", Format.TEXT),
        (PROTOBUF_FIRST, Format.PROTOBUF),
        (OPENMETRICS_FIRST, Format.OPENMETRICS),
        ("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5", Format.TEXT),
        ("application/openmetrics-text; version=2.0.0, */*;q=0.1", Format.TEXT),
        ("application/vnd.google.protobuf;encoding=text,text/plain;q=0.1", Format.TEXT),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("application/openmetrics-text;q=0", Format.TEXT),
    ],
)
def test_the_format_is_the_one_that_is_liked_best(accept: str, form: Format) -> None:
    """By weight, among those that are had; text where nothing else is asked for."""
    assert choose(accept) is form


@pytest.mark.parametrize("document", [{}, {"program": 7}, metrics_document() | {"rtt": {"pod": 1}}])
def test_what_is_no_document_is_refused(document: dict[str, Any]) -> None:
    """It is an error of the one kind that the exporter expects."""
    with pytest.raises(GarbledError):
        render(document, Format.TEXT)
