"""What is asked of pokepodsd over sockets, and what others answer when it asks."""

import json
import math
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any, Final

from pokepodsd.answering import Answering, Facts
from pokepodsd.core.document import Document, assemble
from pokepodsd.core.matrix import Matrix
from pokepodsd.core.model import NodeName
from pokepodsd.core.samplematrix import Answers, sample_matrix
from pokepodsd.core.statusmatrix import parse, status_matrix
from pokepodsd.desk import Desk
from pokepodsd.edge import metrics
from pokepodsd.edge.control import NAME
from pokepodsd.edge.httpserver import HttpServer, Reply, Request, _Handler
from pokepodsd.edge.prometheus import Place, Prometheus
from pokepodsd.edge.statuses import read as read_statuses
from pokepodsd.errors import ControlError, DocumentError, GarbledError, SourceError
from pokepodsd.holds import Holds
from pokepodsd.view.matrixdata import page_data
from pokepodsd.view.matrixjson import document_parts
from pokepodsd.view.matrixpage import page
from pokepodsd.view.matrixtext import text_lines
from pokepodsd.view.matrixwords import escaped
from pokepodsd.view.status import Look, render
from tests.core.kernelfacts import make_link, make_route
from tests.core.world import World, make_world, pods
from tests.fuzz.places import folder, written
from tests.fuzz.shown import check_entry, check_line

_NOW: Final = 1_800_000_000.0
_QUIET_TURNS: Final = 3


def control(data: bytes) -> None:
    """What a client of the control socket says; each line of the answer is one object."""
    desk, world, directory = _desk()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(directory / NAME))
        client.settimeout(0)
        client.send(data)
        said = _read(client, lambda: desk.turn(world.now))
    # It sees that the client is gone.
    desk.turn(world.now)
    desk.turn(world.now)
    for line in said.splitlines():
        assert isinstance(json.loads(line), dict)
        check_line(line.decode())
    for entry in desk.entries:
        check_entry(entry.text)
    desk.entries.clear()


def status(data: bytes) -> None:
    """What a daemon answers to `pokepodsd status`, line by line, and the page of it."""
    document = _assembled(data)
    if document is None:
        return
    for width in (40, 200):
        for shown in (Look(width=width, zone=UTC), Look(width=width, zone=UTC, is_folded=False)):
            for line in render(document, shown):
                check_line(line.plain)


def matrix(data: bytes) -> None:
    """What `pokepodsd matrix` is given: status documents, in a file."""
    path = written("matrix/status.json", data)
    try:
        found = [
            parse(one, source=str(path)) for one in read_statuses(str(path), timeout_seconds=1)
        ]
    except SourceError as error:
        check_entry(str(error))
        return
    if found:
        _draw(status_matrix(found, (), now_seconds=_NOW))


def prometheus(data: bytes) -> None:
    """What Prometheus answers to each of the queries."""
    server = _prometheus()
    try:
        samples = server.samples(200, data)
        answers = Answers(now=samples, before=samples, targets=samples, at_seconds=_NOW)
        _draw(sample_matrix(answers, source="prometheus"))
    except SourceError as error:
        check_entry(str(error))


def numbers(data: bytes) -> None:
    """What the daemon answers to the exporter, in each of the formats."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    for wanted in metrics.Format:
        try:
            text = metrics.render(document, wanted, with_process=False)
        except GarbledError as error:
            check_entry(str(error))
            continue
        if wanted is metrics.Format.TEXT:
            for line in text.decode().split("\n"):
                assert not line or line.startswith(("#", "pokepodsd_")), line


def http(data: bytes) -> None:
    """A request of whoever may reach the port of the metrics."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(1)
        theirs.sendall(data[: 32 * 1024])
        theirs.shutdown(socket.SHUT_WR)
        _Handler(ours, ("127.0.0.1", 1), _http())
        ours.close()
        # A request that is not read to its end is answered, and the rest of it refused.
        with suppress(ConnectionResetError):
            theirs.recv(1 << 16)


def _read(client: socket.socket, turn: Callable[[], None]) -> bytes:
    """What is answered, until there is nothing more."""
    said, quiet = b"", 0
    while quiet < _QUIET_TURNS:
        turn()
        try:
            part = client.recv(1 << 20)
        except BlockingIOError:
            part = b""
        said += part
        quiet = 0 if part else quiet + 1
    return said


def _assembled(data: bytes) -> Document | None:
    """The document that the lines make, as whoever asked the daemon reads it."""
    try:
        return assemble(_lines(data))
    except (ControlError, DocumentError) as error:
        check_entry(str(error))
        return None


def _lines(data: bytes) -> Iterator[Mapping[str, Any]]:
    for line in data.split(b"\n"):
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ControlError(f"does not answer: {error}") from error
        if not isinstance(reply, dict):
            raise ControlError("answers what is no reply")
        yield reply


def _draw(drawn: Matrix) -> None:
    safe = escaped(drawn)
    for line in text_lines(safe, 80):
        check_line(line.plain)
    json.loads("".join(document_parts(drawn)))
    page(safe).encode()
    page_data(safe).encode()
    assert all(math.isfinite(cell.since_seconds or 0) for row in drawn.rows for cell in row)


@cache
def _prometheus() -> Prometheus:
    return Prometheus(Place(url="http://127.0.0.1:1"))


@cache
def _http() -> HttpServer:
    def respond(request: Request) -> Reply:
        metrics.choose(request.accept)
        return Reply(repr((request.path, request.query)).encode(errors="backslashreplace"))

    return HttpServer("127.0.0.1:0", respond)


@cache
def _desk() -> tuple[Desk, World, Path]:
    """The desk of a daemon that knows a few peers and pods."""
    world = make_world()
    world.take_list(*pods(20), *pods(5, "node-c"))
    world.dump(make_link(), make_route(via="192.168.10.13"))
    world.run(3)
    world.engine.take_entries()
    facts = Facts(node=lambda: NodeName("node-a"), reader_starts=lambda: 1)
    answering = Answering(world.engine.stages, facts)
    holds = Holds(world.engine.find_peers, world.engine.hold_peers)
    desk = Desk(
        {
            "hold": holds.answer,
            "status": lambda _, request, at: answering.status(request, at),
            "metrics": lambda _connection, _request, at: answering.metrics(at),
        }
    )
    directory = folder() / "run"
    directory.mkdir()
    desk.start(directory)
    return desk, world, directory
