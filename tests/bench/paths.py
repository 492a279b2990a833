"""What a poke takes on its way out and on its way back, beside a plain loop's whole poke.

Owns that comparison, and its goals. They are narrow: the two run at the same time, so that what
else the machine does meets both, and each path is timed alone, so that nothing dilutes it.
"""

import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import Figure, Goal
from tests.bench.observed import PATHS
from tests.bench.steady import INTERVAL_SECONDS, TABLES, Ground, Reading, sent
from tests.cluster import Daemon, told
from tests.lab import Process

PLAIN: Final = "a plain loop's poke"
MARGIN: Final = "each half of a poke is timed beside the same loop: a doubling stands out"
# The middle, by ratio, between what each takes (0.95 to 1.25) and twice as much, and a tenth more
# for machines whose kernel is cheap beside their Python.
MOST: Final = 1.6
WHAT: Final = {
    "send": "whose turn it is, the packet, the system call",
    "receive": "the system call, whose answer it is, what it says, the statistics",
}
OBSERVED: Final = "The daemon is run by tests.bench.observed, with four more clock reads a tick"
STRETCH_SECONDS: Final = 1.5
PATIENCE_SECONDS: Final = 10.0


class Observed:
    """A daemon that `tests.bench.observed` runs."""

    def __init__(self, daemon: Daemon, path: Path) -> None:
        self.process = daemon.process
        self._path = path

    def seen(self) -> dict[str, Any]:
        """What it has seen since the last time."""
        self.process.signal(signal.SIGUSR1)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._path.exists():
            if time.monotonic() > deadline:
                said = "; ".join(self.process.lines()[-3:])
                raise TimeoutError(f"{self._path} was not written: {said}")
            time.sleep(0.02)
        seen: dict[str, Any] = json.loads(self._path.read_text(encoding="utf-8"))
        self._path.unlink()
        return seen


@contextmanager
def observed(standing: Ground, path: Path) -> Iterator[Observed]:
    """Start the daemon, observed, and wait until it is steady."""
    standing.cluster.program = ("-m", "tests.bench.observed", str(path))
    with standing.daemon() as daemon:
        standing.wait_steady(daemon)
        yield Observed(daemon, path)


def compare(standing: Ground, daemon: Observed, *, runs: int) -> list[Figure]:
    """The two paths of a poke, each beside the plain loop; what was seen before is forgotten."""
    taken: dict[str, list[float]] = {path: [] for path in PATHS}
    plain = []
    with _plain_loop(standing) as loop:
        for _ in range(runs):
            daemon.seen()
            pokes, before = sent(standing.here), Reading.of(loop.pid, standing.elsewhere)
            time.sleep(STRETCH_SECONDS)
            seen, pokes = daemon.seen(), sent(standing.here) - pokes
            plain.append(Reading.of(loop.pid, standing.elsewhere).since(before) / 1_000)
            for path in PATHS:
                taken[path].append(seen["taken_ns"][path] / pokes / 1_000)
    return [_figure(path, taken[path], plain) for path in PATHS]


@contextmanager
def _plain_loop(standing: Ground) -> Iterator[Process]:
    """The loop at the same rate, to the same pods, from another node."""
    addresses = [standing.there.pod_address(number) for number in range(1, standing.pods + 1)]
    rate = str(standing.pods // INTERVAL_SECONDS)
    command = (sys.executable, "-m", "tests.bench.plainloop", rate, *addresses)
    with Process(standing.elsewhere.command(*command)) as loop:
        loop.wait_for_line("up")
        time.sleep(STRETCH_SECONDS)
        yield loop


def _figure(path: str, taken: list[float], plain: list[float]) -> Figure:
    return Figure(
        name=f"CPU of the {path} path a poke, steady 2,000/s",
        unit="us",
        ours=taken,
        peers={PLAIN: plain},
        goals=[Goal(most=MOST, of=PLAIN, most_short=MOST, margin=MARGIN)],
        note=f"{WHAT[path]}. {OBSERVED}",
        settings=told(TABLES),
    )
