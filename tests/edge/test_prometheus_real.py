"""Checks the matrix of a real Prometheus that scrapes, and that our server answers as it does."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import urllib3

from pokepodsd.core.matrix import Matrix, Report, State
from pokepodsd.core.samplematrix import queries, sample_matrix
from pokepodsd.edge.prometheus import Place, Prometheus
from pokepodsd.errors import SourceError
from tests.matrixworld import FAILED, World
from tests.prometheus.server import Prometheus as RealPrometheus
from tests.prometheusserver import PrometheusServer
from tests.webstandin import Answer, WebStandIn

PATIENCE_SECONDS = 60.0
WORLD = World(
    names=("node-a", 'node "b"\\', "node-c", "node-d"),
    verdicts={(0, 1): "tunnel broken", (1, 2): "opening", (3, 1): "ICMP filtered on the underlay"},
)


def exporter(number: int) -> WebStandIn:
    """One node's metrics over HTTP."""
    answer = Answer(body=WORLD.metrics(number).encode(), content_type="text/plain; version=0.0.4")
    return WebStandIn(lambda _: answer)


@pytest.fixture(scope="module")
def exporters() -> Iterator[list[WebStandIn]]:
    with ExitStack() as stack:
        yield [stack.enter_context(exporter(number)) for number in range(len(WORLD.names))]


@pytest.fixture(scope="module")
def url(exporters: list[WebStandIn], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scrapes them."""
    targets = {"pokepodsd": [one.place for one in exporters]}
    with RealPrometheus(tmp_path_factory.mktemp("prometheus"), targets) as started:
        yield started.url


def wait_matrix(url: str, is_reached: Callable[[Matrix], bool]) -> Matrix:
    """The matrix, once it is as it is to be."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    seen: object = None
    while time.monotonic() < deadline:
        try:
            seen = sample_matrix(Prometheus(Place(url=url)).ask(queries("")), source="")
            if is_reached(seen):
                return seen
        except SourceError as error:
            seen = error
        time.sleep(0.1)
    raise AssertionError(f"not reached: {seen!r}")


def reporting(number: int) -> Callable[[Matrix], bool]:
    return lambda seen: sum(one.report is Report.REPORTING for one in seen.nodes) == number


def test_what_it_scrapes_makes_the_matrix(url: str, exporters: list[WebStandIn]) -> None:
    """States and times are those of the exporters; one that goes away does not report."""
    matrix = wait_matrix(url, reporting(4))
    place = {node.name: number for number, node in enumerate(matrix.nodes)}
    assert set(place) == set(WORLD.names)
    for poker, name in enumerate(WORLD.names):
        for poked, other in enumerate(WORLD.names):
            if poker != poked:
                cell = matrix.rows[place[name]][place[other]]
                assert cell.state.value == WORLD.verdict(poker, poked)
                assert cell.since_seconds in (None, FAILED.timestamp())
    _compare_answers(url)
    exporters[2].close()
    gone = wait_matrix(url, reporting(3))
    (missing,) = (one for one in gone.nodes if one.report is Report.MISSING)
    assert missing.name == WORLD.names[2]
    row = gone.rows[gone.nodes.index(missing)]
    assert {cell.state for cell in row} == {State.NOT_REPORTING, State.ITSELF}


def _compare_answers(url: str) -> None:
    """Our server's answers have the real one's shape, the same series, and its errors too."""
    asked = queries("")
    with PrometheusServer(WORLD) as server:
        for query in ("time()", asked.now, asked.before, asked.targets):
            real, ours = _answer(url, query), _answer(server.url, query)
            assert _shape(ours) == _shape(real), query
            if query != "time()":
                assert _series(ours) == _series(real), query
        real, ours = _answer(url, "no{"), _answer(server.url, "no{")
        assert real.keys() == ours.keys()
        assert real["errorType"] == ours["errorType"]


def _answer(url: str, query: str) -> Any:
    response = urllib3.PoolManager().request(
        "POST", f"{url}/api/v1/query", fields={"query": query}, encode_multipart=False
    )
    return json.loads(response.data)


def _shape(value: Any) -> Any:
    """Keys and types; labels are texts, whatever they are called."""
    match value:
        case {"metric": dict(labels), **rest}:
            return {"metric": {type(one) for one in labels.values()}, "rest": _shape(rest)}
        case dict():
            return {key: _shape(one) for key, one in value.items()}
        case list() if value and isinstance(value[0], dict):
            return [_shape(value[0])]
        case list():
            return ["value" if isinstance(one, int | float) else type(one) for one in value]
        case _:
            return type(value)


def _series(answer: Any) -> set[tuple[tuple[str, str], ...]]:
    """Names and labels of all series, without those of the target."""
    return {
        tuple(sorted((key, text) for key, text in one["metric"].items() if key != "instance"))
        for one in answer["data"]["result"]
    }
