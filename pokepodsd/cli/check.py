"""``pokepodsd check``: what keeps pokepodsd from its work here, each with what mends it."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from pokepodsd import __version__
from pokepodsd.cli.invocation import DEFAULT_PATH, Invocation
from pokepodsd.cli.options import output_option, socket_option
from pokepodsd.edge import systemd
from pokepodsd.edge.clock import wall_ns
from pokepodsd.preflight.examination import examine, read_unit
from pokepodsd.preflight.finding import Finding, Level, document
from pokepodsd.preflight.world import World
from pokepodsd.view.check import render_finding, render_summary

_FAILED = 1
# What is not shown on a terminal is folded by nobody.
_WIDE = 1000


@click.command()
@output_option("For a person, or as a document for a program.")
@socket_option
@click.pass_obj
def check(invocation: Invocation, *, output: str, path: Path) -> None:
    """Look for what keeps pokepodsd from its work on this host.

    For before the service is started, and for when it misbehaves. Looks at the configuration,
    the service, the kubelet's credentials, the API server and the rights there, the sockets, the
    tunnels and the clock. Changes nothing, and pokes nothing. Each fault comes with a command
    that can be pasted into a shell as it is.

    Run it as root; as another user it says what it could not look at. That the service runs, or
    does not run yet, is no failure.

    Exits with status 0 if nothing failed (warnings may be there), with 1 if something did.

    \b
    Examples:
      pokepodsd check
      pokepodsd check -o json | jq '.findings[] | select(.level != "ok")'
      pokepodsd check > /dev/null && systemctl enable --now pokepodsd
    """
    unit = read_unit()
    config = invocation.path
    if unit is not None and config == DEFAULT_PATH:
        config = unit.config_path or config
    world = World(
        config_path=config,
        overrides=invocation.overrides,
        control_path=path,
        unit=unit,
        is_booted=systemd.is_booted(),
        is_root=os.geteuid() == 0,
        wall_ns=wall_ns,
    )
    findings = list(_told(examine(world)) if output == "text" else examine(world))
    if output == "text":
        click.echo(render_summary(findings))
    else:
        told = document(
            findings,
            program=__version__,
            host=socket.gethostname(),
            config=str(config),
            at_ns=wall_ns(),
        )
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    if any(one.level is Level.FAILED for one in findings):
        sys.exit(_FAILED)


def _told(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Each is written when it is there: the API server may take seconds."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else _WIDE
    has_colour = is_terminal and not os.environ.get("NO_COLOR")
    for finding in findings:
        click.echo(render_finding(finding, width=width, has_colour=has_colour))
        yield finding
