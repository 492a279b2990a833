"""SIGTERM during everything: the daemon ends with 0 and in time, and nothing is lost or told."""

import contextlib
import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.edge import statefile
from pokepodsd.edge.control import NAME, Client
from pokepodsd.errors import ControlError
from tests.bench.accounting import family
from tests.cluster import Cluster, Daemon
from tests.daemon.journalled import during
from tests.daemon.wire import SECOND_NS
from tests.faults.interrupted import signalled_at
from tests.faults.stage import INTERVAL_SECONDS, PODS, TABLES, two_nodes
from tests.lab import EchoCapture, Kind, Process

# TimeoutStopSec of the unit; what is measured is some tenths.
STOP_SECONDS = 10.0
SEED = 20
# Of a start: events until the daemon's own begin, and of these those that concern sockets.
IMPORTS, SOCKETS = 2_000, 40


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with two_nodes(tmp_path_factory.mktemp("stop")) as started:
        started.make_pods(started.lab.nodes[1], PODS)
        here = started.lab.nodes[0]
        with started.daemon(here, TABLES) as daemon:
            daemon.wait_status(f"{PODS} targets: {PODS} up")
            stop(daemon)
        yield started


@pytest.fixture
def folder(cluster: Cluster) -> Iterator[Path]:
    """The state directory, in which all targets are before the test and after it."""
    place = cluster.folder / f"state-{cluster.lab.nodes[0].name}"
    before = statefile.peek(place)
    assert len(before) == PODS
    yield place
    assert statefile.peek(place) == before


def stop(daemon: Daemon) -> None:
    """SIGTERM to all processes, as systemd sends it: all end, in time, with no complaint."""
    begin = time.monotonic_ns()
    pids = [*family(daemon.process.pid)]
    for pid in pids:
        # The daemon may have ended its children by now.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    check_end(daemon.process)
    assert time.monotonic_ns() - begin < STOP_SECONDS * SECOND_NS
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def check_end(process: Process, *also: int) -> None:
    """It ended with 0, or with what else is said, and said nothing but what it says when well."""
    assert process.wait(STOP_SECONDS) in {0, *also}
    said = process.lines()
    assert [line for line in said if " info: " not in line and " notice: " not in line] == []


def run(cluster: Cluster, program: Sequence[str]) -> Process:
    """Start the daemon without waiting for it."""
    here = cluster.lab.nodes[0]
    config = cluster.write_config(here, TABLES)
    return Process(here.command(sys.executable, *program, "--config", str(config), "run"))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("count", [8, pytest.param(70, marks=pytest.mark.long)])
def test_a_start(cluster: Cluster, count: int) -> None:
    """At seeded moments from the first import on; before Python is told how, the kernel ends it."""
    dice = random.Random(SEED)
    moments = [("", moment) for moment in dice.sample(range(1, IMPORTS), count // 2)]
    moments += [("socket.", moment) for moment in dice.sample(range(1, SOCKETS), count // 2)]
    statuses = set()
    for event, moment in moments:
        with run(cluster, signalled_at(event, "", moment, signal.SIGTERM)) as process:
            # systemd takes an end by SIGTERM for a clean one (systemd.service(5)).
            check_end(process, -signal.SIGTERM)
            statuses.add(process.returncode)
    assert statuses == {0, -signal.SIGTERM}


@pytest.mark.usefixtures("folder")
def test_a_list(cluster: Cluster) -> None:
    """The API server does not answer: what was saved is not replaced by what is known yet."""
    cluster.api.freeze()
    try:
        with cluster.daemon(cluster.lab.nodes[0], TABLES) as daemon:
            daemon.wait_status(f"{PODS} targets: {PODS} up")
            stop(daemon)
    finally:
        cluster.api.thaw()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("event", ["open", "os.rename"])
def test_a_write_of_the_state(cluster: Cluster, event: str) -> None:
    """Before its first byte and before its rename: it is finished."""
    program = signalled_at(event, "targets.json.new", 1, signal.SIGTERM)
    with run(cluster, program) as process:
        check_end(process)
    assert not (cluster.folder / "state-node-a" / "targets.json.new").exists()


@pytest.mark.usefixtures("folder")
def test_a_reload(cluster: Cluster) -> None:
    """While the new configuration is read: it is taken, and then comes the end."""
    here = cluster.lab.nodes[0]
    cluster.program = signalled_at("open", f"{here.name}.toml", 2, signal.SIGTERM)
    try:
        with cluster.daemon(here, TABLES) as daemon:
            daemon.process.signal(signal.SIGHUP)
            check_end(daemon.process)
            assert any("is reloaded" in line for line in daemon.process.lines())
    finally:
        cluster.program = ("-m", "pokepodsd")


@pytest.mark.usefixtures("folder")
def test_answers_of_the_control_socket(cluster: Cluster) -> None:
    """Whoever asked has a whole answer or an end, and no half line."""
    here = cluster.lab.nodes[0]
    with cluster.daemon(here, TABLES) as daemon:
        daemon.wait_status(f"{PODS} targets: {PODS} up")
        clients = [Client(cluster.runtime_folder(here) / NAME) for _ in range(10)]
        streams = [one.stream({"status": {"peers": "all", "targets": "all"}}) for one in clients]
        assert all("status" in next(stream) for stream in streams)
        stop(daemon)
        ends = [last_of(stream) for stream in streams]
        assert {*ends} <= {"end", "the connection ended"}
        for client in clients:
            client.close()
    assert not (cluster.runtime_folder(here) / NAME).exists()


@pytest.mark.usefixtures("folder")
def test_pokes_in_flight(cluster: Cluster) -> None:
    """What has no answer yet is no failure."""
    here, there = cluster.lab.nodes
    with EchoCapture(here) as capture, cluster.daemon(here, TABLES) as daemon:
        daemon.wait_status(f"{PODS} targets: {PODS} up")
        with during(there.kill_address, there.revive_address, str(there.block)):
            since = time.monotonic_ns()
            capture.wait_for(
                lambda one: one.kind is Kind.REQUEST and one.monotonic_ns > since,
                3 * INTERVAL_SECONDS,
            )
            stop(daemon)


def last_of(stream: Iterator[Mapping[str, Any]]) -> str:
    """How an answer ends: with its last line, or with why there is none."""
    try:
        return next(iter([*stream][-1]))
    except ControlError as error:
        return str(error).rpartition(": ")[2]
