"""The pace of the pokes on the wire: each target once an interval, evenly, newcomers at once."""

import statistics
import time
from pathlib import Path

from tests.cluster import Cluster, pod_on
from tests.daemon.wire import (
    SECOND_NS,
    longest_gap,
    requests,
    to_pods,
    wait_request_to,
    wait_requests_until,
)
from tests.lab import EchoCapture, Node, by_destination, largest_window

INTERVAL_NS = 5 * SECOND_NS
MILLISECOND_NS = 1_000_000
# Fewer packets than 100 pods need in twice their interval.
SCARCE = {"poke": {"max_rate": 10, "interval": "2s"}}


def test_a_thousand_pods_are_swept_evenly_within_each_interval(tmp_path: Path) -> None:
    """1,000 pods, 100 of them dead: each once in 5 s, no burst, no live one ever down."""
    sweeps = 10
    with Cluster(tmp_path, pod_prefix=20) as cluster:
        here, there = cluster.lab.nodes
        cluster.make_pods(there, 1_000)
        dead = [there.pod_address(number) for number in range(10, 1_001, 10)]
        there.kill_address(*dead)
        with EchoCapture(here) as capture, cluster.daemon(here) as daemon:
            daemon.wait_status("1000 targets: 900 up, 100 down", 60.0)
            begin = time.monotonic_ns()
            end = begin + sweeps * INTERVAL_NS
            wait_requests_until(capture, end)
            pokes = to_pods(requests(capture, begin), there)
            swept = [echo for echo in pokes if echo.monotonic_ns < end]
            daemon.process.terminate()
            assert daemon.process.wait() == 0
            reported = "\n".join(daemon.process.lines())
    times = [echo.monotonic_ns for echo in swept]
    counts = {address: len(echoes) for address, echoes in by_destination(swept).items()}
    assert len(counts) == 1_000
    assert set(counts.values()) <= {sweeps - 1, sweeps, sweeps + 1}
    # A tick is 50 ms; what the machine adds to it is not pokepodsd's.
    assert longest_gap(swept) < 1.1 * INTERVAL_NS
    # The share of 100 ms is 20 packets of 1,000 in 5 s.
    assert largest_window(times, 100 * MILLISECOND_NS) <= 40
    alive = [there.pod_address(number) for number in range(1, 1_001) if number % 10]
    falsely = [address for address in alive if f"({address}) on node-b is down" in reported]
    assert falsely == []
    assert reported.count(" are down: ") == 1
    assert "100 targets on node-b" in reported


def test_a_new_pod_is_poked_at_once(cluster: Cluster, here: Node, there: Node) -> None:
    """From the API server's event to the echo on the wire: median 20 ms, worst of 100 100 ms."""
    cluster.make_pods(there, 1)
    with EchoCapture(here) as capture, cluster.daemon(here) as daemon:
        daemon.wait_status("API: watching")
        cluster.api.control.wait_watches(1)
        latencies = []
        for number in range(2, 102):
            address = there.pod_address(number)
            cluster.api.control.make_pod(**pod_on(there, number))
            echo = wait_request_to(capture, address)
            name = f"{there.name}-{number}"
            sent = [event for event in cluster.api.control.events() if event.name == name]
            latencies.append(echo.monotonic_ns - sent[-1].at_ns)
    print(
        f"median {statistics.median(latencies) / 1e6:.1f} ms, worst {max(latencies) / 1e6:.1f} ms"
    )
    assert statistics.median(latencies) < 20 * MILLISECOND_NS
    assert max(latencies) < 100 * MILLISECOND_NS


def test_a_newcomer_is_poked_quickly_until_it_answers(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """A pod that does not answer at first gets pokes after 0.2, 0.6, 1.4 and 3 s, then steadily."""
    address = there.pod_address(1)
    there.kill_address(address)
    cluster.make_pods(there, 1)
    with EchoCapture(here) as capture, cluster.daemon(here) as daemon:
        first = capture.wait_for(lambda echo: echo.destination == address, 20.0)
        wait_requests_until(capture, first.monotonic_ns + 4 * SECOND_NS)
        pokes = to_pods(requests(capture, first.monotonic_ns), there)
        there.revive_address(address)
        opened = daemon.process.wait_for_line(r"(.*) is open: answered after (\d+) lost pokes")
    offsets = [(echo.monotonic_ns - first.monotonic_ns) / SECOND_NS for echo in pokes]
    for wanted in (0.2, 0.6, 1.4, 3.0):
        assert any(wanted - 0.05 <= offset < wanted + 0.15 for offset in offsets), offsets
    assert "shop/node-b-1" in opened.group(1)


def test_more_pods_than_the_cap_carries_leave_some_of_each_node(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """By itself pokepodsd pokes three of a node's 100 pods in their time, and says so once."""
    cluster.make_pods(there, 100)
    with EchoCapture(here) as capture, cluster.daemon(here, SCARCE) as daemon:
        told = daemon.process.wait_for_line(r"notice: more pods than 10 packets .*", 40.0).group()
        daemon.wait_status("100 targets: 3 up, 0 down, 0 opening")
        begin = time.monotonic_ns()
        wait_requests_until(capture, begin + 7 * SECOND_NS)
        pokes = to_pods(requests(capture, begin), there)
        lines = daemon.process.lines()
    assert "3 of each node are poked" in told
    assert len(by_destination(pokes)) == 3
    assert longest_gap(pokes) < 1.2 * 2 * SECOND_NS
    assert sum("more pods than" in line for line in lines) == 1
    assert not [line for line in lines if "packets a second: each" in line]


def test_the_cap_stretches_the_interval_and_says_so_once(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """More targets than max_rate carries, all of them: no window above the cap, one warning.

    The nodes' own addresses have their share of the cap, so that each pod waits for 10 s or more.
    """
    cluster.make_pods(there, 100)
    with (
        EchoCapture(here) as capture,
        cluster.daemon(here, {**SCARCE, "pods": {"scope": "all"}}) as daemon,
    ):
        daemon.process.wait_for_line(
            r"100 targets at 10 packets a second: each .* every 1[01](\.\d+)?s", 40.0
        )
        begin = time.monotonic_ns()
        wait_requests_until(capture, begin + 5 * SECOND_NS)
        times = [echo.monotonic_ns for echo in requests(capture)]
        lines = daemon.process.lines()
    # One token of a tenth of a second may have been saved up.
    assert largest_window(times, SECOND_NS) <= 11
    assert sum("packets a second: each" in line for line in lines) == 1
