"""Owns how the demonstration looks: headings, sentences, commands and what they said.

Alters nothing that can be seen of what a program said; it is only moved to the right.
"""

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

WIDTH = 100
INDENT = "  "


class Teller:
    """Writes each part at once, with an empty line before it."""

    def __init__(self, out: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._out = out
        plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        self._is_bold = out.isatty() and not plain

    def heading(self, text: str) -> None:
        shown = f"\x1b[1m{text}\x1b[0m" if self._is_bold else text
        self._write(["", "", shown, "-" * len(text)])

    def say(self, text: str) -> None:
        self._write(["", *textwrap.wrap(text, WIDTH, break_on_hyphens=False)])

    def command(self, place: str, command: str, output: str) -> None:
        """A command, after the prompt of the place that it ran at, and its output."""
        lines = [f"{place}# {command}", *output.rstrip("\n").splitlines()]
        self._write(["", *(f"{INDENT}{line}".rstrip() for line in lines)])

    def commands(self, given: Iterable[tuple[str, str]]) -> None:
        """Commands that say nothing, each after the prompt of its place."""
        self._write(["", *(f"{INDENT}{place}# {command}" for place, command in given)])

    def lines(self, said: Sequence[tuple[str, str]]) -> None:
        """Lines of several nodes, each after the name of its node."""
        self._write(["", *(f"{INDENT}{name} | {text}" for name, text in said)])

    def table(self, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        columns = [max(map(len, cells)) for cells in zip(heading, *rows, strict=True)]
        shown = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, columns, strict=True))
            for row in (heading, *rows)
        ]
        self._write(["", *(f"{INDENT}{line}".rstrip() for line in shown)])

    def _write(self, lines: Sequence[str]) -> None:
        self._out.write("\n".join(lines) + "\n")
        self._out.flush()
