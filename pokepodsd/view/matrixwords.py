"""A matrix in sentences: the summary, a failure, a cell; and names that are fit to be shown.

Owns the words and their digits. Every text from outside passes `escaped` first; what a format needs
besides (HTML, say) is that format's own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import floor, log10
from typing import Final

from pokepodsd.core.matrix import Cell, Failure, Matrix, Report, State
from pokepodsd.edge.journal import escape
from pokepodsd.view.matrixlooks import LOOKS
from pokepodsd.view.units import span

ONE_WAY: Final = "one way only: the other direction does not fail"
_MOST_NAMES: Final = 5
_LONGEST_TEXT: Final = 300
_LONGEST_NAME: Final = 253  # RFC 1123, as Kubernetes' names of nodes are
_ELLIPSIS: Final = "…"


def escaped(matrix: Matrix) -> Matrix:
    """The same matrix, without a character in its texts that would move or reorder others."""
    cells: dict[str, str] = {}

    def shown(cell: Cell) -> Cell:
        if not cell.text:
            return cell
        if cell.text not in cells:
            cells[cell.text] = escape(cell.text[:_LONGEST_TEXT])
        return cell if cells[cell.text] == cell.text else replace(cell, text=cells[cell.text])

    nodes = [
        replace(
            node,
            name=escape(node.name[:_LONGEST_NAME]),
            addresses=tuple(escape(address[:_LONGEST_NAME]) for address in node.addresses),
            note=escape(node.note[:_LONGEST_TEXT]),
        )
        for node in matrix.nodes
    ]
    rows = tuple(tuple(shown(cell) for cell in row) for row in matrix.rows)
    return replace(matrix, nodes=tuple(nodes), rows=rows, source=escape(matrix.source))


def labels(names: Sequence[str], longest: int) -> list[str]:
    """Names short enough for a label: without the domain that all share, cut in their middle."""
    domain = common_domain(names)
    return [_cut(name.removesuffix(domain) or name, longest) for name in names]


def common_domain(names: Sequence[str]) -> str:
    """What follows the first dot, if it is the same for all and is no part of an address."""
    domains = {name.partition(".")[2] for name in names}
    domain = domains.pop() if len(domains) == 1 else ""
    return f".{domain}" if domain and not domain.replace(".", "").isdigit() else ""


def summary(matrix: Matrix) -> list[str]:
    """What there is to know at a glance, the worst first."""
    return [*_pairs(matrix), *_nodes(matrix), *_others(matrix)]


def time(seconds: float) -> str:
    """``2026-11-24 19:44:23 UTC``."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def since(seconds: float, at_seconds: float) -> str:
    """When, and how long before the picture, by the whole seconds of both that are shown."""
    return f"{time(seconds)} ({span(floor(at_seconds) - floor(seconds))} before)"


def digits(seconds: float) -> tuple[int, int] | None:
    """Three digits and the power of ten of the first one; None below a microsecond.

    ``(412, -4)`` is 0.412 ms. Nothing is longer than 99.9 s.
    """
    if seconds < 1e-6:
        return None
    power = floor(log10(seconds))
    mantissa = round(seconds / 10.0 ** (power - 2))
    if mantissa == 1_000:
        mantissa, power = 100, power + 1
    return (mantissa, power) if power <= 1 else (999, 1)


def duration(seconds: float) -> str:
    """A round trip in three digits: 0.412 ms, 12.3 ms, 1.24 s."""
    parts = digits(seconds)
    if parts is None:
        return "0 ms"
    mantissa, power = parts
    unit, shift = ("s", 0) if power >= 0 else ("ms", 3)
    decimals = max(0, 2 - power - shift)
    return f"{mantissa * 10.0 ** (power + shift - 2):.{decimals}f} {unit}"


def who(matrix: Matrix, failure: Failure) -> tuple[str, str]:
    """Who pokes and who is poked in a failure."""
    names = labels([node.name for node in matrix.nodes], _LONGEST_NAME)
    return _names(names, failure.pokers), _names(names, failure.poked)


