"""Owns a clock of the daemon's own, which a test steps; the machine's clocks are not touched.

A library that is preloaded into the daemon and its children adds to what the kernel says. What the
kernel itself stamps with the wall clock, received packets, is not shifted: the daemon finds these
stamps wrong for as long as its clock is, where a real step concerns what is in flight alone.
"""

import mmap
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_AHEAD: Final = struct.Struct("=qq")
_SOURCE: Final = Path(__file__).with_suffix(".c")


class SteppedClock:
    """The clock of whatever is started by `prefix`."""

    def __init__(self, folder: Path) -> None:
        """Build the library in a folder, which also keeps by how much the clock is ahead."""
        self._library = folder / "steppedclock.so"
        self._file = folder / "ahead"
        self._file.write_bytes(_AHEAD.pack(0, 0))
        with self._file.open("r+b") as file:
            self._ahead = mmap.mmap(file.fileno(), _AHEAD.size)
        command = ("gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o")
        subprocess.run([*command, self._library, _SOURCE], check=True)

    @property
    def prefix(self) -> Sequence[str]:
        """What a program is to be started by."""
        return ("env", f"LD_PRELOAD={self._library}", f"STEPPED_CLOCK={self._file}")

    def step(self, seconds: int, *, suspended_seconds: int = 0) -> None:
        """Have the wall clock ahead by so much, and so much more time since the boot."""
        self._ahead[:] = _AHEAD.pack(seconds, suspended_seconds)
