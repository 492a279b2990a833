"""The daemon is killed, or its folder takes nothing more: what was saved is whole and not old."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.edge import statefile
from tests.cluster import Cluster
from tests.daemon.journalled import kinds
from tests.faults.interrupted import signalled_at
from tests.faults.stage import PODS, stage, two_nodes
from tests.lab import Process

SEED = 7
TARGETS = 3_000
# As often as a daemon whose pods change all the time may, and much faster.
SAVES_WITHOUT_END = """
import itertools, sys
from pathlib import Path
from pokepodsd.core.model import MonotonicNs
from pokepodsd.saver import EVERY_NS, Saver
from tests.edge.support import make_target
place, count = Path(sys.argv[1]), int(sys.argv[2])
targets = [make_target(number) for number in range(1, count + 1)]
saver = Saver(place, lambda: targets)
saver.open()
while saver.read():
    pass
for revision in itertools.count(1):
    targets[0] = make_target(count + revision)
    saver.tick(revision, MonotonicNs(revision * EVERY_NS), is_listing=False)
    while saver.next_due(revision, is_listing=False) == 0:
        saver.tick(revision, MonotonicNs(revision * EVERY_NS), is_listing=False)
    print(revision, flush=True)
"""


@pytest.mark.parametrize("kills", [25, pytest.param(300, marks=pytest.mark.long)])
def test_a_save_that_is_killed_leaves_a_whole_file(tmp_path: Path, kills: int) -> None:
    """SIGKILL at seeded moments of saves without end: always whole, never older than said."""
    dice = random.Random(SEED)
    partial = 0
    for _ in range(kills):
        with Process([sys.executable, "-c", SAVES_WITHOUT_END, str(tmp_path), str(TARGETS)]) as it:
            it.wait_for_line("1", 30.0)
            # The moment is the test's choice; what is checked holds at any.
            time.sleep(dice.uniform(0.0, 0.05))
            it.kill()
            assert it.wait() == -signal.SIGKILL
            said = int(it.lines("stdout")[-1])
        partial += (tmp_path / f"{statefile.NAME}.new").exists()
        saved = statefile.read(tmp_path)
        assert len(saved) == TARGETS
        assert int(saved[0].name.rpartition("-")[2]) >= TARGETS + said
    assert partial > 0, "no kill met a save"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with two_nodes(tmp_path) as started:
        started.make_pods(started.lab.nodes[1], PODS)
        yield started


@pytest.mark.parametrize(
    ("event", "what"), [("open", "targets.json.new"), ("os.rename", "targets.json.new")]
)
def test_a_kill_around_a_save_leaves_the_one_before(
    cluster: Cluster, event: str, what: str
) -> None:
    """Before the first byte, and between the last byte and the rename: the old targets stay."""
    here, there = cluster.lab.nodes
    folder = cluster.folder / f"state-{here.name}"
    with cluster.daemon(here) as daemon:
        daemon.wait_status(f"{PODS} targets: {PODS} up")
        daemon.process.terminate()
        assert daemon.process.wait() == 0
    before = statefile.peek(folder)
    assert len(before) == PODS
    cluster.make_pods(there, 1, first=PODS + 1)
    program = signalled_at(event, what, 1, signal.SIGKILL)
    command = (sys.executable, *program, "--config", str(cluster.write_config(here)), "run")
    with Process(here.command(*command)) as process:
        assert process.wait(30.0) == -signal.SIGKILL
    assert (folder / "targets.json.new").exists() == (event == "os.rename")
    assert statefile.peek(folder) == before
    cluster.api.kill(save=True)
    with cluster.daemon(here) as daemon:
        daemon.process.wait_for_line(f"{PODS} targets known from before")
        daemon.wait_status(f"{PODS} targets: {PODS} up")


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """The state directory on a file system of its own, of 64 kB."""
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=64k", "none", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def test_a_full_disk_is_told_once_and_filled_again_when_there_is_room(tmp_path: Path) -> None:
    """The pokes go on, the save before stays whole, and the next one takes all targets."""
    with (
        two_nodes(tmp_path) as cluster,
        small_disk(tmp_path / f"state-{cluster.lab.nodes[0].name}") as disk,
        stage(cluster) as staged,
    ):
        wait_saved(disk, PODS)
        fill(disk / "others")
        staged.make_pod(PODS + 1)
        told = staged.daemon.wait_entry(EventKind.STATE_NOT_SAVED)
        assert "No space left on device" in told["MESSAGE"]
        assert len(statefile.peek(disk)) == PODS
        (disk / "others").unlink()
        staged.survived(EventKind.STATE_NOT_SAVED)


def test_a_read_only_folder_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    """The pokes go on, the stop is clean all the same, and what was saved is known again."""
    with (
        two_nodes(tmp_path) as cluster,
        small_disk(tmp_path / f"state-{cluster.lab.nodes[0].name}") as disk,
    ):
        with stage(cluster) as staged:
            wait_saved(disk, PODS)
            mount("-o", "remount,ro", str(disk))
            staged.make_pod(PODS + 1)
            told = staged.daemon.wait_entry(EventKind.STATE_NOT_SAVED)
            assert "Read-only file system" in told["MESSAGE"]
            staged.wait_well()
            assert kinds(staged.daemon.finish())[1:] == []
        cluster.api.kill(save=True)
        with cluster.daemon(staged.here) as daemon:
            daemon.process.wait_for_line(f"{PODS} targets known from before")


def fill(path: Path) -> None:
    """Leave no room on the file system of a path."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(path.parent).free)


def wait_saved(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 30.0
    while len(statefile.peek(folder)) != count:
        assert time.monotonic() < deadline, f"not {count} targets in {folder}"
        time.sleep(0.05)
