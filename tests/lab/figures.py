"""Owns the arithmetic of assertions about times and echoes. Pure functions only."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable

from tests.lab.packets import Echo


def largest_window(times_ns: Iterable[int], window_ns: int) -> int:
    """Return the most times that lie in any half-open window of this length."""
    ordered = sorted(times_ns)
    first = most = 0
    for last, time_ns in enumerate(ordered):
        while time_ns - ordered[first] >= window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most


def gaps(times_ns: Iterable[int]) -> list[int]:
    """Return the differences between neighbouring times, in the order of time."""
    ordered = sorted(times_ns)
    return [late - early for early, late in itertools.pairwise(ordered)]


def percentile_99(values: Iterable[float]) -> float:
    """Return the 99th percentile, which is one of the values."""
    ordered = sorted(values)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def by_destination(echoes: Iterable[Echo]) -> dict[str, list[Echo]]:
    grouped: defaultdict[str, list[Echo]] = defaultdict(list)
    for echo in echoes:
        grouped[echo.destination].append(echo)
    return dict(grouped)
