"""``pokepodsd trace``: pokes one target now, layer by layer, and says what is the matter."""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from rich.text import Text

from pokepodsd import tracing
from pokepodsd.cli import output as streams
from pokepodsd.cli.invocation import Invocation
from pokepodsd.cli.options import output_option, socket_option
from pokepodsd.core.tracenews import conclude
from pokepodsd.core.tracing import Result
from pokepodsd.edge.clock import wall_ns
from pokepodsd.edge.icmp import open_sockets
from pokepodsd.edge.journal import escape
from pokepodsd.errors import UnknownTargetError
from pokepodsd.saver import state_directory
from pokepodsd.view.trace import Line, conclusion_lines, document, event_lines, subject_lines

_SILENT = 1
_LABEL_WIDTH = 15  # a device's name
_NARROWEST = 20
# What is not shown on a terminal is not folded.
_ENDLESS = 1_000_000
_EXAMPLES = """
\b
Examples:
  pokepodsd trace node-b            # a node by its name, or its own address
  pokepodsd trace 10.244.11.0/26    # the node behind a tunnel, by its block
  pokepodsd trace shop/web-1        # a pod, or: pokepodsd trace 10.244.11.7
  pokepodsd trace -o json node-b    # the same as a document, for a ticket
"""


@click.command(epilog=_EXAMPLES, short_help="Poke one target now, and say what is the matter.")
@click.argument("target")
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    help="At most so many pokes at each layer, 0.2 s apart; three replies are enough.",
)
@output_option("Lines as things happen, or one document at the end.")
@socket_option
@click.pass_obj
def trace(invocation: Invocation, *, target: str, count: int, output: str, path: Path) -> None:
    """Poke the way to TARGET now: node, tunnel and pod; say what is the matter, and why.

    TARGET is a node's name or address, an address or a block behind its tunnel, a pod as
    NAMESPACE/NAME or by its address, or any other address. The running pokepodsd is asked who it
    is. Without one, the kernel's routes say it, and the API server or the saved targets for a
    name: an address needs neither.

    Exits with status 0 if every layer answers, 1 if one does not, 69 if TARGET is not known.
    """
    config = invocation.load()
    sockets = {one.channel.family: one for one in open_sockets(config.poke.socket)}
    for one in sockets.values():
        one.show_ttl()
    finder = tracing.Finder(config, path, state_directory(config.state.directory))
    subject = finder.find(target)
    show = _shower() if output == "text" else _show_nothing
    at, results = wall_ns(), []
    show(subject_lines(subject))
    for event in tracing.walk(subject, sockets, count=count, timeout_ns=config.poke.timeout_ns):
        show(event_lines(event))
        if isinstance(event, Result):
            results.append(event)
    if not results:
        raise UnknownTargetError(
            f"nothing on the way to {escape(str(subject))} can be poked: no address is known, or "
            "none of a family that this host has a socket of"
        )
    conclusion = conclude(subject, results)
    show(conclusion_lines(conclusion, subject.belief, at))
    if output == "json":
        click.echo(json.dumps(document(subject, results, conclusion, at), indent=2))
    if not conclusion.is_good:
        sys.exit(_SILENT)


def _show_nothing(lines: Iterable[Line]) -> None:
    """Take the lines, for a document at the end."""


def _shower() -> Callable[[Iterable[Line]], None]:
    """Shows lines: folded beside their labels on a terminal, whole elsewhere."""
    console = streams.console()

    def show(lines: Iterable[Line]) -> None:
        for line in lines:
            label, text = escape(line.label), Text(escape(line.text), style=line.style)
            width = console.width - _LABEL_WIDTH - 1 if console.is_terminal else _ENDLESS
            parts = text.wrap(console, max(width, _NARROWEST), overflow="fold") or [Text()]
            for number, part in enumerate(parts):
                shown = Text.assemble(f"{'' if number else label:<{_LABEL_WIDTH}} ", part)
                shown.rstrip()
                console.print(shown, soft_wrap=True)

    return show
