"""A matrix as SVG: a picture of its own, or the part of the page that is printed.

Owns the drawing on paper. Up to 120 nodes, each cell has its letter and each row and column its
name. With more, rows are drawn as runs of like cells, and if these are too many, one square stands
for several pairs: for the worst of them. All colours are attributes: it needs no style sheet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from pokepodsd.core.matrix import Matrix, Report, State
from pokepodsd.view.matrixlooks import LOOKS, Look
from pokepodsd.view.matrixruns import drawn_runs
from pokepodsd.view.matrixwords import ONE_WAY, cell_lines, labels, summary, time

MOST_LETTERED: Final = 120
_MARGIN: Final = 12
_FONT: Final = 11
_LETTER_WIDTH: Final = 6.7
_LONGEST_LABEL: Final = 26
# The size of a cell for so many nodes.
_CELLS: Final = ((12, 30.0), (40, 18.0), (MOST_LETTERED, 14.0))
_OVERVIEW: Final = 1_000
_LEGEND_LINE: Final = 20
_TEXT_WIDTH: Final = 620
_PATTERNS: Final = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="6" height="6" fill="#eeeeee"/>'
    '<rect width="2" height="6" fill="#9a9a9a"/></pattern>'
    '<pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse">'
    '<rect width="5" height="5" fill="#ffffff"/><circle cx="2.5" cy="2.5" r="0.8" fill="#777777"/>'
    "</pattern></defs>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where things are: a cell's size, and the place of the first one."""

    cell: float
    left: float
    top: float

    def x(self, column: float) -> float:
        return round(self.left + column * self.cell, 2)

    def y(self, row: float) -> float:
        return round(self.top + row * self.cell, 2)


