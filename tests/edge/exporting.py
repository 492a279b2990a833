"""Owns the exporter as a daemon keeps it: a real child, answered in a thread, and its clients."""

import os
import select
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pokepodsd.core.config import MetricsConfig
from pokepodsd.core.entries import Entry, EventKind
from pokepodsd.edge.child import Child
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.exporter import Orders, run
from pokepodsd.exports import Exports
from tests.core.metricsfacts import metrics_document

Message = Mapping[str, Any]
PATIENCE_SECONDS = 30.0
TURN_SECONDS = 0.02


@dataclass
class Daemon:
    """What the daemon does for its exporter, in a thread; what it says can be changed."""

    config: MetricsConfig
    document: dict[str, Any] = field(default_factory=lambda: metrics_document(pid=os.getpid()))
    entries: list[Entry] = field(default_factory=list)
    asked: list[Message] = field(default_factory=list)
    is_stuck: threading.Event = field(default_factory=threading.Event)
    is_over: threading.Event = field(default_factory=threading.Event)
    wanted: MetricsConfig | None = None

    def __post_init__(self) -> None:
        self.exports = Exports(_start, self.answer, roll=lambda: 0.0)

    def answer(self, request: Message) -> Iterator[Message]:
        self.asked.append(request)
        if "metrics" in request:
            yield {"metrics": self.document}
        elif request["status"].get("peer") == "nobody":
            yield {"error": "no peer is known as nobody"}
        else:
            yield {"status": {"version": 1, "verdict": {"state": "ok"}}}
            yield from ({"peer": {"id": f"node-{number}"}} for number in range(5_000))
            yield {"target": {"name": "web-1"}}
            yield {"end": {"peers": 5_000, "targets": 1}}

    def run(self) -> None:
        """Turn until it is over; stuck, it does nothing, as the real one would."""
        self.exports.start(self.config, monotonic_ns())
        while not self.is_over.is_set():
            if not self.is_stuck.is_set():
                if self.wanted is not None:
                    self.exports.start(self.wanted, monotonic_ns())
                    self.wanted = None
                self.exports.turn(monotonic_ns())
                self.entries += self.exports.entries
                self.exports.entries.clear()
            select.select(self.exports.sockets(), [], [], TURN_SECONDS)
        self.exports.stop()

    @property
    def pid(self) -> int:
        assert isinstance(self.exports.process, Child)
        return self.exports.process.pid

    def texts(self, kind: EventKind) -> list[str]:
        return [one.text for one in self.entries if one.kind is kind]


def _start(config: MetricsConfig) -> Child:
    orders = Orders(
        listen=config.listen, textfile=config.textfile, retry_seconds=0.2, write_seconds=0.1
    )
    return Child(lambda channel: run(channel, orders))


@contextmanager
def running(listen: str = "off", textfile: str = "off") -> Iterator[Daemon]:
    daemon = Daemon(MetricsConfig(listen=listen, textfile=textfile))
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        yield daemon
    finally:
        daemon.is_over.set()
        thread.join()


def wait_until(is_so: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, what
        time.sleep(0.01)


def get(daemon: Daemon, path: str, accept: str = "*/*") -> tuple[int, bytes, str]:
    """Status, body and content type."""
    url = f"http://{daemon.config.listen}{path}"
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
            return response.status, response.read(), response.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers["Content-Type"]


def free_place() -> str:
    """An address and a port where nobody listens now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"
