"""A matrix as lines for a terminal: letters in rows, with the nodes' numbers above.

Owns the layout and what does not fit: then there is no matrix, only its summary and what fails, and
a line that says what to use instead. Colour is the terminal's to show or not: a letter says it too.
"""

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from pokepodsd.core.matrix import Matrix, Report, State, failures
from pokepodsd.view.matrixlooks import LOOKS
from pokepodsd.view.matrixwords import ONE_WAY, labels, since, summary, time, who

_LONGEST_LABEL: Final = 32
_MOST_FAILURES: Final = 50
_MARKS: Final = {Report.REPORTING: "", Report.CUT_OFF: " (cut off)", Report.MISSING: " (no report)"}


def text_lines(matrix: Matrix, width: int) -> Iterator[Text]:
    """The lines; those of the matrix are not wider than ``width`` in cells."""
    yield Text(f"{time(matrix.at_seconds)}, from {matrix.source}")
    for sentence in summary(matrix):
        yield Text(sentence)
    yield Text()
    yield from _matrix(matrix, width)
    yield from _failures(matrix)


def _matrix(matrix: Matrix, width: int) -> Iterator[Text]:
    size = len(matrix.nodes)
    names = labels([node.name for node in matrix.nodes], _LONGEST_LABEL)
    digits = len(str(size))
    marked = [
        f"{number:{digits}} {name}{_MARKS[node.report]}"
        for number, (name, node) in enumerate(zip(names, matrix.nodes, strict=True), start=1)
    ]
    margin = max((Text(text).cell_len for text in marked), default=0) + 1
    column = digits + 1
    if margin + size * column > width:
        yield Text(
            f"The matrix of {size:,} nodes takes {margin + size * column:,} columns, there are "
            f"{width:,}: use -o html --output-file matrix.html."
        )
        return
    numbers = "".join(f"{number:>{column}}" for number in range(1, size + 1))
    yield Text(" " * margin + numbers)
    for poker, label in enumerate(marked):
        line = Text(label)
        line.pad_right(margin - line.cell_len)
        for poked, cell in enumerate(matrix.rows[poker]):
            look = LOOKS[cell.state]
            mark = "!" if matrix.is_one_way(poker, poked) else ""
            line.append(" " * (column - 1 - len(mark)))
            line.append(look.letter, style=look.style)
            line.append(mark, style=look.style)
        yield line
    yield from _legend(matrix)


def _legend(matrix: Matrix) -> Iterator[Text]:
    yield Text("rows poke columns", style="dim")
    counts = matrix.counts()
    for state, look in LOOKS.items():
        if state in counts and state is not State.ITSELF:
            yield Text.assemble((look.letter, look.style), f" {look.words}: {look.meaning}")
    if any(matrix.is_one_way(poker, poked) for poker, poked, _ in matrix.failing()):
        yield Text(f"! {ONE_WAY}")


def _failures(matrix: Matrix) -> Iterator[Text]:
    found = failures(matrix)
    if found:
        yield Text()
    for failure in found[:_MOST_FAILURES]:
        poker, poked = who(matrix, failure)
        parts: list[str | tuple[str, str]] = [f"{poker} to {poked}: "]
        parts.append((LOOKS[failure.state].words, LOOKS[failure.state].style))
        if failure.since_seconds is not None:
            parts.append(f", since {since(failure.since_seconds, matrix.at_seconds)}")
        if failure.text:
            parts.append(f"; {failure.text}")
        if failure.is_one_way:
            parts.append("; one way only")
        yield Text.assemble(*parts)
    if len(found) > _MOST_FAILURES:
        yield Text(f"and {len(found) - _MOST_FAILURES:,} more: -o json has all.")
