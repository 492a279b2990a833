"""A server that answers instant queries as Prometheus' HTTP API does, for an imagined cluster.

Owns the shape of the answers, which tests/edge/test_prometheus_real.py compares with a real
Prometheus'. It evaluates nothing: it knows the queries that the matrix asks.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from pokepodsd.core.samplematrix import Sample, queries
from tests.matrixworld import AT, World
from tests.webstandin import Answer, Asked, WebStandIn

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


class PrometheusServer(WebStandIn):
    """Answers for one world; nodes that are gone are down. Notes what it was asked."""

    def __init__(self, world: World, *, selector: str = "", authorization: str = "") -> None:
        super().__init__(self._respond)
        self._answers = dict(self._prepared(world, selector))
        self._authorization = authorization
        self.said: tuple[int, bytes] | None = None
        """What is answered instead, if anything."""
        self.requests: list[tuple[str, str]] = []

    def _respond(self, asked: Asked) -> Answer:
        body = asked.body.decode()
        self.requests.append((asked.path, body))
        status, said = self.said or self._say(asked.authorization, body)
        return Answer(status=status, body=said)

    def _say(self, authorization: str, body: str) -> tuple[int, bytes]:
        """The status and body for a request."""
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
