"""Where the processor time of a poke goes, and what wakes, collects and allocates meanwhile.

Owns the profile of the running daemon by stages of the hot path, its wake-ups at three rates, and
the passes of the garbage collector. Judges nothing: the costs themselves are judged elsewhere.
"""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.bench import stages
from tests.bench.accounting import switches
from tests.bench.figures import Figure, Finding, Passage, Run
from tests.bench.spying import spy
from tests.bench.steady import INTERVAL_SECONDS, Ground, ground
from tests.cluster import Daemon

RATES: Final = (10, 200, 2_000)
ACCOUNTED_SECONDS: Final = 4.0
OBSERVED_SECONDS: Final = 15.0
PATIENCE_SECONDS: Final = 10.0


def measure(run: Run) -> Iterator[Finding]:
    """The profile at 2,000/s; in the full form also wake-ups and the collector."""
    rates = RATES[-1:] if run.is_short else RATES
    with ground(run.folder / "ground", pods=rates[0] * INTERVAL_SECONDS) as standing:
        with standing.daemon() as daemon:
            for rate in rates:
                standing.grow(rate * INTERVAL_SECONDS).wait_steady(daemon)
                if not run.is_short:
                    yield _wakeups(daemon, rate)
            yield _profile(standing, daemon, run)
        if not run.is_short:
            yield from _collector(standing, run.folder / "observed.json")


def _wakeups(daemon: Daemon, rate: int) -> Figure:
    before, begin = switches(daemon.process.pid), time.monotonic()
    time.sleep(ACCOUNTED_SECONDS)
    woken = switches(daemon.process.pid) - before
    return Figure(
        name=f"wake-ups, steady {rate:,}/s",
        unit="a second",
        ours=[woken / (time.monotonic() - begin)],
        note="of daemon and reader; a tick is 50 ms, so 20 are the most that pokes need",
    )


def _profile(standing: Ground, daemon: Daemon, run: Run) -> Passage:
    """The processor time is taken before and after, when nobody samples."""
    pid = daemon.process.pid
    parts = [standing.work(pid, ACCOUNTED_SECONDS / 2)]
    samples = stages.count(spy(pid, run.runs(20, 5), run.folder))
    parts.append(standing.work(pid, ACCOUNTED_SECONDS / 2))
    return Passage(
        name="Where the processor time of a poke goes, steady 2,000/s",
        text=stages.table(samples, median(one.cpu_a_poke_ns for one in parts)),
    )


def _collector(standing: Ground, path: Path) -> Iterator[Finding]:
    """Passes while it starts and while it is steady, and what stays of what a poke allocates."""
    standing.cluster.program = ("-m", "tests.bench.observed", str(path))
    with standing.daemon() as daemon:
        standing.wait_steady(daemon)
        start = _seen(daemon, path)
        work = standing.work(daemon.process.pid, OBSERVED_SECONDS)
        steady = _seen(daemon, path)
        daemon.process.signal(signal.SIGUSR2)
        recorded = standing.work(daemon.process.pid, INTERVAL_SECONDS)
        lines = _seen(daemon, path)["lines"]
    pauses = [pause for one in steady["pauses_ns"].values() for pause in one]
    yield Figure(
        name="longest pass of the garbage collector, steady 2,000/s",
        unit="ms",
        ours=[max(pauses, default=0) / 1e6],
        note="0 is no pass at all: what a poke allocates is given back within its tick.",
    )
    left = (steady["blocks"] - start["blocks"]) / work.pokes
    text = [
        f"{'passes of generation':<22}{0:>6}{1:>6}{2:>6}   the longest",
        _passes("until all are up", start),
        _passes(f"steady, {OBSERVED_SECONDS:.0f} s", steady),
        f"{steady['blocks']:,} blocks are allocated; a poke leaves {left:.3f} more.",
        f"Of what {recorded.pokes:,} pokes allocated there is, a round later, by line:",
        *(f"{blocks:>9,} blocks {size:>11,} bytes  {place}" for place, blocks, size in lines),
    ]
    yield Passage(name="Collection and allocation, 10,000 targets at 2,000/s", text="\n".join(text))


def _seen(daemon: Daemon, path: Path) -> dict[str, Any]:
    """What the observed daemon has seen since the last time."""
    daemon.process.signal(signal.SIGUSR1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} was not written; {daemon.process.lines()[-3:]}")
        time.sleep(0.02)
    seen: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return seen


def _passes(what: str, seen: dict[str, Any]) -> str:
    pauses: list[list[int]] = list(seen["pauses_ns"].values())
    longest_ms = max((pause for one in pauses for pause in one), default=0) / 1e6
    counts = "".join(f"{len(one):>6}" for one in pauses)
    return f"{what:<22}{counts}{longest_ms:>8.1f} ms"
