"""Owns a control group whose memory a test limits. The machine's own limits are not touched."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.system.controlgroups import MOUNT, remove

_FIRST: Final = MOUNT / "memory"
_NO_LIMIT: Final = {"memory.limit_in_bytes": "-1", "memory.max": "max"}


class MemoryGroup:
    """A group of either version of control groups."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._limit = path / ("memory.limit_in_bytes" if _FIRST.is_dir() else "memory.max")
        # A program that runs in a network namespace has a /sys of its own (ip-netns(8)).
        self._members = Path(f"/proc/{os.getpid()}/root") / path.relative_to("/") / "cgroup.procs"

    @property
    def prefix(self) -> Sequence[str]:
        """What a program is to be started by, to be in the group."""
        return ("sh", "-c", 'echo 0 > "$0" && exec "$@"', str(self._members))

    def take(self, pid: int) -> None:
        """Have a running process in the group; what it held before stays counted where it was."""
        (self._path / "cgroup.procs").write_text(str(pid))

    def resident_bytes(self) -> int:
        """What its processes hold that the kernel cannot take away: not what files hold."""
        lines = (self._path / "memory.stat").read_text().splitlines()
        numbers = {name: int(number) for name, number in (line.split() for line in lines)}
        return numbers["rss"] if "rss" in numbers else numbers["anon"]

    def limit(self, most_bytes: int | None) -> None:
        """Have the kernel end one of it when they want more; None is no limit."""
        text = _NO_LIMIT[self._limit.name] if most_bytes is None else str(most_bytes)
        self._limit.write_text(text)


@contextlib.contextmanager
def memory_group() -> Iterator[MemoryGroup]:
    """A group for the time of the block; its processes have ended before."""
    if not _FIRST.is_dir():
        (MOUNT / "cgroup.subtree_control").write_text("+memory")
    path = (_FIRST if _FIRST.is_dir() else MOUNT) / f"poke-faults-{os.getpid()}"
    path.mkdir()
    try:
        yield MemoryGroup(path)
    finally:
        remove(path)
