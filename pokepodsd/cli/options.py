"""The options that several commands have, in the same words."""

from pathlib import Path

import click

from pokepodsd.edge import control

socket_option = click.option(
    "--socket",
    "path",
    # Not checked for being readable: whoever may not ask is told who may.
    type=click.Path(path_type=Path, readable=False),
    default=control.DEFAULT_DIRECTORY / control.NAME,
    show_default=True,
    help="The running daemon's control socket.",
)
