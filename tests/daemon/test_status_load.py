"""The pokes do not notice who asks for the status, at Kubernetes' own limits: 5,000 nodes.

Owns that comparison, and that of the command's time. Refuses any figure in seconds.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from pokepodsd.edge.control import NAME, Client
from tests.cluster import Cluster, Daemon
from tests.daemon.wire import SECOND_NS, requests, wait_requests_until
from tests.lab import EchoCapture, Node
from tests.lab.figures import percentile_99
from tests.largecluster import DEVICE, LIMITS, TABLES, save_pods, tunnels_up

STRETCH_SECONDS = 8
ASKED_A_SECOND = 50


@contextmanager
def large_cluster(folder: Path) -> Iterator[tuple[Cluster, Daemon]]:
    """5,000 tunnels that answer and 150,000 pods behind them, known from before; a dead API."""
    with Cluster(folder, nodes=1) as cluster:
        here = cluster.lab.nodes[0]
        cluster.write_config(here)
        cluster.api.kill()
        save_pods(cluster, here, LIMITS)
        with (
            tunnels_up(here, LIMITS),
            cluster.daemon(here, TABLES, watchdog_seconds=60.0) as daemon,
        ):
            all_well = f"{LIMITS.peers} peers: {LIMITS.peers} ok; {LIMITS.pods} targets"
            daemon.wait_status(all_well, 300.0)
            yield cluster, daemon


def longest_gaps(capture: EchoCapture, begin: int) -> float:
    """The 99th percentile of the gaps between two pokes, in ms."""
    times = [echo.monotonic_ns for echo in requests(capture, begin)]
    return percentile_99((late - soon) / 1e6 for soon, late in pairwise(times))


def ask_often(path: Path) -> int:
    """Ask for the status 50 times a second, as a new client each; how often it was answered."""
    begin = time.monotonic()
    answered = 0
    for number in range(STRETCH_SECONDS * ASKED_A_SECOND):
        client = Client(path)
        *_, end = client.stream({"status": {}})
        client.close()
        answered += "end" in end
        time.sleep(max(0.0, begin + number / ASKED_A_SECOND - time.monotonic()))
    return answered


def wall_seconds(here: Node, *arguments: str) -> float:
    """The quickest of five runs of the program, with byte-code as it is installed."""
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    command = here.command(sys.executable, "-m", "pokepodsd", *arguments)
    times = []
    for _ in range(5):
        begin = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        times.append(time.monotonic() - begin)
    return min(times)


@pytest.mark.timeout(600)
def test_who_asks_disturbs_no_poke(tmp_path: Path) -> None:
    """Asked 50 times a second, no poke leaves 5 ms later; the answer costs little beside Python.

    Quiet and busy stretches take turns in one run, so that what else the machine does meets both.
    """
    with large_cluster(tmp_path) as (cluster, _):
        here = cluster.lab.nodes[0]
        path = cluster.runtime_folder(here) / NAME
        gaps: dict[bool, list[float]] = {False: [], True: []}
        answered = 0
        with EchoCapture(here, DEVICE) as capture:
            for is_busy in (False, True) * 3:
                begin = time.monotonic_ns()
                if is_busy:
                    answered += ask_often(path)
                wait_requests_until(capture, begin + STRETCH_SECONDS * SECOND_NS)
                gaps[is_busy].append(longest_gaps(capture, begin))
        client = Client(path)
        header = next(iter(client.stream({"status": {}})))["status"]
        client.close()
        bare = wall_seconds(here, "--version")
        asked = wall_seconds(here, "status", "--socket", str(path))
    quiet, busy = median(gaps[False]), median(gaps[True])
    print(f"99th percentile of gaps: {quiet:.1f} ms quiet, {busy:.1f} ms asked")
    print(f"{asked * 1000:.0f} ms for status, {bare * 1000:.0f} ms for --version")
    print(json.dumps(header["targets_by_layer"]))
    assert (header["peers_total"], header["pods_known"]) == (LIMITS.peers, LIMITS.pods)
    assert answered == 3 * STRETCH_SECONDS * ASKED_A_SECOND
    assert busy < quiet + 5
    assert asked < 3 * bare
