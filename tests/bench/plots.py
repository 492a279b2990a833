"""Curves and figures as SVG; the only module that knows matplotlib.

Owns how a plot looks. The same results make the same file.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure as Drawing

from tests.bench.figures import Curves, Figure, Goal, Result
from tests.bench.report import OVERVIEW, plot_name

_STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "pokepodsd",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
_MARKERS = "osD^vPX*"
_LETTERS = 45
_LEAST_SHARE, _FAR_ABOVE = 1e-3, 10.0


def draw(results: Sequence[Result], folder: Path, *, is_short: bool) -> list[Path]:
    """Write one plot for each Curves, and one of all goals; their paths."""
    paths = []
    with mpl.rc_context(_STYLE):
        for one in results:
            if isinstance(one, Curves):
                paths.append(_draw_curves(one, folder / plot_name(one)))
        judged = list(_judged(results, is_short=is_short))
        if judged:
            paths.append(_draw_goals(judged, folder / OVERVIEW))
    return paths


def _draw_curves(curves: Curves, path: Path) -> Path:
    drawing = Drawing(figsize=(7, 4), layout="constrained")
    axes = drawing.subplots()
    for number, (line, points) in enumerate(curves.lines.items()):
        exponent = curves.exponent(line) if curves.is_logarithmic else None
        label = line if exponent is None else f"{line} (exponent {exponent:.2f})"
        across, up = zip(*points, strict=True)
        axes.plot(across, up, marker=_MARKERS[number % len(_MARKERS)], markersize=4, label=label)
    if curves.is_logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlabel(curves.x_label)
    axes.set_ylabel(curves.y_label)
    axes.set_title(curves.name, loc="left")
    axes.legend(frameon=False, fontsize=8)
    return _save(drawing, path)


def _draw_goals(judged: Sequence[tuple[str, float]], path: Path) -> Path:
    """How much of what it may be each figure is, on one axis: left of 1 is reached."""
    names = [textwrap.fill(name, _LETTERS) for name, _ in judged]
    shares = [share for _, share in judged]
    lines = sum(name.count("\n") + 1.5 for name in names)
    drawing = Drawing(figsize=(10, 1 + 0.17 * lines), layout="constrained")
    axes = drawing.subplots()
    colours = ["#2a7f4f" if share <= 1 else "#b3261e" for share in shares]
    axes.barh(range(len(names)), shares, color=colours, height=0.6)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    drawing.supxlabel("measured, as a share of what it may be at most (1 = just reached)")
    return _save(drawing, path)


def _judged(results: Sequence[Result], *, is_short: bool) -> list[tuple[str, float]]:
    return [
        (_title(one, goal), _share(one.value(goal), bound))
        for one in results
        if isinstance(one, Figure)
        for goal in one.goals
        if (bound := goal.bound(is_short=is_short)) is not None
    ]


def _share(value: float, bound: float) -> float:
    """A value's share of its bound, on an axis that has no 0; a bound of 0 is reached or is not."""
    if bound == 0:
        return _LEAST_SHARE if value <= 0 else _FAR_ABOVE
    return max(value / bound, _LEAST_SHARE)


def _title(figure: Figure, goal: Goal) -> str:
    return f"{figure.name} / {goal.of}" if goal.of else figure.name


def _save(drawing: Drawing, path: Path) -> Path:
    drawing.savefig(path, format="svg", metadata={"Date": None})
    return path
