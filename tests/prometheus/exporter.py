"""Owns a stand-in for pokepodsd's exporter: the metrics of the contract, over HTTP on loopback.

A test says what it reports, and may make it silent. Counters grow by the clock. It knows the text
format alone, so histograms are classic ones.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.webstandin import Answer, Asked, WebStandIn

LAYERS = ("underlay", "tunnel", "pod")
STATES = ("up", "down", "opening")
VERDICTS = ("ok", "opening", "tunnel_broken", "node_unreachable", "pod_only", "underlay_filtered")
# Powers of two, in seconds, as the native buckets have them.
BOUNDS = tuple(2.0**exponent for exponent in range(-14, 2))

Sample = tuple[str, Mapping[str, str], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwell:
    """A peer that is not well."""

    peer: str
    address: str
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one node's exporter says. Rates are a second."""

    node: str
    address: str
    unwell: tuple[Unwell, ...] = ()
    is_cut_off: bool = False
    is_api_up: bool = True
    loop_lag_seconds: float = 0.01
    sent_rate: float = 100.0
    refused_rate: float = 0.0
    refused_reloads: int = 0
    textfile_mtime: float | None = None
    extra: tuple[Sample, ...] = field(default=())

    def samples(self, age_seconds: float, now: float) -> Iterator[Sample]:
        """The samples of one scrape, ``now`` (Unix time) and so long after the start."""
        yield "build_info", {"version": "0.1.0", "python": "3.11.2"}, 1
        yield "node_info", {"node": self.node, "host": self.node}, 1
        yield "node_address_info", {"address": self.address}, 1
        yield "node_cut_off", {}, self.is_cut_off
        yield "start_time_seconds", {}, now - age_seconds
        yield from self._states()
        yield from self._pokes(age_seconds)
        yield from self._api(age_seconds, now)
        yield "loop_lag_seconds", {}, self.loop_lag_seconds
        yield "loop_late_seconds_total", {}, self.loop_lag_seconds * age_seconds
        yield "reloads_total", {"outcome": "ok"}, 0
        yield "reloads_total", {"outcome": "refused"}, self.refused_reloads
        for one in self.unwell:
            labels = {"peer": one.peer, "address": one.address}
            yield "peer_unwell", {**labels, "verdict": one.verdict}, 1
            yield "peer_unwell_since_timestamp_seconds", labels, now - 60
        yield from self.extra

    def _states(self) -> Iterator[Sample]:
        for layer in LAYERS:
            for state in STATES:
                yield "targets", {"layer": layer, "state": state}, 10 if state == "up" else 0
            yield "interval_seconds", {"layer": layer}, 5
        for verdict in VERDICTS:
            seen = sum(one.verdict == verdict for one in self.unwell)
            yield "peers", {"verdict": verdict}, 19 - len(self.unwell) if verdict == "ok" else seen
        yield "pods_known", {}, 30
        yield "peers_held", {}, 0
        yield "max_rate_pokes", {}, 200
        yield "tunnels_opened_total", {}, 19

    def _pokes(self, age_seconds: float) -> Iterator[Sample]:
        sent, refused = self.sent_rate * age_seconds, self.refused_rate * age_seconds
        for layer in LAYERS:
            share = sent / len(LAYERS)
            yield "pokes_total", {"layer": layer, "outcome": "replied"}, 0.9 * share
            yield "pokes_total", {"layer": layer, "outcome": "timed_out"}, 0.1 * share
            yield "pokes_total", {"layer": layer, "outcome": "rejected"}, 0
            failed = refused / len(LAYERS)
            yield "pokes_total", {"layer": layer, "outcome": "send_failed"}, failed
            yield from _histogram(layer, 0.9 * share)
        yield "send_errors_total", {"errno": "EPERM"}, refused
        yield "icmp_errors_total", {"error": "host_unreachable"}, 0.01 * sent
        yield "strays_total", {"reason": "late"}, 0.01 * sent

    def _api(self, age_seconds: float, now: float) -> Iterator[Sample]:
        silence = 1.0 if self.is_api_up else age_seconds
        yield "api_up", {}, self.is_api_up
        yield "api_pods_all", {}, self.is_api_up
        yield "api_silence_seconds", {}, silence
        yield "api_heard_timestamp_seconds", {}, now - silence
        for kind in ("list", "watch", "lookup"):
            for outcome in ("ok", "refused", "failed"):
                yield "api_requests_total", {"kind": kind, "outcome": outcome}, age_seconds
        yield "api_received_bytes_total", {}, 1000 * age_seconds
        yield "reader_starts_total", {}, 1


class Exporter(WebStandIn):
    """A context manager: answers /metrics with the report of the moment, or 503 while silent."""

    def __init__(self, report: Report) -> None:
        super().__init__(self._respond)
        self.report = report
        self.is_silent = False
        self._began = time.monotonic()

    def text(self) -> str:
        """What a scrape gets, in the text format (version 0.0.4)."""
        age_seconds = time.monotonic() - self._began
        samples = self.report.samples(age_seconds, time.time())
        lines = [_line(f"pokepodsd_{name}", labels, value) for name, labels, value in samples]
        if (mtime := self.report.textfile_mtime) is not None:
            labels = {"file": "/var/lib/prometheus/node-exporter/pokepodsd.prom"}
            lines.append(_line("node_textfile_mtime_seconds", labels, mtime))
        return "\n".join([*lines, ""])

    def _respond(self, _: Asked) -> Answer:
        if self.is_silent:
            return Answer(status=503)
        return Answer(body=self.text().encode(), content_type="text/plain; version=0.0.4")


def _histogram(layer: str, count: float) -> Iterator[Sample]:
    """Round trips that are spread evenly over the bounds."""
    for number, bound in enumerate(BOUNDS, start=1):
        labels = {"layer": layer, "le": f"{bound:g}"}
        yield "rtt_seconds_bucket", labels, count * number / len(BOUNDS)
    yield "rtt_seconds_bucket", {"layer": layer, "le": "+Inf"}, count
    yield "rtt_seconds_count", {"layer": layer}, count
    yield "rtt_seconds_sum", {"layer": layer}, count / 1000


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    text = ",".join(f'{label}="{of}"' for label, of in labels.items())
    return f"{name}{{{text}}} {float(value)!r}"
