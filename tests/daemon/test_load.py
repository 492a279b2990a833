"""The pokes do not notice what the reader does."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, requests, to_pods, wait_requests_until
from tests.lab import Echo, EchoCapture
from tests.lab.figures import percentile_99

INTERVAL_SECONDS = 5
TARGETS = 5_000
SLOTS_A_SECOND = TARGETS // INTERVAL_SECONDS
STRETCH_NS = 2 * INTERVAL_SECONDS * SECOND_NS
TABLES: dict[str, dict[str, Any]] = {
    "poke": {"interval": f"{INTERVAL_SECONDS}s", "max_rate": 1_000},
    "log": {"level": "debug"},
}


def lateness(pokes: Sequence[Echo]) -> float:
    """The 99th percentile, in ms, of how much later than its turn a poke left.

    Turns are evenly spaced; in each second, the poke that was least late says where they lie.
    """
    times = [echo.monotonic_ns for echo in pokes]
    slot_ns = INTERVAL_SECONDS * SECOND_NS / TARGETS
    late: list[float] = []
    for first in range(0, len(times) - SLOTS_A_SECOND, SLOTS_A_SECOND):
        block = times[first : first + SLOTS_A_SECOND]
        offsets = [moment - number * slot_ns for number, moment in enumerate(block)]
        late += [offset - min(offsets) for offset in offsets]
    return percentile_99(late) / 1e6


def round_trips(lines: Sequence[str]) -> list[float]:
    """The round trips that the daemon reported, in ms."""
    return [
        float(found.group(1))
        for line in lines
        if (found := re.search(r"replied, RTT ([\d.]+)", line))
    ]


def test_pokes_are_as_punctual_while_the_reader_lists_over_and_over(tmp_path: Path) -> None:
    """5,000 pods are read again and again: send lateness and RTT stay within twice the quiet.

    Quiet and busy stretches take turns in one run, so that what else the machine does meets both;
    the medians of their 99th percentiles are compared.
    """
    with Cluster(tmp_path, pod_prefix=19) as cluster:
        here, there = cluster.lab.nodes
        control = cluster.api.control
        control.change_settings(watch_list=False, bookmark_interval_seconds=0.05)
        cluster.make_pods(there, TARGETS)
        late: dict[bool, list[float]] = {False: [], True: []}
        trips: dict[bool, list[float]] = {False: [], True: []}
        pages = 0
        with EchoCapture(here) as capture, cluster.daemon(here, TABLES) as daemon:
            daemon.wait_status("5000 targets: 5000 up", 60.0)
            for is_busy in (False, True) * 3:
                control.clear_faults()
                if is_busy:
                    # One bookmark, which proves the server well, and then the version expires.
                    control.add_fault("error_event", "watch", None, code=410, after=1)
                    control.break_watches()
                control.clear_log()
                begin = time.monotonic_ns()
                wait_requests_until(capture, begin + STRETCH_NS)
                late[is_busy].append(lateness(to_pods(requests(capture, begin), there)))
                records = daemon.process.records()
                said = [line.text for line in records if line.at_ns >= begin]
                trips[is_busy].append(percentile_99(round_trips(said)))
                pages += sum(one.kind == "list" for one in control.requests()) * is_busy
    quiet_late, busy_late = median(late[False]), median(late[True])
    quiet_trip, busy_trip = median(trips[False]), median(trips[True])
    print(f"late: {quiet_late:.1f} ms quiet, {busy_late:.1f} ms busy")
    print(f"RTT: {quiet_trip:.3f} ms quiet, {busy_trip:.3f} ms busy; {pages} pages of 500")
    # However often the version expires, a list has its delay after the one before.
    assert pages >= 2 * 10
    assert busy_late < 2 * quiet_late
    assert busy_trip < 2 * quiet_trip
