"""What a benchmark finds: figures with their goals, curves, passages of text.

Owns the values and how a goal is judged. Measures nothing and prints nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Literal

OURS = "pokepodsd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a figure, or its ratio to a peer, may be at most.

    ``of`` names the peer that it is divided by, pair by pair; "" for the figure itself.
    ``most_short`` is the wide margin of the short form, ``margin`` why it is that wide; None where
    the short form does not judge.
    """

    most: float
    of: str = ""
    statistic: Literal["median", "worst"] = "median"
    most_short: float | None = None
    margin: str = ""

    def bound(self, *, is_short: bool) -> float | None:
        """The bound of a form; None where that does not judge."""
        return self.most_short if is_short else self.most


@dataclass(frozen=True, slots=True)
class Spread:
    """Several values of one thing: their median and their extremes."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of at least one value."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the report: ours, a value a run, and the peers', interleaved with it.

    ``settings`` are those of pokepodsd that are not its defaults.
    """

    name: str
    unit: str
    ours: Sequence[float]
    peers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    goals: Sequence[Goal] = ()
    note: str = ""
    settings: str = ""

    def ratios(self, peer: str) -> list[float]:
        """Ours divided by the peer's, pair by pair.

        Raises:
            ValueError: the two were not measured equally often, or the peer has a value of 0.
        """
        theirs = self.peers[peer]
        if len(theirs) != len(self.ours) or not all(theirs):
            raise ValueError(f"{self.name}: {self.ours} has no pair for each of {peer}'s {theirs}")
        return [mine / other for mine, other in zip(self.ours, theirs, strict=True)]

    def value(self, goal: Goal) -> float:
        """What is held against a goal."""
        values = self.ratios(goal.of) if goal.of else list(self.ours)
        return max(values) if goal.statistic == "worst" else median(values)

    def is_reached(self, goal: Goal, *, is_short: bool) -> bool | None:
        """Whether a goal is reached; None where this form does not judge it."""
        bound = goal.bound(is_short=is_short)
        return None if bound is None else self.value(goal) <= bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """One plot: lines of (x, y), and how steep they may be.

    ``steepest`` is the largest slope that a line may have between neighbouring points from
    ``judged_from`` on, both axes logarithmic: the local exponent of its growth.
    """

    name: str
    x_label: str
    y_label: str
    lines: Mapping[str, Sequence[tuple[float, float]]]
    is_logarithmic: bool = True
    steepest: float | None = None
    judged_from: float = 0.0
    note: str = ""

    def exponent(self, line: str) -> float | None:
        """The exponent of a line over all its points, by least squares; None with fewer than 2."""
        points = [(math.log(x), math.log(y)) for x, y in self.lines[line] if x > 0 and y > 0]
        if len(points) < 2:
            return None
        mean_x = sum(x for x, _ in points) / len(points)
        mean_y = sum(y for _, y in points) / len(points)
        across = sum((x - mean_x) ** 2 for x, _ in points)
        return sum((x - mean_x) * (y - mean_y) for x, y in points) / across

    def local_exponent(self, line: str) -> float | None:
        """The steepest slope between neighbours from ``judged_from`` on; None with fewer than 2."""
        points = [(x, y) for x, y in self.lines[line] if x >= self.judged_from and x > 0 and y > 0]
        slopes = [math.log(y2 / y1) / math.log(x2 / x1) for (x1, y1), (x2, y2) in pairwise(points)]
        return max(slopes, default=None)

    def is_reached(self) -> bool | None:
        """Whether no line is too steep; None where none is judged."""
        slopes = [self.local_exponent(line) for line in self.lines]
        known = [slope for slope in slopes if slope is not None]
        if self.steepest is None or not known:
            return None
        return max(known) <= self.steepest


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Text for the report that is no figure, shown as it is: a profile, a table."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A benchmark that ended with an error, whose other findings still count."""

    name: str
    text: str


Finding = Figure | Curves | Passage
Result = Finding | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a benchmark is told: an empty folder of its own, and which form is wanted."""

    folder: Path
    is_short: bool

    def runs(self, full: int, short: int) -> int:
        """How often something is repeated."""
        return short if self.is_short else full


def short_of(results: Sequence[Result], *, is_short: bool) -> list[str]:
    """What was not reached, or failed: a line each."""
    lines = []
    for one in results:
        match one:
            case Figure():
                lines += [
                    f"{one.name}: {one.value(goal):.3g}{against(goal)}, to reach"
                    f" {goal.bound(is_short=is_short):.3g}"
                    for goal in one.goals
                    if one.is_reached(goal, is_short=is_short) is False
                ]
            case Curves():
                if one.is_reached() is False:
                    slopes = [one.local_exponent(line) or 0 for line in one.lines]
                    lines.append(f"{one.name}: exponent {max(slopes):.2f}, to reach {one.steepest}")
            case Failure():
                lines.append(f"{one.name}: failed: {one.text.splitlines()[-1]}")
            case Passage():
                pass
    return lines


def against(goal: Goal) -> str:
    """What a goal's value is of, in words."""
    words = " at worst" if goal.statistic == "worst" else ""
    return f"{words} of {goal.of}" if goal.of else words
