"""The unit's processes are killed, or run out of memory: it is back with all that it knew."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.bench.accounting import family
from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, wait_request_to
from tests.faults.memorygroup import memory_group
from tests.lab import EchoCapture
from tests.system import package
from tests.system.box import Box
from tests.system.package import OURS, UNIT, is_kind, pods

# The first one also builds the packages and the box.
pytestmark = pytest.mark.timeout(400)

# RestartSec of the unit is 2 s, and a start takes less than one on a machine that is not busy.
BACK_SECONDS = 10
KILLS = 3
# Less than the imports of a reader, and more than the daemon wants meanwhile.
SPARE_BYTES = 12_000_000


def test_a_killed_daemon_is_back_with_all_targets(box: Box, cluster: Cluster) -> None:
    """SIGKILL, some times in a row, with a dead API server: each time all are poked again."""
    package.start(box)
    package.wait_saved(box, len(pods(cluster)))
    with dead(cluster), EchoCapture(box.node, wrapped=True) as wire:
        for number in range(1, KILLS + 1):
            pid = package.main_pid(box)
            box.sh(f"kill -KILL {pid}")
            killed_ns = time.monotonic_ns()
            box.wait_property(UNIT, "NRestarts", str(number))
            box.wait_property(UNIT, "ActiveState", "active")
            for pod in pods(cluster):
                poke = wait_request_to(wire, pod, since_ns=killed_ns)
                assert poke.monotonic_ns - killed_ns < BACK_SECONDS * SECOND_NS
    package.wait_well(box)


def test_the_reader_is_the_first_that_memory_is_taken_from(box: Box) -> None:
    """As at MemoryMax: the unit stays as it is, with the same daemon and, after it, a new reader.

    The box's systemd has no memory of its own to share out: the unit's processes are in a group of
    the test's. What systemd does when it sees the kernel end one is read off the unit's policy.
    """
    package.start(box)
    names = ("MainPID", "NRestarts", "ActiveState", "OOMPolicy")
    before = box.show(UNIT, *names)
    assert before["OOMPolicy"] == "continue"
    daemon, reader = unit_pids(box)
    with memory_group() as group:
        group.take(daemon)
        os.kill(reader, signal.SIGKILL)
        group.limit(group.resident_bytes() + SPARE_BYTES)
        ended = wait_replacements(box, 2)
        group.limit(None)
        assert all("killed by SIGKILL" in one for one in ended)
        package.wait_well(box)
        assert box.show(UNIT, *names) == before
        box.run("systemctl", "stop", UNIT)


def test_a_stop_at_any_time_is_clean(box: Box) -> None:
    """Started and stopped at once, reloaded and stopped at once: no failure, and no traceback."""
    for delay in ("0", "0.1", "0.3", "0.6"):
        box.run("systemctl", "start", "--no-block", UNIT)
        box.sh(f"sleep {delay}; systemctl stop {UNIT}")
        assert box.show(UNIT, "ActiveState", "Result") == {
            "ActiveState": "inactive",
            "Result": "success",
        }
    package.start(box)
    box.sh(f"kill -HUP {package.main_pid(box)}; systemctl stop {UNIT}")
    assert box.show(UNIT, "ActiveState", "Result", "ExecMainStatus") == {
        "ActiveState": "inactive",
        "Result": "success",
        "ExecMainStatus": "0",
    }
    box.run("journalctl", "--sync")
    assert not [one for one in box.journal(*OURS) if "Traceback" in str(one["MESSAGE"])]


@contextmanager
def dead(cluster: Cluster) -> Iterator[None]:
    """No API server for the time of the block; the next has what this one had."""
    cluster.api.kill(save=True)
    try:
        yield
    finally:
        cluster.api.start()


def unit_pids(box: Box) -> list[int]:
    """The daemon and its children by their numbers outside of the box."""
    inside = package.main_pid(box)
    place = os.readlink(f"/proc/{box.leader}/ns/pid")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found = re.search(r"^NSpid:.*\b(\d+)$", (folder / "status").read_text(), re.MULTILINE)
            is_in_box = os.readlink(folder / "ns" / "pid") == place
            if found is not None and is_in_box and int(found[1]) == inside:
                return [*family(int(folder.name))]
        except OSError:
            # It has ended meanwhile, or may not be looked at.
            continue
    raise AssertionError(f"no process {inside} in the box")


def wait_replacements(box: Box, count: int) -> list[str]:
    """Wait until the reader was replaced so often; what was told of it."""
    told: list[str] = []

    def is_so() -> bool:
        entries = box.journal(*OURS)
        told[:] = [one["MESSAGE"] for one in entries if is_kind(one, EventKind.READER_REPLACED)]
        return len(told) >= count

    box.wait_until(is_so, 40.0)
    return told
