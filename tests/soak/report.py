"""What an endurance run found, as a table, as JSON, and a line for each violation.

Owns the figures, and what is said of them. Judges nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

from tests.soak.leaks import Sample, growth
from tests.soak.notices import Notice, Says
from tests.soak.pokes import PokeBook, Violation
from tests.soak.sampling import Series
from tests.soak.truth import SECOND_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All of a run; times are of the monotonic clock."""

    seed: int
    begin_ns: int
    end_ns: int
    faults: Sequence[str]
    due: int
    notices: Sequence[Notice]
    books: Mapping[str, PokeBook]
    series: Series
    starts: Mapping[str, int]
    violations: Sequence[Violation]
    harness: Sequence[str] = field(default_factory=list)
    slow_seconds: float = 0.0
    excused: Sequence[Notice] = field(default_factory=list)
    changes: int = 0


_MB = 1e6
Figures = Mapping[str, Mapping[str, float]]


def figures(found: Found) -> Figures:
    """Each figure by its name, and by daemon."""
    rows: dict[str, dict[str, float]] = {
        "pokes seen": {name: book.pokes for name, book in found.books.items()},
        "longest wait of a pod (s)": {
            name: book.longest_ns / SECOND_NS for name, book in found.books.items()
        },
        "when that was (s)": {
            name: max(0, book.longest_at_ns - found.begin_ns) / SECOND_NS
            for name, book in found.books.items()
        },
        "starts": {name: float(starts) for name, starts in found.starts.items()},
        "alarms": _count(found, lambda one: one.says is Says.ALARM),
        "entries": _count(found, lambda _: True),
    }
    for what, by_daemon in found.series.items():
        scale, unit = (_MB, " (MB)") if what.endswith("RSS") else (1.0, "")
        last = {name: samples[-1].value / scale for name, samples in by_daemon.items()}
        rows[f"{what} at the end{unit}"] = last
        grown = {
            name: value / scale
            for name, samples in by_daemon.items()
            if (value := growth(samples, found.begin_ns, found.end_ns)) is not None
        }
        rows[f"{what}: growth over the second half{unit}"] = grown
    return rows


def table(found: Found) -> Table:
    """The figures of all daemons: the least, the median, the most."""
    minutes = (found.end_ns - found.begin_ns) / SECOND_NS / 60
    drawn = Table(title=f"{minutes:.1f} minutes, {len(found.books)} daemons, seed {found.seed}")
    for name in ("of each daemon", "least", "median", "most"):
        drawn.add_column(name, justify="left" if name == "of each daemon" else "right")
    for name, values in figures(found).items():
        if values:
            shown = (min(values.values()), median(values.values()), max(values.values()))
            drawn.add_row(name, *(f"{one:,.2f}".removesuffix(".00") for one in shown))
    return drawn


def summary(found: Found) -> list[str]:
    """What there was, in lines."""
    kinds = Counter(one.split()[0] for one in found.faults)
    told = Counter(one.kind.name for one in found.notices)
    return [
        f"{len(found.faults)} faults: {_counted(kinds)}",
        f"{found.changes} changes of pods",
        f"{found.due} outages that had to be told, {_count_all(found)} alarms",
        f"entries: {_counted(told)}",
        *(f"of the run itself: {one}" for one in found.harness),
        f"{found.slow_seconds:.0f} s in which this machine was too slow to be a network: "
        f"{len(found.excused)} alarms of that time that nothing else explains",
        f"{len(found.violations)} violations",
    ]


def lines(found: Found) -> list[str]:
    """Each violation in one line: when, who, what was expected, what was seen, which faults."""
    return [_line(one, found.begin_ns) for one in found.violations]


def as_json(found: Found) -> dict[str, Any]:
    """All of it, for machines."""
    return {
        "seed": found.seed,
        "seconds": (found.end_ns - found.begin_ns) / SECOND_NS,
        "summary": summary(found),
        "figures": {name: dict(values) for name, values in figures(found).items()},
        "violations": [asdict(one) for one in found.violations],
        "series": {
            what: {name: _points(samples, found.begin_ns) for name, samples in by_daemon.items()}
            for what, by_daemon in found.series.items()
        },
    }


def _line(one: Violation, begin_ns: int) -> str:
    at = (one.at_ns - begin_ns) / SECOND_NS
    faults = "; ".join(one.faults) or "none"
    return f"{at:8.1f} s {one.daemon}: expected {one.expected}; seen {one.seen}; faults: {faults}"


def _points(samples: Iterable[Sample], begin_ns: int) -> list[tuple[float, int, float]]:
    return [(round((s.at_ns - begin_ns) / SECOND_NS, 1), s.instance, s.value) for s in samples]


def _count(found: Found, is_one: Callable[[Notice], bool]) -> dict[str, float]:
    counts = Counter(one.daemon for one in found.notices if is_one(one))
    return {name: float(counts[name]) for name in found.books}


def _count_all(found: Found) -> int:
    return sum(one.says is Says.ALARM for one in found.notices)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"
