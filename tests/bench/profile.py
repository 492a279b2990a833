"""Where the processor time of a poke goes, and what wakes, collects and allocates meanwhile.

Owns what is looked at on which daemon: wake-ups and the profile by stages of the hot path on one
that nobody observes, the paths and the garbage collector on one that is observed from inside.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.bench import stages
from tests.bench.accounting import switches
from tests.bench.figures import Figure, Finding, Passage, Run
from tests.bench.paths import OBSERVED, Observed, compare, observed
from tests.bench.spying import spy
from tests.bench.steady import INTERVAL_SECONDS, TABLES, Ground, Reading, ground, sent
from tests.cluster import Daemon, told

RATES: Final = (10, 200, 2_000)
ACCOUNTED_SECONDS: Final = 4.0
SAMPLED_SECONDS: Final = 15


def measure(run: Run) -> Iterator[Finding]:
    """The paths of a poke at 2,000/s; in full also its profile, wake-ups and the collector."""
    slowest = RATES[-1 if run.is_short else 0]
    with ground(run.folder / "ground", pods=slowest * INTERVAL_SECONDS) as standing:
        if not run.is_short:
            yield from _unobserved(standing, run)
        with observed(standing, run.folder / "observed.json") as daemon:
            start = daemon.seen()
            yield from compare(standing, daemon, runs=run.runs(8, 6))
            if not run.is_short:
                yield from _collector(standing, daemon, start)


def _unobserved(standing: Ground, run: Run) -> Iterator[Finding]:
    with standing.daemon() as daemon:
        for rate in RATES:
            standing.grow(rate * INTERVAL_SECONDS).wait_steady(daemon)
            yield _wakeups(daemon, rate)
        yield _profile(standing, daemon.process.pid, run.folder)


def _wakeups(daemon: Daemon, rate: int) -> Figure:
    before, begin = switches(daemon.process.pid), time.monotonic()
    time.sleep(ACCOUNTED_SECONDS)
    woken = switches(daemon.process.pid) - before
    return Figure(
        name=f"wake-ups, steady {rate:,}/s",
        unit="a second",
        ours=[woken / (time.monotonic() - begin)],
        note="of daemon and reader; a tick is 50 ms, so 20 are the most that pokes need",
        settings=told(TABLES),
    )


def _profile(standing: Ground, pid: int, folder: Path) -> Passage:
    """The processor time is taken while nobody samples."""
    before = Reading.of(pid, standing.here)
    time.sleep(ACCOUNTED_SECONDS)
    cpu_ns = Reading.of(pid, standing.here).since(before)
    return Passage(
        name="Where the processor time of a poke goes, steady 2,000/s",
        text=stages.table(stages.count(spy(pid, SAMPLED_SECONDS, folder)), cpu_ns)
        + f"\nSet: {told(TABLES)}",
    )


def _collector(standing: Ground, daemon: Observed, start: dict[str, Any]) -> Iterator[Finding]:
    """Passes while it started and while it is steady, and what stays of what pokes allocate."""
    before = daemon.seen()
    pokes = sent(standing.here)
    time.sleep(ACCOUNTED_SECONDS)
    steady, pokes = daemon.seen(), sent(standing.here) - pokes
    daemon.process.signal(signal.SIGUSR2)
    time.sleep(INTERVAL_SECONDS)
    lines = daemon.seen()["lines"]
    yield Figure(
        name="longest pass of the garbage collector, steady 2,000/s",
        unit="ms",
        ours=[_longest_ms(steady)],
        note="0 is no pass at all: what a poke allocates is given back within its tick. "
        f"{OBSERVED}",
        settings=told(TABLES),
    )
    text = [
        f"{'passes of generation':<22}{0:>6}{1:>6}{2:>6}   the longest",
        _passes("until all are up", start),
        _passes(f"steady, {ACCOUNTED_SECONDS:.0f} s", steady),
        f"{steady['blocks']:,} blocks are allocated; a poke leaves"
        f" {(steady['blocks'] - before['blocks']) / pokes:.3f} more.",
        f"What is left of what all targets' pokes of {INTERVAL_SECONDS} s allocated, by line:",
        *(f"{blocks:>9,} blocks {size:>11,} bytes  {place}" for place, blocks, size in lines),
        f"Set: {told(TABLES)}. {OBSERVED}.",
    ]
    yield Passage(name="Collection and allocation, 10,000 targets at 2,000/s", text="\n".join(text))


def _longest_ms(seen: dict[str, Any]) -> float:
    pauses: list[list[int]] = list(seen["pauses_ns"].values())
    return max((pause for one in pauses for pause in one), default=0) / 1e6


def _passes(what: str, seen: dict[str, Any]) -> str:
    counts = "".join(f"{len(one):>6}" for one in seen["pauses_ns"].values())
    return f"{what:<22}{counts}{_longest_ms(seen):>8.1f} ms"
