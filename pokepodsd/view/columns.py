"""Text in columns and paragraphs, by the cells of a terminal that each character takes.

Owns widths: which of several layouts fits, where a name is cut, where a sentence is folded. Every
text is already escaped. Knows nothing of what the columns say, nor why a row has which style.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

_GAP = 2
_ELLIPSIS = "…"
_SHORTEST = 8
# A number and its unit are one word: at the end of a line the number would stand alone.
_WORDS = re.compile(r"[0-9][0-9.,/<>]* (?:ms|s|min|h|d|%)(?!\w)\S*|\S+")


class Line(NamedTuple):
    """A line of a page, in a style of rich's, after a label in bold.

    No `rich.text.Text`: to import it takes as long as to draw 400 of these, and into a pipe goes
    none of its colours.
    """

    text: str = ""
    style: str = ""
    label: str = ""

    @property
    def plain(self) -> str:
        """All of it without its style."""
        return self.label + self.text


class Column:
    """One column: its heading, and a cell for each row.

    Numbers stand at the right. What is flexible may be cut to its heading and a few words, before
    anything else is left out.
    """

    def __init__(
        self,
        heading: str,
        cells: Sequence[str],
        *,
        is_number: bool = False,
        is_flexible: bool = False,
    ) -> None:
        self.heading = heading
        self.cells = cells
        self.is_number = is_number
        self.is_flexible = is_flexible

    @cached_property
    def is_empty(self) -> bool:
        """Whether no row has anything to say in it."""
        return not any(self.cells)

    @cached_property
    def width(self) -> int:
        """What all of it takes."""
        return max(cell_len(self.heading), *map(cell_len, self.cells), 0)

    @property
    def least_width(self) -> int:
        """What it takes where it is cut."""
        return min(self.width, 2 * _SHORTEST) if self.is_flexible else self.width


Layout = Mapping[str, Column | None]


def fitting(full: Layout, reductions: Iterable[Layout], width: int) -> list[Column]:
    """The columns that have something to say and fit into the width, of one layout after another.

    Each reduction replaces columns of the layout before it; None leaves one out. The first column
    is a name: it counts for at most half of the width, and the others go before it is cut further.
    """
    layout = dict(full)
    for reduction in ({}, *reductions):
        layout |= reduction
        columns = [one for one in layout.values() if one is not None and not one.is_empty]
        first, *others = (one.least_width for one in columns)
        needed = min(first, width // 2) + sum(others) + _GAP * len(others)
        if needed <= width:
            break
    return columns


def draw(columns: Sequence[Column], width: int) -> Iterator[str]:
    """The heading, and the rows; what is too wide is cut in the first column.

    Of columns that are flexible, the last ones get what is left.
    """
    widths = _widths(columns, width)
    yield _line([one.heading for one in columns], columns, widths)
    for cells in zip(*(one.cells for one in columns), strict=True):
        yield _line(cells, columns, widths)


def cut_middle(text: str, width: int) -> str:
    """The text, or its beginning and its end with an ellipsis between: names differ at both."""
    if cell_len(text) <= width:
        return text
    end = text
    while cell_len(end) > (width - 1) // 2:
        end = end[1:]
    return set_cell_size(text, width - 1 - cell_len(end)) + _ELLIPSIS + end


def table(columns: Sequence[Column], width: int, styles: Sequence[str]) -> Iterator[Line]:
    """The same for a terminal with colours: the heading is bold, each row has its own style."""
    for line, style in zip(draw(columns, width), ["bold", *styles], strict=True):
        yield Line(line, style)


def cut(text: str, width: int) -> str:
    """The text, or its beginning with an ellipsis."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + _ELLIPSIS


def paragraph(text: str, width: int, *, indent: int = 0) -> list[str]:
    """The text in lines that end between words; all but the first are indented.

    A word that is wider than a line is cut.
    """
    lines: list[str] = []
    line = ""
    for word in _WORDS.findall(text):
        room = width - (indent if lines else 0)
        if line and cell_len(line) + 1 + cell_len(word) > room:
            lines.append(line)
            line, room = "", width - indent
        line = f"{line} {word}" if line else cut(word, room)
    return [
        text if number == 0 else " " * indent + text for number, text in enumerate([*lines, line])
    ]


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    widths = [one.width for one in columns]
    excess = sum(widths) + _GAP * (len(widths) - 1) - width
    order = [number for number, one in reversed([*enumerate(columns)]) if one.is_flexible]
    for number in order:
        given = max(0, min(excess, widths[number] - columns[number].least_width))
        widths[number] -= given
        excess -= given
    if excess > 0:
        widths[0] = max(_SHORTEST, widths[0] - excess)
    return widths


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    parts = []
    for number, (cell, column, width) in enumerate(zip(cells, columns, widths, strict=True)):
        text = cut(cell, width) if number else cut_middle(cell, width)
        padding = " " * (width - cell_len(text))
        parts.append(padding + text if column.is_number else text + padding)
    return (" " * _GAP).join(parts).rstrip()
