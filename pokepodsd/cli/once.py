"""``pokepodsd once``: one sweep over what the API lists now, as a table."""

import gc
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from pokepodsd import exchange
from pokepodsd.cli import output
from pokepodsd.cli.invocation import Invocation
from pokepodsd.core.config import Config
from pokepodsd.core.model import MILLISECOND_NS, Outcome, OutcomeKind, Target
from pokepodsd.core.population import Population
from pokepodsd.core.protocol import Timings
from pokepodsd.core.records import Refused
from pokepodsd.core.sweep import Sweep
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.edge.hostaddresses import own_addresses
from pokepodsd.edge.icmp import IcmpSocket, open_sockets
from pokepodsd.edge.journal import escape

_UNANSWERED = 1
_HEADINGS = ("NAMESPACE", "POD", "NODE", "ADDRESS", "RESULT", "RTT")


@click.command(short_help="Poke every pod once, without the daemon.")
@click.option(
    "--tries",
    type=click.IntRange(1, 10),
    default=1,
    show_default=True,
    help="Pokes for a pod that does not answer; a closed tunnel loses the first.",
)
@click.pass_obj
def once(invocation: Invocation, *, tries: int) -> None:
    """Poke every pod that the API lists now, and print what answered.

    \b
    Examples:
      pokepodsd once                        every pod, one ping each
      pokepodsd once --tries 5              enough to open a closed tunnel
      pokepodsd --poke-timeout 300ms once   settings stand before the command

    Exits with status 0 if all answered, and with 1 if some did not.
    """
    config = invocation.load()
    sockets = open_sockets(config.poke.socket)
    errors = output.console(stderr=True)
    with _waiting(errors):
        targets = _list_targets(config, sockets, errors)
    # What was imported and listed stays: to look for rubbish in it would cost as much as the sweep.
    gc.collect()
    gc.freeze()
    outcomes = _sweep(config, targets, sockets, tries, errors)
    if sys.stdout.isatty():
        output.console().print(_table(outcomes))
    else:
        click.echo("\n".join(_lines(outcomes)))
    answered = sum(outcome.kind is OutcomeKind.REPLIED for outcome in outcomes)
    click.echo(f"{answered} of {len(outcomes)} answered", err=True)
    if answered < len(outcomes):
        sys.exit(_UNANSWERED)


def _waiting(errors: Console) -> AbstractContextManager[object]:
    """A line on a terminal while the API server is asked."""
    if not errors.is_terminal or errors.is_dumb_terminal:
        return nullcontext()
    return errors.status("asking the API server for the pods")


def _list_targets(config: Config, sockets: Sequence[IcmpSocket], errors: Console) -> list[Target]:
    """Every target of a full list, or of the node's own pods where the cluster's are refused.

    Raises:
        ApiError: there is no list to be had.
    """
    # Imported late, for the other commands' sake: it takes most of a second.
    from pokepodsd.asker import Orders  # noqa: PLC0415
    from pokepodsd.onelist import list_once  # noqa: PLC0415

    population = Population(config.kubernetes, frozenset(one.channel.family for one in sockets))
    population.set_own_addresses(own_addresses())
    with tempfile.TemporaryDirectory(prefix="pokepodsd-") as scratch:
        orders = Orders(config=config.kubernetes, timings=Timings(), scratch=Path(scratch))
        for record in list_once(orders):
            if isinstance(record, Refused):
                errors.print(
                    f"only this node's own pods: the API server refuses the others "
                    f"(see pokepodsd rbac): {escape(record.message)}",
                    markup=False,
                    soft_wrap=True,
                )
            else:
                list(population.take(record))
    return list(population.all())


def _sweep(
    config: Config,
    targets: Sequence[Target],
    sockets: Sequence[IcmpSocket],
    tries: int,
    errors: Console,
) -> list[Outcome]:
    """Poke them all, with a bar of progress on a terminal; the outcomes by the targets' names."""
    now = monotonic_ns()
    channels = [one.channel for one in sockets]
    sweep = Sweep(targets, channels, config.poke, tries=tries, draw=exchange.draw_cookie, now=now)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("poking", total=len(targets))
        by_family = {one.channel.family: one for one in sockets}
        while not sweep.is_done:
            exchange.turn(sweep, by_family)
            progress.update(task, completed=len(sweep.results))
    return sorted(
        sweep.results.values(),
        key=lambda outcome: (outcome.probe.target.namespace, outcome.probe.target.name),
    )


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(box=None, pad_edge=False, show_edge=False)
    *headings, last = _HEADINGS
    for heading in headings:
        table.add_column(heading, overflow="fold")
    table.add_column(last, justify="right")
    for outcome in outcomes:
        style = "" if outcome.kind is OutcomeKind.REPLIED else "bold red"
        table.add_row(*(Text(cell) for cell in _cells(outcome)), style=style)
    return table


def _lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The same for a file or a pipe: nothing is folded, and rich would take 0.6 ms for a pod."""
    rows = [_HEADINGS, *map(_cells, outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    form = "  ".join(f"{{:{side}{width}}}" for side, width in zip("<<<<<>", widths, strict=True))
    for cells in rows:
        yield form.format(*cells).rstrip()


def _cells(outcome: Outcome) -> tuple[str, ...]:
    target, rtt_ns = outcome.probe.target, outcome.rtt_ns
    named = (target.namespace, target.name, target.node or "", target.address, outcome.name)
    rtt = "" if rtt_ns is None else f"{rtt_ns / MILLISECOND_NS:.3f} ms"
    return (*map(escape, named), rtt)
