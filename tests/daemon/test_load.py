"""The pokes do not notice what the reader does."""

import math
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, requests, wait_requests_until
from tests.lab import Echo, EchoCapture, by_destination, gaps

INTERVAL_SECONDS = 5
STRETCH_NS = 3 * INTERVAL_SECONDS * SECOND_NS
TABLES: dict[str, dict[str, Any]] = {
    "poke": {"interval": f"{INTERVAL_SECONDS}s", "max_rate": 1_000},
    "log": {"level": "debug"},
}


def percentile_99(values: Iterable[float]) -> float:
    ordered = sorted(values)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def lateness(pokes: Sequence[Echo]) -> float:
    """The 99th percentile, in ms, of how much later than its period a target's poke left."""
    interval_ns = INTERVAL_SECONDS * SECOND_NS
    late = [
        gap - interval_ns
        for echoes in by_destination(pokes).values()
        for gap in gaps([echo.monotonic_ns for echo in echoes])
    ]
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

    Both stretches are of the same run; the 99th percentiles are compared.
    """
    with Cluster(tmp_path, pod_prefix=19) as cluster:
        here, there = cluster.lab.nodes
        control = cluster.api.control
        control.change_settings(watch_list=False, bookmark_interval_seconds=0.05)
        cluster.make_pods(there, 5_000)
        with EchoCapture(here) as capture, cluster.daemon(here, TABLES) as daemon:
            daemon.wait_status("5000 targets: 5000 up", 60.0)
            stretches = []
            for is_busy in (False, True):
                if is_busy:
                    # One bookmark, which proves the server well, and then the version expires.
                    control.add_fault("error_event", "watch", None, code=410, after=1)
                    control.clear_log()
                    control.break_watches()
                begin = time.monotonic_ns()
                wait_requests_until(capture, begin + STRETCH_NS)
                pokes = requests(capture, begin)
                records = daemon.process.records()
                said = [line.text for line in records if line.at_ns >= begin]
                stretches.append((lateness(pokes), percentile_99(round_trips(said))))
            pages = [one for one in control.requests() if one.kind == "list"]
    (quiet_late, quiet_rtt), (busy_late, busy_rtt) = stretches
    print(f"late: {quiet_late:.1f} ms quiet, {busy_late:.1f} ms busy")
    print(f"RTT: {quiet_rtt:.3f} ms quiet, {busy_rtt:.3f} ms busy; {len(pages)} pages of 500")
    assert len(pages) >= 5 * 10
    assert busy_late < 2 * quiet_late
    assert busy_rtt < 2 * quiet_rtt
