"""Whether what a process holds grows.

Owns the fit and its bounds. A long-lived cycle that is dropped is never freed by the daemon
(`pokepodsd.edge.garbage`), so that a leak of one small cycle a change of pods would show here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Final

from tests.soak.pokes import Violation
from tests.soak.truth import SECOND_NS

# So many samples at most are fitted: pairs are many.
_MOST: Final = 120
_LEAST: Final = 5
_MB: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a series may grow over the second half: of one daemon, and of most.

    A share of what is held is for the allocator: arenas that are in part free move by as much.
    """

    one: float
    most: float
    share: float = 0.0


# RSS: a record and its target are 1.2 kB; lost with each of 1,800 changes in half an hour they are
# 2 MB, in all daemons alike. A single process may take one more list of all pods' worth of arenas.
# Descriptors, threads and series are counts: a half is none.
BOUNDS: Final[Mapping[str, Bound]] = {
    "daemon RSS": Bound(one=4 * _MB, most=1.5 * _MB, share=0.02),
    "reader RSS": Bound(one=8 * _MB, most=3 * _MB, share=0.03),
    "descriptors": Bound(one=1.5, most=0.5),
    "threads": Bound(one=0.9, most=0.5),
    "series": Bound(one=6.0, most=2.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One reading of one process; another ``instance`` is another process."""

    at_ns: int
    instance: int
    value: float


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil and Sen's: the median of the slopes of all pairs, which a few outliers do not move."""
    step = max(1, -(-len(points) // _MOST))
    thinned = points[::step]
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(thinned, 2) if x2 > x1]
    return median(slopes) if slopes else 0.0


def growth(samples: Iterable[Sample], begin_ns: int, end_ns: int) -> float | None:
    """By how much the series grows from the middle of this time to its end, by the fit.

    None where no process has lived through it.
    """
    middle = (begin_ns + end_ns) // 2
    second = [one for one in samples if middle <= one.at_ns <= end_ns]
    if not second or len({one.instance for one in second}) != 1 or len(second) < _LEAST:
        return None
    points = [((one.at_ns - middle) / SECOND_NS, one.value) for one in second]
    return slope(points) * (end_ns - middle) / SECOND_NS


def violations(
    series: Mapping[str, Mapping[str, Sequence[Sample]]], begin_ns: int, end_ns: int
) -> Iterator[Violation]:
    """What grows: ``series`` are by what they are of, and by daemon."""
    for what, by_daemon in series.items():
        bound = BOUNDS[what]
        grown = {
            daemon: found
            for daemon, samples in by_daemon.items()
            if (found := growth(samples, begin_ns, end_ns)) is not None
        }
        held = {daemon: median(one.value for one in by_daemon[daemon]) for daemon in grown}
        for daemon, found in grown.items():
            most = bound.one + bound.share * held[daemon]
            if found > most:
                yield _grows(end_ns, daemon, what, most, found)
        if len(grown) > 1:
            most = bound.most + bound.share * median(held.values())
            if (found := median(grown.values())) > most:
                yield _grows(end_ns, "most daemons", what, most, found)


def _grows(at_ns: int, daemon: str, what: str, most: float, found: float) -> Violation:
    return Violation(
        at_ns=at_ns,
        daemon=daemon,
        expected=f"{what} flat over the second half, to {most:.1f}",
        seen=f"it grew by {found:.1f}",
    )