def standalone(matrix: Matrix) -> str:
    """A document of its own, with heading, titles in the cells, and legend."""
    size = len(matrix.nodes)
    heading = [f"pokepodsd matrix, {time(matrix.at_seconds)}, from {matrix.source}"]
    heading += summary(matrix)
    above = _MARGIN + _LEGEND_LINE * len(heading)
    frame = _frame(matrix, above)
    shown = [state for state in LOOKS if state in matrix.counts()]
    longest = max(len(text) for text in heading)
    width = max(frame.x(size), longest * _LETTER_WIDTH, _TEXT_WIDTH) + _MARGIN
    below = frame.y(size) + _LEGEND_LINE
    height = below + _LEGEND_LINE * (len(shown) + 1) + _MARGIN
    parts = [_start(width, height, "pokepodsd matrix"), _PATTERNS]
    parts.append(f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>')
    for number, text in enumerate(heading):
        weight = ' font-weight="bold"' if number < 2 else ""
        y = _MARGIN + _LEGEND_LINE * (number + 0.5)
        parts.append(f'<text x="{_MARGIN}" y="{y:g}"{weight}>{escape(text)}</text>')
    parts += _body(matrix, frame, with_titles=True)
    for number, state in enumerate(shown):
        parts.append(_legend(LOOKS[state], below + _LEGEND_LINE * number))
    if len(matrix.nodes) <= MOST_LETTERED:
        y = below + _LEGEND_LINE * len(shown)
        parts.append(f'<rect x="{_MARGIN}" y="{y:g}" width="14" height="14" fill="#c22f0c"/>')
        parts.append(_corner(_MARGIN + 14, y, 6))
        parts.append(f'<text x="{_MARGIN + 22}" y="{y + 11:g}">{ONE_WAY}</text>')
    return "\n".join([*parts, "</svg>", ""])


def printed(matrix: Matrix) -> str:
    """The drawing alone, for a page that has heading and legend itself."""
    frame = _frame(matrix, _MARGIN / 2)
    size = len(matrix.nodes)
    width, height = frame.x(size) + _MARGIN, frame.y(size) + _MARGIN
    body = _body(matrix, frame, with_titles=False)
    return "\n".join([_start(width, height, "the matrix"), _PATTERNS, *body, "</svg>"])


def swatch(look: Look) -> str:
    """A small square that shows a look, in the page's own colours."""
    return (
        f'<svg class="swatch" width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">'
        f'<rect class="fill-{look.key}" x="0.5" y="0.5" width="17" height="17"/>'
        f"{_pattern_lines(look)}"
        f'<text class="ink-{look.key}" x="9" y="13" text-anchor="middle">{escape(look.letter)}'
        "</text></svg>"
    )


def _pattern_lines(look: Look) -> str:
    match look.pattern:
        case "hatch":
            return f'<path class="line-{look.key}" d="M1 9L9 1M1 17L17 1M9 17L17 9"/>'
        case _:
            return ""


def _frame(matrix: Matrix, above: float) -> _Frame:
    size = len(matrix.nodes)
    names = labels([node.name for node in matrix.nodes], _LONGEST_LABEL)
    label = max((len(name) for name in names), default=0) * _LETTER_WIDTH + 10
    cell = next((cell for most, cell in _CELLS if size <= most), _OVERVIEW / max(1, size))
    return _Frame(cell=cell, left=_MARGIN + label, top=above + label)


def _start(width: float, height: float, name: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{name}" '
        f'font-family="DejaVu Sans, Verdana, sans-serif" font-size="{_FONT}" fill="#111111">'
    )


def _body(matrix: Matrix, frame: _Frame, *, with_titles: bool) -> Iterator[str]:
    size = len(matrix.nodes)
    yield from _labels(matrix, frame)
    if size > MOST_LETTERED:
        yield from _overview(matrix, frame)
    else:
        yield from _cells(matrix, frame, with_titles=with_titles)
    side = round(size * frame.cell, 2)
    yield (
        f'<rect x="{frame.left:g}" y="{frame.top:g}" width="{side:g}" height="{side:g}" '
        'fill="none" stroke="#555555"/>'
    )


def _labels(matrix: Matrix, frame: _Frame) -> Iterator[str]:
    """Names of rows and columns; where there is no room for all, of as many as there is."""
    names = labels([node.name for node in matrix.nodes], _LONGEST_LABEL)
    step = max(1, -(-_FONT // int(max(1, frame.cell))))
    for number, (node, name) in enumerate(zip(matrix.nodes, names, strict=True)):
        if number % step:
            continue
        y = frame.y(number + 0.5) + _FONT * 0.35
        x = frame.x(number + 0.5) + _FONT * 0.35
        weight = "" if node.report is Report.REPORTING else ' font-weight="bold"'
        title = f"<title>{escape(node.name)}</title>" if name != node.name else ""
        text = escape(name)
        yield (
            f'<text x="{frame.left - 5:g}" y="{y:g}" text-anchor="end"{weight}>{title}{text}</text>'
            f'<text transform="translate({x:g} {frame.top - 5:g}) rotate(-90)"{weight}>'
            f"{title}{text}</text>"
        )


def _cells(matrix: Matrix, frame: _Frame, *, with_titles: bool) -> Iterator[str]:
    side = round(frame.cell - 1, 2)
    size = round(max(10, frame.cell * 0.55), 1)
    for poker, row in enumerate(matrix.rows):
        for poked, cell in enumerate(row):
            look = LOOKS[cell.state]
            x, y = frame.x(poked), frame.y(poker)
            inside = ""
            if with_titles:
                lines = "\n".join(cell_lines(matrix, poker, poked))
                inside = f"<title>{escape(lines)}</title>"
            yield (
                f'<rect x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}" '
                f'fill="{_fill(look)}">{inside}</rect>'
            )
            if cell.state not in (State.OK, State.ITSELF, State.NOT_REPORTING):
                # Nothing but the square under it is hovered.
                yield (
                    f'<text x="{x + side / 2:g}" y="{y + side / 2 + size * 0.36:g}" '
                    f'text-anchor="middle" font-size="{size:g}" font-weight="bold" '
                    f'fill="{look.ink}" pointer-events="none">{escape(look.letter)}</text>'
                )
            if matrix.is_one_way(poker, poked):
                yield _corner(x + side, y, round(frame.cell * 0.3, 1))


def _corner(x: float, y: float, leg: float) -> str:
    """The mark of a failure that is one way only."""
    return (
        f'<path d="M{x - leg:g} {y:g}h{leg:g}v{leg:g}z" fill="#ffffff" stroke="#111111" '
        'stroke-width="0.6" pointer-events="none"/>'
    )


def _overview(matrix: Matrix, frame: _Frame) -> Iterator[str]:
    runs = drawn_runs(matrix)
    scale = frame.cell * runs.pairs_a_side
    origin = f"translate({frame.left:g} {frame.top:g}) scale({scale:.4f})"
    yield f'<g transform="{origin}">'
    yield f'<rect width="{runs.side}" height="{runs.side}" fill="{LOOKS[State.OK].fill}"/>'
    for state in reversed(LOOKS):
        spans = runs.spans.get(state, [])
        if not spans or state is State.OK:
            continue
        # A pattern would be scaled with the rest.
        look = LOOKS[state]
        fill = {"hatch": "#b5b5b5", "dots": "#ffffff"}.get(look.pattern, look.fill)
        grown = f' stroke="{fill}" stroke-width="0.8"' if state.is_failing else ""
        path = "".join(f"M{x} {y}h{length}v1h-{length}z" for x, y, length in spans)
        yield f'<path fill="{fill}"{grown} d="{path}"/>'
    yield "</g>"


def _fill(look: Look) -> str:
    return f"url(#{look.pattern})" if look.pattern else look.fill


def _legend(look: Look, y: float) -> str:
    letter = "" if look.pattern == "hatch" else escape(look.letter)
    words = escape(f"{look.words}: {look.meaning}")
    return (
        f'<rect x="{_MARGIN}" y="{y:g}" width="14" height="14" fill="{_fill(look)}" '
        f'stroke="#777777" stroke-width="0.5"/>'
        f'<text x="{_MARGIN + 7}" y="{y + 11:g}" text-anchor="middle" font-weight="bold" '
        f'fill="{look.ink}">{letter}</text>'
        f'<text x="{_MARGIN + 22}" y="{y + 11:g}">{words}</text>'
    )
