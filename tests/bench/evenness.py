"""How evenly pokes leave: what the fullest 100 ms hold, in times of the mean.

Owns that measure, on the wire and by the kernel's stamps: at two steady rates, and while pods come
and go.
"""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.bench.figures import Figure, Finding, Goal, Run
from tests.bench.steady import INTERVAL_SECONDS, TABLES, Ground, ground
from tests.cluster import pod_on, told
from tests.daemon.wire import SECOND_NS, requests, wait_requests_until
from tests.lab import EchoCapture, largest_window

WINDOW_NS: Final = 100_000_000
# So many are made a second, and so many deleted: a node of 1,000 pods is another in two minutes.
CHANGES_A_SECOND: Final = 10
CHURN: Final = f"Each second {CHANGES_A_SECOND} pods are made, and as many deleted."
GOAL: Final = Goal(
    most=2.0,
    statistic="worst",
    most_short=2.5,
    margin="a machine that stalls loses turns, which lowers the mean and not the fullest window",
)


def measure(run: Run) -> Iterator[Finding]:
    """Evenness at 200/s; in the full form also with pods that come and go, and at 2,000/s."""
    with _capture(run.folder / "slow", rate=200) as (standing, capture):
        yield _figure("evenness, steady 200/s", capture, runs=run.runs(2, 1))
        if run.is_short:
            return
        with churn(standing):
            yield _figure("evenness, 200/s with churn", capture, note=CHURN)
    with _capture(run.folder / "fast", rate=2_000) as (_, capture):
        yield _figure("evenness, steady 2,000/s", capture)


@contextmanager
def _capture(folder: Path, *, rate: int) -> Iterator[tuple[Ground, EchoCapture]]:
    with (
        ground(folder, pods=rate * INTERVAL_SECONDS) as standing,
        EchoCapture(standing.here) as capture,
        standing.daemon() as daemon,
    ):
        standing.wait_steady(daemon)
        yield standing, capture


def _figure(name: str, capture: EchoCapture, *, runs: int = 1, note: str = "") -> Figure:
    return Figure(
        name=f"{name}: the fullest 100 ms",
        unit="times the mean",
        ours=[_fullest(capture) for _ in range(runs)],
        goals=[GOAL],
        note=note,
        settings=told(TABLES),
    )


def _fullest(capture: EchoCapture) -> float:
    """Of a whole round, so that every target has its turn in it."""
    begin = time.monotonic_ns()
    end = begin + INTERVAL_SECONDS * SECOND_NS
    wait_requests_until(capture, end)
    return fullest([echo.monotonic_ns for echo in requests(capture)], begin, end)


def fullest(times_ns: Sequence[int], begin_ns: int, end_ns: int) -> float:
    """What the fullest window between two times holds, in times of the mean between them."""
    counted = [time_ns for time_ns in times_ns if begin_ns <= time_ns < end_ns]
    mean = len(counted) * WINDOW_NS / (end_ns - begin_ns)
    return largest_window(counted, WINDOW_NS) / mean


@contextmanager
def churn(standing: Ground) -> Iterator[None]:
    """Make pods and delete others all the time."""
    is_over = threading.Event()

    def change() -> None:
        control = standing.cluster.api.control
        for number in itertools.count(1):
            if is_over.wait(1 / CHANGES_A_SECOND):
                return
            control.make_pod(**pod_on(standing.there, standing.pods + number))
            gone = pod_on(standing.there, number)
            control.delete_pod(gone["namespace"], gone["name"])

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
