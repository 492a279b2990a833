"""Owns knowing whether anything of the demonstration is left on the machine. Removes nothing."""

import contextlib
import os
import select
from collections.abc import Iterable
from pathlib import Path

from tests.lab.namespace import DIRECTORY

# What was killed may take a moment to be gone.
PATIENCE_SECONDS = 5.0


class Traces:
    """Where the demonstration took place: its folder, and its namespaces.

    The namespaces are held open, so that the kernel gives their numbers to no others meanwhile.
    """

    def __init__(self, folder: Path, namespaces: Iterable[str]) -> None:
        self._folder = folder
        self._held = {
            name: os.open(DIRECTORY / name, os.O_RDONLY | os.O_CLOEXEC) for name in namespaces
        }

    def find(self) -> list[str]:
        """Say what is left. Can be asked once."""
        left = [f"namespace {name}" for name in self._held if (DIRECTORY / name).exists()]
        left += [f"process {pid} ({_name(pid)})" for pid in self._processes() if _stays(pid)]
        left += [f"folder {self._folder}"] if self._folder.exists() else []
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()
        return left

    def _processes(self) -> list[int]:
        """Return the processes that are in the namespaces."""
        ours = {os.fstat(descriptor).st_ino for descriptor in self._held.values()}
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (path / "ns" / "net").stat().st_ino in ours:
                    found.append(int(path.name))
        return found


def _stays(pid: int) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        return not poller.poll(PATIENCE_SECONDS * 1000)
    finally:
        os.close(descriptor)


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "ended"
