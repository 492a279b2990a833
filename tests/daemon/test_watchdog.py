"""The service manager's view: readiness, the watchdog's beat, reload, stop."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS
from tests.lab import EchoCapture, Kind, LabTimeoutError, Node, NotifySocket, gaps

WATCHDOG_SECONDS = 1.0


def test_it_is_ready_with_a_dead_api_server(cluster: Cluster, here: Node) -> None:
    """READY=1 needs a valid configuration, sockets and a turning loop, and no API server."""
    cluster.write_config(here)
    cluster.api.kill()
    with cluster.daemon(here) as daemon:
        daemon.wait_status(r"API: lost \(")
        daemon.process.wait_for_line("warning: the API server cannot be asked: .*refused", 30.0)


def test_a_dead_api_and_an_unanswered_network_feed_the_watchdog(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """Nothing answers, not even the API server: the beats come as before."""
    cluster.make_pods(there, 20)
    with cluster.daemon(here, watchdog_seconds=WATCHDOG_SECONDS) as daemon:
        daemon.wait_status("20 targets: 20 up")
        there.kill_address(str(there.block))
        cluster.api.kill()
        daemon.wait_status("0 up, 20 down", 40.0)
        since = time.monotonic_ns()
        for _ in range(8):
            since = daemon.notify.wait_for("WATCHDOG=1", 5.0, since_ns=since).at_ns + 1
        beats = daemon.notify.beats()
    # Twice a period; a period without any would have been the end.
    assert max(gaps(beats)) < WATCHDOG_SECONDS * SECOND_NS


@contextmanager
def daemon_with_an_unread_log(
    cluster: Cluster, here: Node, log: Path
) -> Iterator[tuple[NotifySocket, int, subprocess.Popen[bytes]]]:
    """A daemon whose stderr is a pipe that nobody reads; the pipe's reading end comes along."""
    config = cluster.write_config(
        here, {"poke": {"interval": "500ms", "timeout": "100ms"}, "log": {"failures": "each"}}
    )
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": str(log),
        "WATCHDOG_USEC": str(round(WATCHDOG_SECONDS * 1_000_000)),
    }
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    command = here.command(sys.executable, "-m", "pokepodsd", "--config", str(config), "run")
    with (
        NotifySocket(log) as notify,
        subprocess.Popen(command, env=environment, stderr=writing) as process,
    ):
        os.close(writing)
        try:
            yield notify, reading, process
        finally:
            process.kill()
            os.close(reading)


def follow_beats(notify: NotifySocket) -> None:
    """Follow the beats while they come within four periods of the watchdog."""
    last = 0
    while True:
        beat = notify.wait_for("WATCHDOG=1", 4 * WATCHDOG_SECONDS, since_ns=last + 1)
        last = beat.at_ns


def drain(pipe: int) -> None:
    """Read until the writing end is closed."""
    while os.read(pipe, 65_536):
        continue


def test_a_stuck_loop_stops_the_beat(
    cluster: Cluster, here: Node, there: Node, tmp_path: Path
) -> None:
    """A loop that hangs in a write is not alive: no beat, until it turns again."""
    there.kill_address(str(there.block))
    cluster.make_pods(there, 50)
    with daemon_with_an_unread_log(cluster, here, tmp_path / "notify") as (notify, log, process):
        notify.wait_for("READY=1", 20.0)
        with pytest.raises(LabTimeoutError):
            follow_beats(notify)
        last = notify.beats()[-1]
        reading = threading.Thread(target=drain, args=(log,))
        reading.start()
        notify.wait_for("WATCHDOG=1", 10.0, since_ns=last + 1)
        process.terminate()
        reading.join()


def test_a_stopped_process_does_not_beat(cluster: Cluster, here: Node) -> None:
    """SIGSTOP: no beat; SIGCONT: beats again."""
    with cluster.daemon(here, watchdog_seconds=WATCHDOG_SECONDS) as daemon:
        daemon.notify.wait_for("WATCHDOG=1")
        daemon.process.stop()
        stopped = time.monotonic_ns()
        with pytest.raises(LabTimeoutError):
            daemon.notify.wait_for("WATCHDOG=1", 3 * WATCHDOG_SECONDS, since_ns=stopped)
        daemon.process.cont()
        daemon.notify.wait_for("WATCHDOG=1", 5.0, since_ns=stopped)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_within_a_second(
    cluster: Cluster, here: Node, there: Node, number: signal.Signals
) -> None:
    """SIGTERM: STOPPING=1, exit status 0, the reader is gone, within a second."""
    cluster.make_pods(there, 50)
    with cluster.daemon(here) as daemon:
        daemon.wait_status("50 targets")
        reader = daemon.reader_pid()
        begin = time.monotonic_ns()
        daemon.process.signal(number)
        assert daemon.process.wait(5.0) == 0
        assert time.monotonic_ns() - begin < SECOND_NS
        assert "STOPPING=1" in [line for one in daemon.notify.messages for line in one.lines]
    assert not Path(f"/proc/{reader}").exists()


def test_a_reload_takes_the_new_configuration(cluster: Cluster, here: Node, there: Node) -> None:
    """SIGHUP: RELOADING=1 with MONOTONIC_USEC, then READY=1; new rules hold without a restart."""
    cluster.make_pods(there, 3)
    cluster.make_pods(here, 2)
    with cluster.daemon(here) as daemon:
        daemon.wait_status("5 targets")
        cluster.write_config(here, {"kubernetes": {"own_pods": False}})
        asked = time.monotonic_ns()
        daemon.process.signal(signal.SIGHUP)
        told = daemon.notify.wait_for("RELOADING=1", since_ns=asked)
        moment = re.search(r"MONOTONIC_USEC=(\d+)", told.text)
        assert moment
        assert asked <= int(moment.group(1)) * 1_000 + 1_000 <= told.at_ns + 1_000
        daemon.notify.wait_for("READY=1", since_ns=told.at_ns)
        daemon.wait_status("3 targets", since_ns=asked)


def test_a_bad_reload_changes_nothing(cluster: Cluster, here: Node, there: Node) -> None:
    """A bad file at reload: one error with every complaint, and the pokes go on as before."""
    cluster.make_pods(there, 3)
    with EchoCapture(here) as capture, cluster.daemon(here) as daemon:
        daemon.wait_status("3 targets: 3 up")
        cluster.write_config(here, {"poke": {"interval": "soon", "burst": 3}})
        asked = time.monotonic_ns()
        daemon.process.signal(signal.SIGHUP)
        daemon.notify.wait_for("READY=1", since_ns=asked)
        line = daemon.process.wait_for_line("error: the configuration is not reloaded.*").group()
        assert "poke.interval: 'soon'" in line
        assert "poke.burst: unknown" in line
        capture.wait_for(lambda echo: echo.kind is Kind.REQUEST and echo.monotonic_ns > asked, 10.0)
