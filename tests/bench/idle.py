"""What the daemon costs with next to nothing to do: 10 targets, each poked every 5 s.

Owns the comparison with fping in loop mode at the same rate. The daemon runs as its unit runs it:
with a watchdog of 30 s, a status line, and a reader that watches an API server that answers.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from tests.bench.accounting import as_installed, cpu_ns, switches
from tests.bench.figures import OURS, Figure, Finding, Goal, Run
from tests.cluster import Cluster, told
from tests.lab import Process

TARGETS = 10
TABLES: dict[str, dict[str, Any]] = {"poke": {"interval": "5s"}}
# WatchdogSec= of the unit.
WATCHDOG_SECONDS = 30.0
_FPING = ("fping", "-l", "-q", "-p", "5000")


def measure(run: Run) -> Iterator[Finding]:
    """Wake-ups and processor time of both, in the same stretches of time."""
    with Cluster(run.folder) as cluster:
        here, there = cluster.lab.nodes
        cluster.make_pods(there, TARGETS)
        addresses = [there.pod_address(number) for number in range(1, TARGETS + 1)]
        with (
            cluster.daemon(here, TABLES, watchdog_seconds=WATCHDOG_SECONDS) as daemon,
            Process(here.command(*_FPING, *addresses), env=as_installed()) as fping,
        ):
            daemon.wait_status(f"{TARGETS} targets: {TARGETS} up")
            pids = {OURS: daemon.process.pid, "fping -l": fping.pid}
            # The first pokes, the first save of the targets, the addresses of the new interfaces.
            time.sleep(run.runs(8, 3))
            seconds = run.runs(10, 5)
            used = [_stretch(pids, seconds) for _ in range(run.runs(3, 1))]
    yield Figure(
        name="idle, wake-ups",
        unit="a second",
        ours=[one[OURS][0] for one in used],
        peers={"fping -l": [one["fping -l"][0] for one in used]},
        goals=[Goal(most=5.0, most_short=8.0, margin="5 s hold one beat of anything, or none")],
        settings=told(TABLES),
    )
    yield Figure(
        name="idle, processor time",
        unit="% of a core",
        ours=[one[OURS][1] for one in used],
        peers={"fping -l": [one["fping -l"][1] for one in used]},
        goals=[
            Goal(
                most=0.15,
                most_short=0.6,
                margin="after each sleep the caches are as cold as other work makes them",
            )
        ],
        settings=told(TABLES),
    )


def _stretch(pids: Mapping[str, int], seconds: float) -> dict[str, tuple[float, float]]:
    """Wake-ups a second, and the share of a core in percent, of each process with its children."""
    before = {name: (switches(pid), cpu_ns(pid)) for name, pid in pids.items()}
    begin = time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - begin
    used = {}
    for name, pid in pids.items():
        woken, busy_ns = switches(pid) - before[name][0], cpu_ns(pid) - before[name][1]
        used[name] = (woken / lasted, busy_ns / 1e9 / lasted * 100)
    return used
