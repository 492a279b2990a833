"""The metrics document as families of metrics: every name, help, unit and label in one table.

Owns what Prometheus is told and what it is called. Knows nothing of the formats in which it is
told, nor of how the numbers came about. Names follow Prometheus' "Metric and label naming".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from pokepodsd.core.escaping import escape
from pokepodsd.core.histogram import Histogram

PREFIX: Final = "pokepodsd_"
# As many as one node can reasonably have; each is a series.
_MOST_ADDRESSES = 8
# A name of Kubernetes has at most 253 characters.
_LONGEST_LABEL = 300
_VERDICTS = {"ICMP filtered on the underlay": "underlay_filtered"}


class Kind(Enum):
    """The kinds of families; INFO is a gauge of 1 whose labels are the news."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of a family."""

    labels: Mapping[str, str]
    value: float | Histogram


@dataclass(frozen=True, slots=True)
class Family:
    """One family; ``name`` is the whole one, with the suffix of its kind and its ``unit``."""

    name: str
    help: str
    kind: Kind
    rows: tuple[Row, ...]
    unit: str = ""


def families(document: Mapping[str, Any], *, python: str, now: float) -> Iterator[Family]:
    """Every family of a metrics document.

    ``python`` is the version of the interpreter; ``now`` is in seconds since 1970.

    Raises:
        KeyError, TypeError, ValueError: it is no metrics document.
    """
    yield from _identity(document, python)
    yield from _beliefs(document)
    yield from _pokes(document)
    yield from _pace(document)
    yield from _api(document["api"], now)
    yield from _process(document)
    yield from _unwell(document["unwell"])


def _identity(document: Mapping[str, Any], python: str) -> Iterator[Family]:
    build = {"version": document["program"], "python": python}
    yield _info("build_info", "What runs here: 1.", [build])
    node = document["node"]
    named = {"node": node["name"] or "", "host": node["host"]}
    yield _info("node_info", "This node's names in the cluster and for itself: 1.", [named])
    addresses = [{"address": address} for address in node["addresses"][:_MOST_ADDRESSES]]
    yield _info("node_address_info", "This node's addresses: 1.", addresses)


def _beliefs(document: Mapping[str, Any]) -> Iterator[Family]:
    targets = [
        _row(count, layer=layer, state=state)
        for layer, states in document["targets"].items()
        for state, count in states.items()
    ]
    yield _gauge("targets", "What is poked, by layer and by what is believed of it.", targets)
    known = "Pods that could be poked, whether they are or not (pods.scope)."
    yield _gauge("pods_known", known, [_row(document["pods_known"])])
    peers = [_row(count, verdict=_verdict(name)) for name, count in document["peers"].items()]
    yield _gauge("peers", "Other nodes, by verdict.", peers)
    cut_off = "Whether this node is cut off, and no verdict on others is made: 1 or 0."
    yield _gauge("node_cut_off", cut_off, [_row(document["cut_off"])])
    held = "Other nodes whose pokes are held (pokepodsd need)."
    yield _gauge("peers_held", held, [_row(document["held"])])
    opened = "Tunnels that answered after they had been shut."
    yield _counter("tunnels_opened_total", opened, [_row(document["tunnels_opened"])])


def _pokes(document: Mapping[str, Any]) -> Iterator[Family]:
    outcomes = [
        _row(count, layer=layer, outcome=_word(outcome))
        for layer, counts in document["outcomes"].items()
        for outcome, count in counts.items()
    ]
    yield _counter("pokes_total", "Pokes that ended, by layer and outcome.", outcomes)
    round_trips = tuple(
        Row({"layer": layer}, Histogram.read(one)) for layer, one in document["rtt"].items()
    )
    text = "Round trip time of pokes that were answered, by the kernel's stamps."
    yield Family(f"{PREFIX}rtt_seconds", text, Kind.HISTOGRAM, round_trips, "seconds")
    errors = [_row(count, errno=name) for name, count in document["send_errors"].items()]
    yield _counter("send_errors_total", "Packets that the kernel did not take, by errno.", errors)
    answers = [_row(count, error=_word(name)) for name, count in document["icmp_errors"].items()]
    yield _counter("icmp_errors_total", "ICMP errors that answered a poke.", answers)
    strays = [_row(count, reason=_word(name)) for name, count in document["strays"].items()]
    yield _counter("strays_total", "Packets that arrived and answered no poke.", strays)


