"""Owns the control socket of a daemon that answers for its status what a test says."""

import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.lab import Node

SINCE = "2026-11-24T19:44:23.123Z"
Document = dict[str, Any]


@dataclass(slots=True)
class StatusDaemon:
    """A daemon on a real unix socket; ``raw`` is what it says instead of a status, if anything."""

    path: Path
    peers: list[Document] = field(default_factory=list)
    targets: list[Document] = field(default_factory=list)
    verdict: Document = field(default_factory=lambda: {"state": "ok", "since": None, "text": "ok"})
    raw: bytes | None = None
    questions: list[Mapping[str, Any]] = field(default_factory=list)
    _socket: socket.socket = field(init=False)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Wakes the thread, which close alone does not.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self.path.unlink()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._socket.accept()
            except OSError:
                return
            with accepted:
                request = json.loads(accepted.makefile("rb").readline())
                self.questions.append(request["status"])
                accepted.sendall(self.raw if self.raw is not None else self._answer(request))

    def _answer(self, request: Mapping[str, Any]) -> bytes:
        lines = list(self._lines(**request["status"]))
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

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


def peer_of(node: Node, verdict: str = "ok", **changes: Any) -> Document:
    """A peer of the status, behind its tunnel of the lab."""
    tunnel = {
        "device": "tunl0",
        "kind": "ipip",
        "gateway": node.address,
        "blocks": [str(node.block)],
        "address": node.tunnel.address,
        "state": "up",
        "failure": "",
    }
    told = {
        "id": node.name,
        "node": node.name,
        "address": node.address,
        "verdict": verdict,
        "is_fault": False,
        "is_held": False,
        "since": SINCE,
        "tunnels": [tunnel],
    }
    return told | changes


def pod_of(node: Node, number: int, state: str = "up", **changes: Any) -> Document:
    """A pod's target of the status."""
    told = {
        "layer": "pod",
        "state": state,
        "since": SINCE,
        "namespace": "shop",
        "name": f"web-{number}",
        "uid": f"uid-{number}",
        "node": node.name,
        "address": node.pod_address(number),
        "failure": "",
        "failures": 0,
        "sent": 1,
    }
    return told | changes


def _told(key: str, documents: Iterable[Document]) -> Iterator[Document]:
    return ({key: one} for one in documents)
