"""``pokepodsd matrix``: a picture of who reaches whom in the cluster."""

import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pokepodsd.core.document import joined
from pokepodsd.core.matrix import Matrix, Order, arranged
from pokepodsd.core.samplematrix import queries, sample_matrix
from pokepodsd.core.statusmatrix import NodeStatus, Unread, parse, status_matrix
from pokepodsd.edge import control, outputfile, statuses
from pokepodsd.edge.journal import escape
from pokepodsd.edge.prometheus import Place, Prometheus
from pokepodsd.errors import ControlError, SourceError
from pokepodsd.view.matrixjson import document_parts
from pokepodsd.view.matrixpage import page
from pokepodsd.view.matrixsvg import standalone
from pokepodsd.view.matrixtext import text_lines
from pokepodsd.view.matrixwords import escaped

_FAILING = 1
# Text that is not shown on a terminal is not limited to its width.
_WIDE = 100_000
_AT_ONCE = 32
# A matrix of 2,000 nodes has 4,000,000 cells, and its page 32 MB.
_MOST_NODES = 2_000
_QUESTION = {"status": {"peers": "all", "targets": "none"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """The command line."""

    sources: tuple[str, ...]
    url: str | None
    selector: str
    token_file: Path | None
    ca_file: Path | None
    sort: str
    form: str
    output_file: Path | None
    timeout_seconds: float


@click.command()
@click.argument("sources", nargs=-1)
@click.option("--prometheus", "url", metavar="URL", help="Read Prometheus' HTTP API instead.")
@click.option(
    "--selector",
    default="",
    metavar="LABELS",
    help="""With --prometheus: which series, such as 'cluster="prod"'.""",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --prometheus: a file that holds a bearer token.",
)
@click.option(
    "--ca-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --prometheus: the certificates that its own is checked with.",
)
@click.option(
    "--sort",
    type=click.Choice([order.value for order in Order]),
    default=Order.TROUBLE.value,
    show_default=True,
    help="The order of nodes.",
)
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["html", "svg", "text", "json"]),
    default="html",
    show_default=True,
    help="A page, a picture for up to some 120 nodes, letters for a terminal, or a document.",
)
@click.option(
    "--output-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it, instead of standard output.",
)
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(0.1, 600),
    default=10.0,
    show_default=True,
    help="How many seconds a source may be silent.",
)
def matrix(**values: Any) -> None:
    """Draw which node reaches which: a page of HTML, a picture, or letters.

    SOURCES are where nodes tell their status: control sockets, the URLs of their listeners, or
    files that `pokepodsd status --all -o json` was saved in, one document or several; "-" is
    standard input. Rows poke columns.

    \b
    Examples:
      pokepodsd matrix --prometheus http://prometheus:9090 > matrix.html
      pokepodsd matrix http://node-{a,b,c}:19747/status -o text
      pokepodsd matrix node-*.json -o svg > matrix.svg

    Exits with status 0 if no pair fails, 1 if one does, 69 if a source cannot be read (the others
    are drawn all the same).
    """
    wanted = _Wanted(**values)
    if bool(wanted.sources) == bool(wanted.url):
        raise click.UsageError("name either SOURCES or --prometheus URL")
    picture, complaints = _from_prometheus(wanted) if wanted.url else _from_statuses(wanted)
    if len(picture.nodes) > _MOST_NODES:
        raise SourceError(
            f"{len(picture.nodes):,} nodes are too many for one picture of at most {_MOST_NODES:,}:"
            " name fewer, or narrow with --selector"
        )
    _write(arranged(picture, Order(wanted.sort)), wanted)
    for complaint in complaints:
        click.echo(f"pokepodsd: {escape(complaint)}", err=True)
    if complaints:
        sys.exit(SourceError.exit_status)
    if next(picture.failing(), None):
        sys.exit(_FAILING)


def _from_prometheus(wanted: _Wanted) -> tuple[Matrix, list[str]]:
    place = Place(
        url=wanted.url or "",
        token_file=wanted.token_file,
        ca_file=wanted.ca_file,
        timeout_seconds=wanted.timeout_seconds,
    )
    try:
        server = Prometheus(place)
        answers = server.ask(queries(wanted.selector))
        return sample_matrix(answers, source=f"Prometheus at {server.url}"), []
    except SourceError as error:
        # A server's words are in it.
        raise SourceError(escape(str(error))) from error


def _from_statuses(wanted: _Wanted) -> tuple[Matrix, list[str]]:
    """The matrix, and a line for each source, or document of one, that could not be read."""
    read: list[NodeStatus] = []
    unread: list[Unread] = []
    complaints: list[str] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda source: _read(source, wanted.timeout_seconds), wanted.sources)
        for source, (statuses_of, complaint) in zip(wanted.sources, found, strict=True):
            read += statuses_of
            if complaint:
                complaints.append(complaint)
                unread.append(Unread(name=statuses.node_hint(source), why=complaint))
    return status_matrix(read, unread, now_seconds=time.time()), complaints


def _read(source: str, timeout_seconds: float) -> tuple[list[NodeStatus], str]:
    """What a source says, and what is wrong with it."""
    read: list[NodeStatus] = []
    try:
        for document in _documents(source, timeout_seconds):
            read.append(parse(document, source=statuses.shown(source)))
    except SourceError as error:
        return read, str(error)
    except ControlError as error:
        return read, f"{source} cannot be asked: {error}"
    return read, "" if read else f"{source} holds no status document"


def _documents(source: str, timeout_seconds: float) -> list[Any]:
    if not statuses.is_socket(source):
        return statuses.read(source, timeout_seconds=timeout_seconds)
    client = control.Client(Path(source), patience_seconds=timeout_seconds)
    try:
        return [joined(client.stream(_QUESTION))]
    finally:
        client.close()


def _write(picture: Matrix, wanted: _Wanted) -> None:
    if wanted.form == "text" and wanted.output_file is None:
        console = Console(highlight=False)
        width = console.width if console.is_terminal else _WIDE
        for line in text_lines(escaped(picture), width):
            console.print(line, soft_wrap=True)
        return
    parts = _parts(picture, wanted.form)
    if wanted.output_file is not None:
        outputfile.write(wanted.output_file, parts)
        return
    for part in parts:
        click.echo(part, nl=False)


def _parts(picture: Matrix, form: str) -> Iterable[str]:
    match form:
        case "json":
            return document_parts(picture)
        case "svg":
            return [standalone(escaped(picture))]
        case "text":
            return [f"{line.plain}\n" for line in text_lines(escaped(picture), _WIDE)]
        case _:
            return [page(escaped(picture))]