def _pace(document: Mapping[str, Any]) -> Iterator[Family]:
    intervals = [_row(seconds, layer=layer) for layer, seconds in document["intervals"].items()]
    text = "Time in which each target of a layer is poked once, as it is kept now."
    yield _gauge("interval_seconds", text, intervals, unit="seconds")
    text = "Pokes a second that are not exceeded (poke.max_rate)."
    yield _gauge("max_rate_pokes", text, [_row(document["max_rate"])])


def _api(api: Mapping[str, Any], now: float) -> Iterator[Family]:
    state, heard = api["state"], api["heard_seconds"]
    is_up, is_all = state in {"watching", "own-pods"}, state == "watching"
    yield _gauge("api_up", "Whether pods are read from the API server: 1 or 0.", [_row(is_up)])
    yield _gauge("api_pods_all", "Whether those are the pods of all nodes: 1 or 0.", [_row(is_all)])
    stamps = [] if heard is None else [_row(heard)]
    text = "When the API server was last heard of, since 1970."
    yield _gauge("api_heard_timestamp_seconds", text, stamps, unit="seconds")
    silences = [] if heard is None else [_row(max(0.0, now - heard))]
    text = "Time since the API server was last heard of."
    yield _gauge("api_silence_seconds", text, silences, unit="seconds")
    requests = [
        _row(count, kind=_word(kind), outcome=_word(outcome))
        for kind, outcomes in api["requests"].items()
        for outcome, count in outcomes.items()
    ]
    yield _counter("api_requests_total", "Requests to the API server, by outcome.", requests)
    received = [_row(api["received_bytes"])]
    text = "Bytes of answers that came from the API server."
    yield _counter("api_received_bytes_total", text, received, unit="bytes")
    text = "Starts of the process that reads the API."
    yield _counter("reader_starts_total", text, [_row(api["reader_starts"])])


def _process(document: Mapping[str, Any]) -> Iterator[Family]:
    loop = document["loop"]
    text = "Worst lateness of the loop in the last minute."
    yield _gauge("loop_lag_seconds", text, [_row(loop["lag_seconds"])], unit="seconds")
    late = [_row(loop["late_seconds_total"])]
    yield _counter("loop_late_seconds_total", "Lateness of the loop, summed.", late, unit="seconds")
    reloads = [_row(count, outcome=_word(name)) for name, count in document["reloads"].items()]
    yield _counter("reloads_total", "Reloads of the configuration, by outcome.", reloads)
    started = [_row(document["started_seconds"])]
    text = "When pokepodsd started, since 1970."
    yield _gauge("start_time_seconds", text, started, unit="seconds")


def _unwell(unwell: Iterable[Mapping[str, Any]]) -> Iterator[Family]:
    named = [
        ({"peer": one["peer"], "address": one["address"] or ""}, _verdict(one["verdict"]), one)
        for one in unwell
    ]
    verdicts = [_row(1, **labels, verdict=verdict) for labels, verdict, _ in named]
    text = "Other nodes that are not well, with the verdict: 1. Without any, all are."
    yield _gauge("peer_unwell", text, verdicts)
    since = [_row(one["since_seconds"], **labels) for labels, _, one in named]
    text = "Since when another node is not well, since 1970."
    yield _gauge("peer_unwell_since_timestamp_seconds", text, since, unit="seconds")


def _row(value: float, **labels: str) -> Row:
    return Row({name: _clean(text) for name, text in labels.items()}, float(value))


def _gauge(name: str, text: str, rows: Iterable[Row], *, unit: str = "") -> Family:
    return Family(PREFIX + name, text, Kind.GAUGE, tuple(rows), unit)


def _counter(name: str, text: str, rows: Iterable[Row], *, unit: str = "") -> Family:
    return Family(PREFIX + name, text, Kind.COUNTER, tuple(rows), unit)


def _info(name: str, text: str, labels: Iterable[Mapping[str, str]]) -> Family:
    return Family(PREFIX + name, text, Kind.INFO, tuple(_row(1, **one) for one in labels))


def _verdict(name: str) -> str:
    return _VERDICTS.get(name, _word(name))


def _word(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_")


def _clean(text: str) -> str:
    """A name from outside, with what no line can hold in Python's writing."""
    return escape(text[:_LONGEST_LABEL])
