"""A server that answers instant queries as Prometheus' HTTP API does, for an imagined cluster.

Owns the shape of the answers, which tests/edge/test_prometheus_real.py compares with a real
Prometheus'. It evaluates nothing: it knows the queries that the matrix asks.
"""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

from pokepodsd.core.samplematrix import Sample, queries
from tests.matrixworld import AT, World

_SERIES = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


def target_of(number: int) -> dict[str, str]:
    """The labels that Prometheus gives to a node's target."""
    return {"job": "pokepodsd", "instance": f"192.0.2.{number}:9746"}


def samples_of(world: World, number: int) -> Iterator[Sample]:
    """A node's metrics as Prometheus has them."""
    for line in world.metrics(number).splitlines():
        found = _SERIES.fullmatch(line)
        assert found is not None, line
        name, labels, value = found.groups()
        told = {
            label: re.sub(r'\\[\\"n]', lambda one: _ESCAPES[one.group()], text)
            for label, text in _LABEL.findall(labels or "")
        }
        yield Sample(labels={"__name__": name, **told, **target_of(number)}, value=float(value))


class PrometheusServer:
    """Answers for one world; nodes that are gone are down. Notes what it was asked."""

    def __init__(self, world: World, *, selector: str = "", authorization: str = "") -> None:
        self._answers = dict(self._prepared(world, selector))
        self._authorization = authorization
        self.said: tuple[int, bytes] | None = None
        """What is answered instead, if anything."""
        self.requests: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.requests.append((self.path, body))
                status, answer = outer.respond(self.headers.get("Authorization", ""), body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Where to ask it."""
        return f"http://127.0.0.1:{self.port}"

    def respond(self, authorization: str, body: str) -> tuple[int, bytes]:
        """The status and body for a request."""
        if self.said is not None:
            return self.said
        if authorization != self._authorization:
            return 401, b"Unauthorized\n"
        (query,) = parse_qs(body)["query"]
        if query == "time()":
            result: Any = [AT.timestamp(), f"{AT.timestamp()}"]
            return 200, _success("scalar", result)
        if query not in self._answers:
            failure = {"status": "error", "errorType": "bad_data", "error": f"no such: {query}"}
            return 400, json.dumps(failure).encode()
        vector = [
            {"metric": dict(sample.labels), "value": [AT.timestamp(), f"{sample.value:g}"]}
            if sample.value < 1e6
            else {"metric": dict(sample.labels), "value": [AT.timestamp(), f"{sample.value}"]}
            for sample in self._answers[query]
        ]
        return 200, _success("vector", vector)

    def _prepared(self, world: World, selector: str) -> Iterator[tuple[str, list[Sample]]]:
        asked = queries(selector)
        numbers = range(len(world.names))
        told = {number: [*samples_of(world, number)] for number in numbers}
        yield (
            asked.now,
            [one for number in numbers if number not in world.gone for one in told[number]],
        )
        nodes = [one for number in numbers for one in told[number] if one.name == "node_info"]
        # A function over time leaves the name out of all but its last values.
        yield asked.before, nodes
        yield (
            asked.targets,
            [
                Sample(
                    labels={"__name__": "up", **target_of(number)},
                    value=float(number not in world.gone),
                )
                for number in numbers
            ],
        )


def _success(kind: str, result: Any) -> bytes:
    return json.dumps(
        {"status": "success", "data": {"resultType": kind, "result": result}}
    ).encode()
