"""Owns status documents as the daemon tells them: made up, of the shape that it promises."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pokepodsd.core.document import (
    Counts,
    Document,
    Peer,
    PeerVerdict,
    State,
    Target,
    Tunnel,
)
from pokepodsd.core.shape import Time

NOW = datetime(2026, 11, 24, 19, 44, 23, 123_000, tzinfo=UTC)
FAULTS = ("tunnel broken", "node unreachable")
NodeState = Literal["ok", "starting", "fault", "cut-off"]


def ago(**span: float) -> Time:
    """A time before NOW, as the daemon writes it; the span as `timedelta` takes it."""
    text = (NOW - timedelta(**span)).isoformat(timespec="milliseconds")
    return Time(text.replace("+00:00", "Z"))


def counts(up: int = 0, down: int = 0, opening: int = 0) -> Counts:
    return {"up": up, "down": down, "opening": opening}


def tunnel(number: int, *, state: State = "up", failure: str = "") -> Tunnel:
    return {
        "device": "tunl0",
        "kind": "ipip",
        "gateway": f"192.168.10.{number % 250 + 1}",
        "blocks": [f"10.244.{number % 250}.0/26"],
        "address": f"10.244.{number % 250}.0",
        "state": state,
        "failure": failure,
    }


def peer(number: int, *, verdict: PeerVerdict = "ok", name: str = "", failure: str = "") -> Peer:
    """A peer by its number, from which its name and addresses come."""
    is_fault = verdict in FAULTS
    name = name or f"node-{number}"
    return {
        "id": name,
        "node": name,
        "address": f"192.168.{10 + number // 250}.{number % 250 + 1}",
        "verdict": verdict,
        "is_fault": is_fault,
        "excuse": "",
        "is_held": False,
        "since": ago(minutes=3.5) if is_fault else ago(hours=5),
        "rtt": {"median_seconds": 0.000412, "worst_seconds": 0.00213},
        "loss": {"1m": 1.0 if is_fault else 0.0, "5m": 0.0, "15m": 0.031},
        "opened": 1,
        "tunnels": [tunnel(number, state="down" if is_fault else "up", failure=failure)],
        "underlay": {"state": "up", "failure": ""},
        "pods": counts(up=3),
    }


def pod(number: int, *, state: State = "down", **fields: str) -> Target:
    target: Any = {
        "layer": "pod",
        "state": state,
        "since": ago(minutes=12),
        "namespace": "shop",
        "name": f"web-{number}",
        "uid": f"00000000-0000-4000-8000-{number:012d}",
        "node": "node-2",
        "address": f"10.244.2.{number % 250}",
        "failure": "" if state == "up" else "timed out",
        "failures": 0 if state == "up" else 14,
        "sent": 20,
        **fields,
    }
    made: Target = target
    return made


def document(
    peers: Sequence[Peer] = (),
    targets: Sequence[Target] = (),
    *,
    state: NodeState = "ok",
    text: str = "",
    well: int | None = None,
) -> Document:
    """A document of these peers and targets; ``well`` is how many peers are, shown or not."""
    verdicts: dict[str, int] = {}
    for one in peers:
        verdicts[one["verdict"]] = verdicts.get(one["verdict"], 0) + 1
    if well is not None:
        verdicts["ok"] = well
    verdicts = {name: number for name, number in verdicts.items() if number}
    total = sum(verdicts.values())
    down = sum(one["state"] == "down" for one in targets)
    return {
        "version": 1,
        "program": "0.1.0",
        "at": ago(),
        "started": ago(hours=26),
        "node": {"name": "node-a", "host": "node-a", "addresses": ["192.168.10.11"]},
        "verdict": {
            "state": state,
            "since": ago(minutes=3.5) if state in ("fault", "cut-off") else ago(hours=5),
            "text": text or f"this node reaches its {total} peers",
        },
        "peers_total": total,
        "verdicts": verdicts,
        "rtt": {"median_seconds": 0.000412, "worst_seconds": 0.00213} if total else None,
        "loss": {"1m": 0.0, "5m": 0.0, "15m": 0.0021},
        "tunnels_opened": total,
        "held": 0,
        "targets_by_layer": {
            "underlay": counts(up=total),
            "tunnel": counts(up=total),
            "pod": counts(up=30, down=down),
        },
        "pods_known": 30 + down,
        "api": {
            "state": "watching",
            "text": "watching the pods of all nodes",
            "since": ago(hours=5),
            "heard": ago(seconds=2),
        },
        "pokes": {
            "sent": 1_234_567,
            "received": 1_234_500,
            "interval_seconds": 5.0,
            "tunnel_interval_seconds": 30.0,
            "max_rate": 200,
            "strays": {},
            "send_errors": {},
        },
        "loop": {"lag_seconds": 0.004},
        "peers": [*peers],
        "targets": [*targets],
    }


def broken() -> Document:
    """One tunnel of 19 is broken, and a pod is down."""
    peers = [peer(number) for number in range(1, 19)]
    peers.insert(10, peer(19, verdict="tunnel broken", failure="timed out"))
    return document(
        peers,
        [pod(1)],
        state="fault",
        text="this node does not reach 1 of its 19 peers: node-19 (tunnel broken)",
    )


def cut_off() -> Document:
    """Three peers that fell silent at once."""
    peers = [peer(n, verdict="node unreachable", failure="timed out") for n in (1, 2, 3)]
    return document(
        peers,
        state="cut-off",
        text="this node is cut off, it is not its peers: most of those that were asked are silent",
    )


def many() -> Document:
    """What is told of 5,000 peers, of which one is not well."""
    return document(
        [peer(4321, verdict="node unreachable", failure="timed out")],
        state="fault",
        text="this node does not reach 1 of its 5000 peers: node-4321 (node unreachable)",
        well=4_999,
    )


def lines(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The document as it comes through the control socket."""
    parts = ("peers", "targets")
    yield {"status": {key: value for key, value in said.items() if key not in parts}}
    yield from ({"peer": one} for one in said["peers"])
    yield from ({"target": one} for one in said["targets"])
    yield {"end": {"peers": len(said["peers"]), "targets": len(said["targets"])}}
