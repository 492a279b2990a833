"""Owns the control socket of a daemon that answers for its status what a test says."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pokepodsd.core.document import PeerVerdict, State
from tests.cli.fakedaemon import FakeDaemon
from tests.lab import Node
from tests.statusdocument import peer, pod, tunnel

SINCE = "2026-11-24T19:44:23.123Z"
Document = dict[str, Any]


class StatusDaemon(FakeDaemon):
    """Tells the status of these; ``raw`` is what it says instead, if anything."""

    def __init__(self, path: Path, peers: list[Document], targets: list[Document]) -> None:
        super().__init__(path, self._tell)
        self.peers = peers
        self.targets = targets
        self.verdict: Document = {"state": "ok", "since": None, "text": "ok"}
        self.raw: bytes | None = None

    @property
    def questions(self) -> list[Mapping[str, Any]]:
        """What was asked for, each time."""
        return [request["status"] for request in self.requests]

    def _tell(self, request: Mapping[str, Any]) -> Iterable[Document | bytes]:
        return self._lines(**request["status"]) if self.raw is None else [self.raw]

    def _lines(
        self, peers: str, targets: str, peer: str | None = None, namespace: str | None = None
    ) -> Iterator[Document]:
        shown = [one for one in self.peers if peer in {None, one["id"], one["address"]}]
        nodes = {one["node"] for one in shown}
        pods = [
            one
            for one in self.targets
            if namespace in {None, one["namespace"]} and (peer is None or one["node"] in nodes)
        ]
        yield {"status": {"version": 1, "verdict": self.verdict}}
        yield from _told("peer", shown if peers != "none" else [])
        yield from _told("target", pods if targets != "none" else [])
        yield {"end": {}}


def peer_of(node: Node, verdict: PeerVerdict = "ok", **changes: Any) -> Document:
    """A peer of the status, behind its tunnel of the lab."""
    behind = tunnel(1) | {
        "gateway": node.address,
        "blocks": [str(node.block)],
        "address": node.tunnel.address,
    }
    told = peer(1, verdict=verdict, name=node.name)
    return {**told, "address": node.address, "since": SINCE, "tunnels": [behind], **changes}


def pod_of(node: Node, number: int, state: State = "up", **changes: Any) -> Document:
    """A pod's target of the status."""
    told = pod(number, state=state, node=node.name, address=node.pod_address(number))
    return {**told, "since": SINCE, **changes}


def _told(key: str, documents: Iterable[Document]) -> Iterator[Document]:
    return ({key: one} for one in documents)
