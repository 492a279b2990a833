"""Checks what Prometheus is told of a metrics document: names, labels, numbers."""

import json
from typing import Any

import pytest

from pokepodsd.core.families import Family, families
from tests.core.metricsfacts import NOW, metrics_document, unwell

Told = dict[str, dict[tuple[tuple[str, str], ...], Any]]


def told(document: dict[str, Any], now: float = NOW) -> Told:
    """Every value by the family's name without the prefix, and by the labels."""
    return {
        one.name.removeprefix("pokepodsd_"): {
            tuple(row.labels.items()): row.value for row in one.rows
        }
        for one in made(document, now)
    }


def made(document: dict[str, Any], now: float = NOW) -> list[Family]:
    return [*families(document, python="3.11.2", now=now)]


def test_names_and_labels_are_those_that_are_promised() -> None:
    """Alerts and dashboards stand on every name and label: none changes by accident."""
    document = metrics_document() | {"unwell": [unwell()]}
    assert {name: {tuple(dict(key)) for key in rows} for name, rows in told(document).items()} == {
        "build_info": {("version", "python")},
        "node_info": {("node", "host")},
        "node_address_info": {("address",)},
        "targets": {("layer", "state")},
        "pods_known": {()},
        "peers": {("verdict",)},
        "node_cut_off": {()},
        "peers_held": {()},
        "tunnels_opened_total": {()},
        "pokes_total": {("layer", "outcome")},
        "rtt_seconds": {("layer",)},
        "send_errors_total": {("errno",)},
        "icmp_errors_total": {("error",)},
        "strays_total": {("reason",)},
        "interval_seconds": {("layer",)},
        "max_rate_pokes": {()},
        "api_up": {()},
        "api_pods_all": {()},
        "api_heard_timestamp_seconds": {()},
        "api_silence_seconds": {()},
        "api_requests_total": {("kind", "outcome")},
        "api_received_bytes_total": {()},
        "reader_starts_total": {()},
        "loop_lag_seconds": {()},
        "loop_late_seconds_total": {()},
        "reloads_total": {("outcome",)},
        "start_time_seconds": {()},
        "peer_unwell": {("peer", "address", "verdict")},
        "peer_unwell_since_timestamp_seconds": {("peer", "address")},
    }


def test_values_are_words_without_blanks() -> None:
    """What is a label's value of ours can be written in a query without care."""
    found = told(metrics_document())
    verdicts = {dict(key)["verdict"] for key in found["peers"]}
    assert verdicts == {
        *("ok", "opening", "tunnel_broken", "node_unreachable", "pod_only", "underlay_filtered")
    }
    assert found["pokes_total"][("layer", "pod"), ("outcome", "timed_out")] == 1
    words = [
        value
        for name in ("pokes_total", "strays_total", "icmp_errors_total", "api_requests_total")
        for key in found[name]
        for _, value in key
    ]
    assert all(one.replace("_", "").isalnum() for one in words)


@pytest.mark.parametrize(
    ("state", "up", "everywhere"),
    [("watching", 1, 1), ("own-pods", 1, 0), ("lost", 0, 0), ("unasked", 0, 0)],
)
def test_the_api_is_up_while_it_answers(state: str, up: int, everywhere: int) -> None:
    """Own pods alone are a working API, and not all pods."""
    document = metrics_document()
    document["api"]["state"] = state
    found = told(document)
    assert (found["api_up"][()], found["api_pods_all"][()]) == (up, everywhere)


def test_silence_is_counted_from_the_last_word() -> None:
    """An API server that was never heard has no time of its last word, and no silence."""
    document = metrics_document()
    assert told(document, NOW + 5)["api_silence_seconds"] == {(): 15.0}
    document["api"]["heard_seconds"] = None
    assert told(document)["api_silence_seconds"] == {}
    assert told(document)["api_heard_timestamp_seconds"] == {}


def test_peers_appear_while_they_are_not_well() -> None:
    """Each has a series of its own for as long, with its verdict and since when."""
    document = metrics_document()
    assert told(document)["peer_unwell"] == {}
    document["unwell"] = [unwell(), unwell("node-c", "node unreachable") | {"address": None}]
    found = told(document)
    assert [dict(key) for key in found["peer_unwell"]] == [
        {"peer": "node-b", "address": "192.168.10.12", "verdict": "tunnel_broken"},
        {"peer": "node-c", "address": "", "verdict": "node_unreachable"},
    ]
    key = (("peer", "node-b"), ("address", "192.168.10.12"))
    assert found["peer_unwell_since_timestamp_seconds"][key] == 1_700_000_300.25


def test_a_name_from_outside_holds_nothing_that_breaks_a_line() -> None:
    """Control characters and halves of characters are written out, and the length is bounded."""
    raw = json.loads(json.dumps("a\nb\r\x1b[31m\"'\\\udcff é" + "x" * 1_000))
    found = told(metrics_document() | {"unwell": [unwell(raw)]})
    (key,) = found["peer_unwell"]
    shown = dict(key)["peer"]
    assert shown.startswith("a\\nb\\r\\x1b[31m\"'\\\\udcff é")
    assert shown.isprintable()
    assert len(shown) < 400
