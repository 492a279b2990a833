"""``pokepodsd status``: how the running daemon sees its peers, as a page or as JSON."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pokepodsd.cli import output
from pokepodsd.cli.options import output_option, socket_option
from pokepodsd.core.document import Document, assemble
from pokepodsd.edge import control
from pokepodsd.errors import ControlError

if TYPE_CHECKING:
    from pokepodsd.view.columns import Line

_DOWN = 1
_FAULTS = ("fault", "cut-off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for, and where."""

    path: Path
    shows_all: bool
    peer: str | None
    namespace: str | None

    @property
    def is_narrowed(self) -> bool:
        """Whether it is about some peers or targets only."""
        return self.peer is not None or self.namespace is not None

    def ask(self, *, patience_seconds: float | None = None) -> Document:
        """The daemon's answer.

        Raises:
            NoDaemonError: nobody listens there.
            ControlError: it does not answer, refuses, or answers something else.
        """
        patience = {} if patience_seconds is None else {"patience_seconds": patience_seconds}
        client = control.Client(self.path, **patience)
        try:
            return assemble(client.stream({"status": self._request()}))
        finally:
            client.close()

    def _request(self) -> Mapping[str, Any]:
        # A peer that is asked for by name is shown when it is well, too.
        peers = "all" if self.shows_all or self.peer is not None else "some"
        request = {"peers": peers, "targets": "all" if self.shows_all else "some"}
        narrowing = {"peer": self.peer, "namespace": self.namespace}
        return request | {key: text for key, text in narrowing.items() if text is not None}


@click.command(short_help="Show what the running daemon knows.")
@click.option("--all", "shows_all", is_flag=True, help="Show all peers and all targets.")
@click.option("--peer", metavar="TEXT", help="Only this node: its name or its address.")
@click.option("--namespace", metavar="TEXT", help="Only the pods of this namespace.")
@click.option(
    "--watch",
    "interval_seconds",
    type=click.FloatRange(0.2, 3600),
    is_flag=False,
    flag_value=2.0,
    default=None,
    metavar="[SECONDS]",
    help="Show it again and again, by default every 2 seconds, until Ctrl-C.",
)
@output_option("For a person, or as a document for a program (with --watch: one a line).", "form")
@socket_option
def status(
    *,
    shows_all: bool,
    peer: str | None,
    namespace: str | None,
    interval_seconds: float | None,
    form: str,
    path: Path,
) -> None:
    """Show what the running daemon knows: is this node well, and who is not?

    First the verdict on this node, then the peers, those that are not well first (of more than 20
    only those), then the pods that are not up. It needs root or the group pokepodsd, and no API
    server.

    \b
    Examples:
      pokepodsd status                   is all well, and what is not?
      pokepodsd status --peer node-b     one peer: by its name or its address
      pokepodsd status --namespace shop  what is down of one namespace
      pokepodsd status --all             every peer and every target
      pokepodsd status --watch           a live view that outlives the daemon
      pokepodsd status -o json           the whole document, for jq and the like
      pokepodsd status -o json --watch 10

    \b
    Exit status, of the node as a whole:
      0   all is well, or the daemon has just started
      1   something is down: a peer that nothing excuses, this node, or a pod
      2   wrong usage
      3   the daemon does not run
      69  it runs, and does not answer; or no such peer is known
      77  this user may not ask it
    """
    question = Question(path=path, shows_all=shows_all, peer=peer, namespace=namespace)
    if interval_seconds is not None:
        from pokepodsd.cli.watching import watch  # noqa: PLC0415

        watch(question, interval_seconds, is_json=form == "json")
        return
    document = question.ask()
    if peer is not None and not document["peers"]:
        raise ControlError(f"no peer is known as {peer!r:.100}")
    if form == "json":
        indent = 2 if sys.stdout.isatty() else None
        click.echo(json.dumps(document, indent=indent))
    else:
        _show(document, question)
    sys.exit(_DOWN if is_down(document) else 0)


def is_down(document: Document) -> bool:
    """Whether something is down: a peer, this node or a pod, and no Node object excuses it."""
    return document["verdict"]["state"] in _FAULTS


def page(document: Document, question: Question, width: int) -> list["Line"]:
    """The lines of the page that answers the question."""
    # Imported late: a program that asks for JSON draws nothing.
    from pokepodsd.view.status import Look, render  # noqa: PLC0415

    is_folded = not question.shows_all
    look = Look(width=width, is_narrowed=question.is_narrowed, is_folded=is_folded)
    return render(document, look)


def _show(document: Document, question: Question) -> None:
    if not sys.stdout.isatty():
        # No colours: rich, a third of the time that this takes, has nothing to do.
        click.echo("\n".join(line.plain for line in page(document, question, output.WIDE)))
        return
    console = output.console()
    lines = page(document, question, console.width)
    console.print(output.coloured(lines), soft_wrap=True)
