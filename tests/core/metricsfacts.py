"""Owns a metrics document as the daemon answers it, of a node with many peers that are all well."""

import copy
from collections.abc import Mapping
from typing import Any

LAYERS = ("underlay", "tunnel", "pod")
NOW = 1_700_000_600.0
VERDICTS = (
    *("ok", "opening", "tunnel broken", "node unreachable", "pod only"),
    "ICMP filtered on the underlay",
)
STRAYS = (
    *("no echo reply", "identifier of another process", "payload is not ours", "duplicate"),
    *("sequence not in flight", "source is not the target", "late"),
)
_ICMP_ERRORS = ("network unreachable", "host unreachable", "TTL exceeded", "prohibited by a filter")

HISTOGRAM: Mapping[str, Any] = {
    "count": 16,
    "sum_seconds": 0.0145,
    "zero": 1,
    "schema": 3,
    # 2**-11 s is the bound of -88: 4 and 2 of them are at most 488 microseconds, 8 are longer.
    "buckets": {"-89": 4, "-88": 2, "-80": 8, "8": 1},
}


def metrics_document(*, peers: int = 5_000, pid: int = 1) -> dict[str, Any]:
    """The document's inside; every count that is no size of the cluster is made up."""
    document = {
        "version": 1,
        "program": "0.1.0",
        "pid": pid,
        "node": {"name": "node-a", "host": "node-a", "addresses": ["192.168.10.11", "fd00::11"]},
        "started_seconds": 1_700_000_000.5,
        "targets": {layer: {"up": peers, "down": 1, "opening": 2} for layer in LAYERS},
        "pods_known": 30 * peers,
        "peers": {verdict: peers if verdict == "ok" else 0 for verdict in VERDICTS},
        "cut_off": False,
        "held": 0,
        "tunnels_opened": 19,
        "outcomes": {
            layer: {"replied": 10, "timed out": 1, "rejected": 0, "send failed": 3}
            for layer in LAYERS
        },
        "rtt": dict.fromkeys(LAYERS, HISTOGRAM),
        "send_errors": {"EPERM": 2, "ENOBUFS": 1},
        "icmp_errors": dict.fromkeys(_ICMP_ERRORS, 3),
        "strays": dict.fromkeys(STRAYS, 1),
        "intervals": {"tunnel": 30.0, "pod": 5.0},
        "max_rate": 200,
        "api": {
            "state": "watching",
            "heard_seconds": NOW - 10,
            "requests": {
                kind: {"ok": 1, "refused": 0, "failed": 0} for kind in ("list", "watch", "lookup")
            },
            "received_bytes": 12_345,
            "reader_starts": 1,
        },
        "loop": {"lag_seconds": 0.004, "late_seconds_total": 0.1},
        "reloads": {"ok": 1, "refused": 0},
        "unwell": [],
    }
    return copy.deepcopy(document)


def unwell(peer: str = "node-b", verdict: str = "tunnel broken") -> dict[str, Any]:
    """One peer that is not well."""
    since = 1_700_000_300.25
    return {"peer": peer, "address": "192.168.10.12", "verdict": verdict, "since_seconds": since}