def cell_lines(matrix: Matrix, poker: int, poked: int) -> Iterator[str]:
    """All that is known of one cell, a fact a line."""
    cell = matrix.rows[poker][poked]
    yield f"{matrix.nodes[poker].name} pokes {matrix.nodes[poked].name}: {LOOKS[cell.state].words}"
    if cell.since_seconds is not None:
        yield f"since {since(cell.since_seconds, matrix.at_seconds)}"
    if cell.rtt_seconds is not None:
        worst = ""
        if cell.worst_rtt_seconds is not None:
            worst = f", worst {duration(cell.worst_rtt_seconds)}"
        yield f"RTT median {duration(cell.rtt_seconds)}{worst}"
    if cell.text:
        yield cell.text
    if matrix.is_one_way(poker, poked):
        yield ONE_WAY


def _pairs(matrix: Matrix) -> Iterator[str]:
    counts = matrix.counts()
    failing = sum(number for state, number in counts.items() if state.is_failing)
    unknown = counts.get(State.UNKNOWN, 0) + counts.get(State.NOT_REPORTING, 0)
    if failing == 1:
        poker, poked, _ = next(matrix.failing())
        more = ", one way only" if matrix.is_one_way(poker, poked) else ""
        yield f"1 of {matrix.pairs:,} pairs fails{more}."
    elif failing:
        one_way = sum(matrix.is_one_way(poker, poked) for poker, poked, _ in matrix.failing())
        more = f", {one_way:,} of them one way only" if one_way else ""
        yield f"{failing:,} of {matrix.pairs:,} pairs fail{more}."
    elif unknown:
        yield f"No pair is known to fail; nothing is known of {unknown:,} of {matrix.pairs:,}."
    else:
        yield f"None of {matrix.pairs:,} pairs fails."


def _others(matrix: Matrix) -> Iterator[str]:
    """The states that are neither well nor a failure."""
    counts = matrix.counts()
    known = (State.OPENING, State.POD_ONLY, State.UNDERLAY_FILTERED)
    unknown = (State.UNKNOWN, State.NOT_REPORTING)
    parts = [f"{LOOKS[state].words}: {counts[state]:,}" for state in known if state in counts]
    if nothing := sum(counts.get(state, 0) for state in unknown):
        parts.append(f"nothing known: {nothing:,}")
    if parts:
        yield f"Other pairs that are not well: {'; '.join(parts)}."


def _nodes(matrix: Matrix) -> Iterator[str]:
    short = labels([node.name for node in matrix.nodes], _LONGEST_NAME)
    for report, words in ((Report.CUT_OFF, "Cut off"), (Report.MISSING, "Not reporting")):
        names = [
            name for node, name in zip(matrix.nodes, short, strict=True) if node.report is report
        ]
        if names:
            yield f"{words}: {_listed(names)}."
    noted = [
        f"{name}: {node.note}."
        for node, name in zip(matrix.nodes, short, strict=True)
        if node.note and node.report is not Report.MISSING
    ]
    yield from noted[:_MOST_NAMES]
    if len(noted) > _MOST_NAMES:
        yield f"And {len(noted) - _MOST_NAMES:,} more notes on nodes."


def _names(names: Sequence[str], numbers: Sequence[int]) -> str:
    others = len(names) - 1
    if len(numbers) == 1:
        return names[numbers[0]]
    if len(numbers) == others:
        return f"all {others:,} others"
    return f"{len(numbers):,} of {others:,}: {_listed([names[one] for one in numbers])}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    left = len(names) - _MOST_NAMES
    return f"{shown} and {left:,} more" if left > 0 else shown


def _cut(name: str, longest: int) -> str:
    if len(name) <= longest:
        return name
    end = (longest - 1) // 2
    return f"{name[: longest - 1 - end]}{_ELLIPSIS}{name[-end:]}"
