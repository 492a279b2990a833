"""Owns the control groups that a box lives in: its own, or its systemd would stop another's units.

Only the hierarchies that systemd needs; no limit is set in them.
"""

import contextlib
import errno
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab import LabTimeoutError
from tests.system.scratch import is_left_over

MOUNT = Path("/sys/fs/cgroup")
# Of the hybrid layout: systemd's own hierarchy, and cgroup2 beside it.
HYBRID = (MOUNT / "systemd", MOUNT / "unified")

END_SECONDS = 20.0
POLL_SECONDS = 0.02


@contextlib.contextmanager
def control_groups(name: str) -> Iterator[list[Path]]:
    """A group of this name in each hierarchy. At the end, waits for the processes in them."""
    hierarchies = _hierarchies()
    for hierarchy in hierarchies:
        for path in hierarchy.glob("poke-box-*"):
            if is_left_over(path.name):
                remove(path)
    groups = [hierarchy / name for hierarchy in hierarchies]
    for group in groups:
        group.mkdir()
    try:
        yield groups
    finally:
        for group in groups:
            remove(group)


def _hierarchies() -> list[Path]:
    is_only_cgroup2 = (MOUNT / "cgroup.controllers").exists()
    return [MOUNT] if is_only_cgroup2 else [path for path in HYBRID if path.is_dir()]


def remove(group: Path) -> None:
    """Remove a group and those in it, once their processes have ended."""
    deadline = time.monotonic() + END_SECONDS
    # Deepest first: a group with others in it stays.
    folders = [path for path in group.rglob("*/") if path.is_dir()]
    for path in [*sorted(folders, reverse=True), group]:
        while not _is_removed(path):
            if time.monotonic() > deadline:
                left = (path / "cgroup.procs").read_text().split()
                raise LabTimeoutError(f"processes {left} in {path} do not end")
            # Nobody can wait for processes that another's death kills.
            time.sleep(POLL_SECONDS)


def _is_removed(path: Path) -> bool:
    try:
        path.rmdir()
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True
