"""What the nodes of an imagined cluster would say of each other, in both of a matrix's sources.

Owns one description, and the status documents and metrics that follow from it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

AT = datetime(2026, 11, 24, 19, 44, 23, 123_000, tzinfo=UTC)
BEGAN = AT - timedelta(days=2)
FAILED = AT - timedelta(minutes=4, seconds=12)
VERDICTS = {
    "ok": "ok",
    "opening": "opening",
    "tunnel broken": "tunnel_broken",
    "node unreachable": "node_unreachable",
    "pod only": "pod_only",
    "ICMP filtered on the underlay": "underlay_filtered",
}
_FAULTS = ("tunnel broken", "node unreachable")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Nodes by name, and verdicts by (poker, poked) where they are not "ok"."""

    names: tuple[str, ...]
    verdicts: dict[tuple[int, int], str] = field(default_factory=dict)
    cut_off: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()

    def address(self, number: int) -> str:
        """The node's own address."""
        return f"192.168.{10 + number // 250}.{1 + number % 250}"

    def verdict(self, poker: int, poked: int) -> str:
        """What the one says of the other."""
        return self.verdicts.get((poker, poked), "ok")

    def documents(self) -> list[dict[str, Any]]:
        """The status of every node that is not gone."""
        return [self.document(one) for one in range(len(self.names)) if one not in self.gone]

    def document(self, number: int) -> dict[str, Any]:
        """What `pokepodsd status --all -o json` prints on this node."""
        others = [other for other in range(len(self.names)) if other != number]
        peers = [self._peer(number, other) for other in others]
        counts = Counter(peer["verdict"] for peer in peers)
        state = "fault" if any(peer["is_fault"] for peer in peers) else "ok"
        if number in self.cut_off:
            state = "cut-off"
        return {
            "version": 1,
            "program": "0.1.0",
            "at": _time(AT),
            "started": _time(BEGAN),
            "node": {
                "name": self.names[number],
                "host": f"host-{number}",
                "addresses": [self.address(number), "172.17.0.1"],
            },
            "verdict": {"state": state, "since": _time(FAILED), "text": "as it is"},
            "peers_total": len(peers),
            "verdicts": dict(counts),
            "peers": peers,
            "targets": [],
        }

    def metrics(self, number: int) -> str:
        """What this node's exporter answers, as Prometheus' text format has it."""
        return "".join(f"{line}\n" for line in self._metrics(number))

    def _metrics(self, number: int) -> Iterator[str]:
        name = _quoted(self.names[number])
        yield f'pokepodsd_node_info{{node="{name}",host="host-{number}"}} 1'
        for address in (self.address(number), "172.17.0.1"):
            yield f'pokepodsd_node_address_info{{address="{address}"}} 1'
        yield f"pokepodsd_node_cut_off {int(number in self.cut_off)}"
        others = [other for other in range(len(self.names)) if other != number]
        counts = Counter(self.verdict(number, other) for other in others)
        for verdict, label in VERDICTS.items():
            yield f'pokepodsd_peers{{verdict="{label}"}} {counts[verdict]}'
        for other in others if number not in self.cut_off else ():
            if (verdict := self.verdict(number, other)) == "ok":
                continue
            peer = f'peer="{_quoted(self.names[other])}",address="{self.address(other)}"'
            yield f'pokepodsd_peer_unwell{{{peer},verdict="{VERDICTS[verdict]}"}} 1'
            seconds = FAILED.timestamp()
            yield f"pokepodsd_peer_unwell_since_timestamp_seconds{{{peer}}} {seconds}"

    def _peer(self, poker: int, poked: int) -> dict[str, Any]:
        verdict = self.verdict(poker, poked)
        failure = "timed out" if verdict in _FAULTS else ""
        rtt = {"median_seconds": 0.000_412 + poked * 1e-6, "worst_seconds": 0.0021}
        return {
            "id": self.names[poked],
            "node": self.names[poked],
            "address": self.address(poked),
            "verdict": verdict,
            "is_fault": verdict in _FAULTS,
            "excuse": "",
            "is_held": False,
            "since": _time(FAILED if verdict != "ok" else BEGAN + timedelta(seconds=poked)),
            "rtt": rtt,
            "loss": {"1m": 0.0, "5m": 0.0, "15m": None},
            "opened": 1,
            "tunnels": [
                {
                    "device": "tunl0",
                    "kind": "ipip",
                    "gateway": self.address(poked),
                    "blocks": [f"10.244.{poked % 250}.0/26"],
                    "address": f"10.244.{poked % 250}.0",
                    "state": "down" if failure else "up",
                    "failure": failure,
                }
            ],
            "underlay": {"state": "up", "failure": ""},
            "pods": {"up": 3, "down": 1 if verdict == "pod only" else 0, "opening": 0},
        }


def small() -> World:
    """Three nodes, of which one is failed to be reached by another, one way only."""
    return World(names=("node-a", "node-b", "node-c"), verdicts={(0, 1): "tunnel broken"})


def large(size: int) -> World:
    """So many nodes with a bit of everything: one cut off, three gone, one that nobody reaches."""
    names = tuple(f"worker-{number}.eu-central-1.compute.internal" for number in range(size))
    verdicts = {(poker, 17): "node unreachable" for poker in range(size) if poker not in (17, 3)}
    verdicts |= {(240, poked): "tunnel broken" for poked in range(size - 20, size)}
    verdicts |= {(number * 7 % size, number * 13 % size): "pod only" for number in range(1, 40)}
    verdicts |= {(number * 11 % size, number * 3 % size): "tunnel broken" for number in range(1, 9)}
    verdicts |= {(number, 301 % size): "opening" for number in range(100, 140)}
    verdicts |= {(5, 6): "ICMP filtered on the underlay", (90, 91): "node unreachable"}
    verdicts |= {(91, 90): "node unreachable"}
    verdicts |= {(3, poked): "node unreachable" for poked in range(size)}
    verdicts = {pair: verdict for pair, verdict in verdicts.items() if pair[0] != pair[1]}
    gone = frozenset({44, 45, 46})
    return World(names=names, verdicts=verdicts, cut_off=frozenset({3}), gone=gone)


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(text: str) -> str:
    """A label's value (Prometheus, "Exposition formats")."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
