"""The options that several commands have, in the same words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def output_option(text: str, name: str = "output") -> Callable[[Any], Any]:
    """A text for a person, or JSON for a program; ``text`` is the option's help."""
    return click.option(
        "-o",
        "--output",
        name,
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help=text,
    )
