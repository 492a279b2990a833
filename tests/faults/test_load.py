"""The host is busy with others, or stands still: no target is down for it, and nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bench.accounting import family
from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, requests, wait_requests_until
from tests.faults.stage import INTERVAL_SECONDS, PODS, Stage, stage
from tests.lab import gaps

# Each forks children that end at once, as a fork bomb does, and is busy in between; what a fork
# bomb has besides, that they get ever more, is left out.
BUSY = """
import os
while True:
    for _ in range(3):
        if not os.fork():
            os._exit(0)
        os.wait()
    sum(range(100_000))
"""
BUSY_PER_PROCESSOR = 12
LOADED_SECONDS = 5.0
# Turns that a stalled loop misses are skipped, and not made up for.
ENOUGH = 0.5
# Above the loop's own judgement, 5 s, and below the unit's.
WATCHDOG_SECONDS = 6.0


@contextmanager
def load() -> Iterator[None]:
    """Many more busy processes than processors, of the same priority as the daemon."""
    count = BUSY_PER_PROCESSOR * (os.cpu_count() or 1)
    started = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
        for one in started:
            one.wait()


def test_a_load_of_a_fork_bomb(cluster: Cluster) -> None:
    """Pokes may be late, and each is sent; no target is down, and the watchdog has its beats."""
    with stage(cluster, watchdog_seconds=WATCHDOG_SECONDS) as staged:
        begin = time.monotonic_ns()
        with load():
            wait_requests_until(staged.capture, begin + round(LOADED_SECONDS * SECOND_NS))
            end = time.monotonic_ns()
        sent = [one for one in requests(staged.capture, begin) if one.monotonic_ns < end]
        assert len(sent) >= PODS * LOADED_SECONDS * ENOUGH
        beats = [at for at in staged.daemon.beats() if at > begin - WATCHDOG_SECONDS * SECOND_NS]
        assert max(gaps([*beats, end])) < WATCHDOG_SECONDS * SECOND_NS
        # Ten turns late is late; a target that nobody pokes would wait for ever.
        staged.survived(gap_seconds=10 * INTERVAL_SECONDS)


@pytest.mark.parametrize("seconds", [3.0, pytest.param(17.0, marks=pytest.mark.long)])
def test_all_processes_stand_still(staged: Stage, seconds: float) -> None:
    """As a virtual machine that is paused: all go on, the reader is the same, and nobody is down.

    Longer than the daemon lets a reader be silent as well: it did not listen itself. The monotonic
    clock goes on meanwhile, and no watchdog is there to end it.
    """
    pids = [*family(staged.daemon.process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    # How long they stand still is what the test is about.
    time.sleep(seconds)
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    staged.survived(gap_seconds=seconds + 2.0)
