"""Restarts, with and without the API server: the last known targets are poked on."""

import json
import time
from pathlib import Path

from tests.cluster import Cluster
from tests.daemon.wire import (
    SECOND_NS,
    longest_gap,
    requests,
    to_pods,
    wait_request_to,
    wait_requests_until,
)
from tests.lab import EchoCapture, Node, by_destination


def test_a_dead_api_server_changes_nothing_about_the_poking(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """The API server is killed for the rest of the run: every target is poked on, in its turn."""
    cluster.make_pods(there, 50)
    tables = {"poke": {"interval": "2s"}}
    with EchoCapture(here) as capture, cluster.daemon(here, tables) as daemon:
        daemon.wait_status("50 targets: 50 up")
        cluster.api.kill()
        killed = time.monotonic_ns()
        wait_requests_until(capture, killed + 12 * SECOND_NS)
        after = to_pods(requests(capture, killed), there)
        daemon.wait_status(r"50 targets: 50 up, .* API: lost", since_ns=killed)
    assert len(by_destination(after)) == 50
    assert longest_gap(after) < 1.2 * 2 * SECOND_NS


def test_a_restart_with_a_dead_api_server_pokes_within_a_second(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """From the start of the process to the last known targets on the wire: one second."""
    cluster.make_pods(there, 20)
    with cluster.daemon(here) as daemon:
        daemon.wait_status("20 targets")
        daemon.process.terminate()
        assert daemon.process.wait() == 0
    cluster.api.kill()
    with EchoCapture(here) as capture:
        started = time.monotonic_ns()
        with cluster.daemon(here) as daemon:
            for number in range(1, 21):
                address = there.pod_address(number)
                echo = wait_request_to(capture, address)
                assert echo.monotonic_ns - started < SECOND_NS
            daemon.process.wait_for_line("20 targets known from before")


def test_a_killed_daemon_knows_its_targets_again(cluster: Cluster, here: Node, there: Node) -> None:
    """SIGKILL: what was saved before is whole, and poked."""
    cluster.make_pods(there, 5)
    state = cluster.folder / f"state-{here.name}" / "targets.json"
    with cluster.daemon(here) as daemon:
        daemon.wait_status("5 targets")
        wait_for_targets(daemon.process.pid, state, 5)
        daemon.process.kill()
        daemon.process.wait()
    cluster.api.kill()
    with cluster.daemon(here) as daemon:
        daemon.process.wait_for_line("5 targets known from before")


def wait_for_targets(pid: int, state: Path, count: int) -> None:
    """Wait until the state file holds so many targets; the daemon's end would end the wait."""
    while Path(f"/proc/{pid}").exists():
        if state.exists() and json.loads(state.open().readline())["targets"] == count:
            return
        time.sleep(0.05)
    raise AssertionError("the daemon ended before it saved its targets")


def test_what_the_api_does_not_confirm_is_dropped(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """Pods that were deleted while pokepodsd was stopped go with the first full list."""
    cluster.make_pods(there, 4)
    with cluster.daemon(here) as daemon:
        daemon.wait_status("4 targets")
    cluster.api.control.delete_pod("shop", "node-b-4")
    with EchoCapture(here) as capture, cluster.daemon(here) as daemon:
        daemon.wait_status("3 targets: 3 up, 0 down, 0 opening; API: watching")
        listed = time.monotonic_ns()
        wait_requests_until(capture, listed + 6 * SECOND_NS)
        poked = by_destination(to_pods(requests(capture, listed), there))
    assert there.pod_address(4) not in poked
    assert len(poked) == 3


def test_a_damaged_state_file_is_set_aside_with_one_warning(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """A foreign file costs its targets and one warning, and is kept to be looked at."""
    cluster.make_pods(there, 2)
    state = cluster.folder / f"state-{here.name}"
    state.mkdir()
    (state / "targets.json").write_text("not ours")
    with cluster.daemon(here) as daemon:
        daemon.wait_status("2 targets: 2 up")
        daemon.process.terminate()
        daemon.process.wait()
        warnings = [line for line in daemon.process.lines() if "warning" in line]
    assert len(warnings) == 1
    assert "set aside as targets.damaged" in warnings[0]
    assert (state / "targets.damaged").read_text() == "not ours"
