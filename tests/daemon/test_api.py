"""The API server as the daemon meets it: grants, rotation, and a reader that is replaced."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from tests.apiserver.kubeconfig import rotate
from tests.cluster import Cluster, Daemon
from tests.daemon.wire import SECOND_NS, longest_gap, requests, wait_requests_until
from tests.lab import EchoCapture, Node, by_destination


def test_a_refusal_is_said_once_and_a_grant_is_noticed(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """Kubernetes 1.32 and later: own pods, one warning, and all pods once the right is given."""
    cluster.api.control.change_settings(node_selectors=True)
    cluster.make_pods(here, 2)
    cluster.make_pods(there, 3)
    with cluster.daemon(here) as daemon:
        daemon.wait_status("2 targets: 2 up, .* own pods only")
        daemon.process.wait_for_line("warning: .*Missing right: list and watch pods")
        with cluster.lab.hub.inside():
            cluster.api.admin.grant()
        daemon.wait_status("5 targets: 5 up, .* watching", 40.0)
        daemon.process.wait_for_line("now lets this node see the pods of all nodes")
        warnings = [line for line in daemon.process.lines() if " warning: " in line]
    assert len(warnings) == 1
    assert "rbac --for nodes" in warnings[0]
    assert "rbac --for serviceaccount" in warnings[0]


def test_a_rotated_certificate_is_used_and_the_old_one_no_longer(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """The kubelet's certificate is replaced by rename: the open watch ends, the next has the new.

    No target is lost over it, and nothing is said in the journal.
    """
    cluster.make_pods(there, 3)
    with cluster.daemon(here) as daemon:
        daemon.wait_status("3 targets: 3 up, .* watching")
        cluster.api.control.wait_watches(1)
        before = {request.serial for request in cluster.api.control.requests()}
        rotated = time.monotonic_ns()
        rotate(cluster.api.authority, cluster.kubelet_folder(here), here.name)
        wait_for(
            lambda: any(
                request.serial not in before
                for request in cluster.api.control.requests()
                if request.kind == "watch"
            ),
            daemon,
        )
        cluster.make_pods(there, 1, first=4)
        daemon.wait_status("4 targets: 4 up", since_ns=rotated)
        asked = cluster.api.control.requests()
        lines = daemon.process.lines()
    old = [request for request in asked if request.serial in before]
    assert all(request.ended_ns is not None for request in old if request.kind == "watch")
    assert all(request.at_ns < rotated + 10 * SECOND_NS for request in old)
    assert not [line for line in lines if "warning" in line or "error" in line]


def wait_for(condition: Callable[[], bool], daemon: Daemon, timeout_seconds: float = 40.0) -> None:
    """Wait for what only the server or /proc can tell, while the daemon lives."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert daemon.process.is_running
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
@pytest.mark.parametrize("state", ["starting", "waiting for a list", "watching", "pausing"])
def test_a_reader_that_dies_or_hangs_is_replaced(
    cluster: Cluster, here: Node, there: Node, number: signal.Signals, state: str
) -> None:
    """Killed or stopped in any state: a new reader is there, and no poke was late for it."""
    cluster.make_pods(there, 40)
    tables = {"poke": {"interval": "1s", "timeout": "500ms"}}
    with EchoCapture(here) as capture, cluster.daemon(here, tables) as daemon:
        daemon.wait_status("40 targets: 40 up")
        hit = bring_reader_into(state, cluster, daemon)
        os.kill(hit, number)
        began = time.monotonic_ns()
        wait_for(lambda: daemon.reader_pid() not in {None, hit}, daemon)
        cluster.api.control.clear_faults()
        cluster.make_pods(there, 1, first=41)
        daemon.wait_status("41 targets: 41 up", 60.0, since_ns=began)
        wait_requests_until(capture, time.monotonic_ns())
        pokes = requests(capture, began)
        reported = [line for line in daemon.process.lines() if "is replaced in" in line]
    assert reported
    known = {there.pod_address(n) for n in range(1, 41)}
    gaps_of_known = [echo for echo in pokes if echo.destination in known]
    assert len(by_destination(gaps_of_known)) == 40
    assert longest_gap(gaps_of_known) < 1.3 * SECOND_NS


def bring_reader_into(state: str, cluster: Cluster, daemon: Daemon) -> int:
    """Make a reader be in this state, and give its pid."""
    first = daemon.reader_pid()
    assert first is not None
    control = cluster.api.control
    match state:
        case "watching":
            return first
        case "starting":
            os.kill(first, signal.SIGKILL)
            wait_for(lambda: daemon.reader_pid() not in {None, first}, daemon)
        case "waiting for a list":
            control.change_settings(watch_list=False)
            control.add_fault("silent", "list", None)
            control.compact()
            control.bump(1)
            served = len(control.requests())
            control.break_watches()
            os.kill(first, signal.SIGKILL)
            wait_for(lambda: any(one.kind == "list" for one in control.requests()[served:]), daemon)
        case "pausing":
            control.add_fault("status", "any", None, code=503, retry_after=60)
            served = len(control.requests())
            control.break_watches()
            wait_for(lambda: len(control.requests()) > served, daemon)
    pid = daemon.reader_pid()
    assert pid is not None
    return pid


def test_a_lost_api_server_is_named(cluster: Cluster, here: Node) -> None:
    """The entry says which server cannot be asked, and why."""
    with cluster.daemon(here) as daemon:
        daemon.wait_status("API: watching")
        cluster.api.kill()
        line = daemon.process.wait_for_line("warning: the API server cannot be asked.*", 30.0)
    assert f"{cluster.api.url}: Connection refused" in line.group()


def test_a_half_open_connection_is_given_up(cluster: Cluster, here: Node, there: Node) -> None:
    """Packets are dropped both ways, and no FIN comes: noticed, and made good afterwards."""
    cluster.make_pods(there, 2)
    with cluster.daemon(here) as daemon:
        daemon.wait_status("2 targets: 2 up, .* watching")
        cluster.api.control.wait_watches(1)
        cut = time.monotonic_ns()
        here.half_open(cluster.api.port)
        cluster.make_pods(there, 1, first=3)
        daemon.wait_status(r"2 targets: 2 up, .* API: lost", 60.0, since_ns=cut)
        here.heal(cluster.api.port)
        daemon.wait_status("3 targets: 3 up, .* watching", 60.0, since_ns=cut)
