"""The results as a person reads them, and as JSON.

Owns the words and the columns. Judges by the goals of the figures, and knows no file.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.bench.figures import (
    Curves,
    Failure,
    Figure,
    Goal,
    Passage,
    Result,
    Spread,
    short_of,
)
from tests.bench.machine import sentence

VERSION = 1
OVERVIEW = "figures.svg"
"""The file name of the plot of all goals."""
_WORDS = {True: "reached", False: "**not reached**", None: "not judged"}
_HEAD = ("figure", "pokepodsd", "beside it", "ratio", "to reach", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """When, on what and with what was measured, and in which form.

    ``load`` is the load average of a minute at the begin and at the end, ``seconds`` how long each
    benchmark took.
    """

    begin: datetime
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    is_short: bool
    load: tuple[float, float]
    seconds: Mapping[str, float]


def page(results: Sequence[Result], circumstances: Circumstances) -> str:
    """The report in Markdown, which also reads as plain text.

    Plots are linked by the names that `plot_name` gives.
    """
    is_short = circumstances.is_short
    form = "the short form, with its wide margins" if is_short else "the full form"
    parts = [
        "# Measured",
        f"{circumstances.begin:%Y-%m-%d %H:%M} UTC, {form} of `make bench`, on one machine:"
        f" {sentence(circumstances.machine)}.",
        f"With {sentence(circumstances.versions)}.",
        _duration(circumstances),
        (
            "Each line was measured in one run, interleaved with what stands beside it: the median"
            " (least to most). A ratio is that of each pair, and carries over to other machines;"
            " the other values do not."
        ),
        "\n".join(_table(results, is_short=is_short)),
    ]
    if any(_is_judged(one, is_short=is_short) for one in results):
        parts.append(f"![What was measured, as a share of what it may be]({OVERVIEW})")
    missed = short_of(results, is_short=is_short)
    if missed:
        parts += ["## Not reached", "\n".join(f"- {line}" for line in missed)]
    notes = [
        f"- {one.name}: {told}"
        for one in results
        if isinstance(one, Figure)
        if (told := _told(one))
    ]
    if notes:
        parts += ["## Notes", "\n".join(notes)]
    parts += [text for one in results for text in _sections(one)]
    return "\n\n".join(parts) + "\n"


def _duration(circumstances: Circumstances) -> str:
    took = {name: f"{seconds:.0f}" for name, seconds in circumstances.seconds.items()}
    before, after = circumstances.load
    return (
        f"It took {sum(circumstances.seconds.values()):.0f} s ({sentence(took)}). The load average"
        f" was {before:.2f} at the begin and {after:.2f} at the end, its own work included."
    )


def _is_judged(result: Result, *, is_short: bool) -> bool:
    return isinstance(result, Figure) and any(
        goal.bound(is_short=is_short) is not None for goal in result.goals
    )


def _told(figure: Figure) -> str:
    """The note and the settings."""
    note = figure.note.rstrip(".") + "." if figure.note else ""
    return " ".join(filter(None, (note, figure.settings and f"Set: `{figure.settings}`.")))


def plot_name(curves: Curves) -> str:
    """The file name of a plot."""
    words = "".join(letter if letter.isalnum() else " " for letter in curves.name.lower()).split()
    return "-".join(words) + ".svg"


def document(results: Sequence[Result], circumstances: Circumstances) -> dict[str, Any]:
    """The report as JSON has it: every value of every run."""
    is_short = circumstances.is_short
    return {
        "version": VERSION,
        "date": f"{circumstances.begin:%Y-%m-%d}",
        "time": f"{circumstances.begin:%H:%M:%S} UTC",
        "load_average": dict(zip(("begin", "end"), circumstances.load, strict=True)),
        "seconds": dict(circumstances.seconds),
        "form": "short" if is_short else "full",
        "machine": dict(circumstances.machine),
        "versions": dict(circumstances.versions),
        "figures": [_figure(one, is_short=is_short) for one in results if isinstance(one, Figure)],
        "curves": [_curves(one) for one in results if isinstance(one, Curves)],
        "passages": {one.name: one.text for one in results if isinstance(one, Passage)},
        "failures": {one.name: one.text for one in results if isinstance(one, Failure)},
    }


def _table(results: Sequence[Result], *, is_short: bool) -> Iterator[str]:
    yield "| " + " | ".join(_HEAD) + " |"
    yield "|" + " --- |" * len(_HEAD)
    for one in results:
        if isinstance(one, Figure):
            for cells in _rows(one, is_short=is_short):
                yield "| " + " | ".join(cells) + " |"


def _rows(figure: Figure, *, is_short: bool) -> Iterator[tuple[str, ...]]:
    """A row a peer, and one for a goal that has none."""
    own = f"{spread(figure.ours)} {figure.unit}"
    first = (figure.name, own)
    absolute: list[Goal | None] = [goal for goal in figure.goals if not goal.of]
    for goal in absolute or ([] if figure.peers else [None]):
        yield (*first, "", "", *_judgement(figure, goal, is_short=is_short))
        first = ("", "")
    for peer, values in figure.peers.items():
        beside = f"{peer}: {spread(values)}"
        goals: list[Goal | None] = [goal for goal in figure.goals if goal.of == peer]
        for goal in goals or [None]:
            judged = _judgement(figure, goal, is_short=is_short)
            yield (*first, beside, spread(figure.ratios(peer)), *judged)
            first, beside = ("", ""), ""


def _judgement(figure: Figure, goal: Goal | None, *, is_short: bool) -> tuple[str, str]:
    bound = None if goal is None else goal.bound(is_short=is_short)
    if goal is None or bound is None:
        return "", ""
    words = " at worst" if goal.statistic == "worst" else ""
    return f"{_number(bound)}{words}", _WORDS[figure.is_reached(goal, is_short=is_short)]


def _sections(result: Result) -> Iterator[str]:
    match result:
        case Curves():
            yield f"## {result.name}"
            yield f"![{result.name}]({plot_name(result)})"
            yield "\n".join(_slopes(result))
            if result.note:
                yield result.note
        case Passage():
            yield f"## {result.name}"
            yield f"```\n{result.text.rstrip()}\n```"
        case Failure():
            yield f"## {result.name}: failed"
            yield f"```\n{result.text.rstrip()}\n```"
        case _:
            pass


def _slopes(curves: Curves) -> Iterator[str]:
    for line in curves.lines:
        whole, steepest = curves.exponent(line), curves.local_exponent(line)
        if whole is None:
            continue
        text = f"- {line}: exponent {whole:.2f}"
        if curves.steepest is not None and steepest is not None:
            text += f", {steepest:.2f} where it is steepest; to reach {curves.steepest:.2f}: "
            text += _WORDS[steepest <= curves.steepest]
        yield text


def _figure(figure: Figure, *, is_short: bool) -> dict[str, Any]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "ours": list(figure.ours),
        "peers": {peer: list(values) for peer, values in figure.peers.items()},
        "ratios": {peer: figure.ratios(peer) for peer in figure.peers},
        "goals": [
            {
                "most": goal.bound(is_short=is_short),
                "most_full": goal.most,
                "of": goal.of or None,
                "statistic": goal.statistic,
                "value": figure.value(goal),
                "reached": figure.is_reached(goal, is_short=is_short),
                "margin": goal.margin or None,
            }
            for goal in figure.goals
        ],
        "note": figure.note or None,
        "settings": figure.settings or None,
    }


def _curves(curves: Curves) -> dict[str, Any]:
    return {
        "name": curves.name,
        "x": curves.x_label,
        "y": curves.y_label,
        "lines": {line: [list(point) for point in points] for line, points in curves.lines.items()},
        "exponents": {line: curves.exponent(line) for line in curves.lines},
        "local_exponents": {line: curves.local_exponent(line) for line in curves.lines},
        "steepest": curves.steepest,
        "reached": curves.is_reached(),
        "note": curves.note or None,
    }


def spread(values: Sequence[float]) -> str:
    """The median of values, and their extremes."""
    spread = Spread.of(values)
    if len(values) == 1:
        return _number(spread.median)
    return f"{_number(spread.median)} ({_number(spread.least)} to {_number(spread.most)})"


def _number(value: float) -> str:
    """Three digits that count, without an exponent."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == int(value):
        return str(int(value))
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}".rstrip("0")
