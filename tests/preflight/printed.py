"""Owns running `pokepodsd check` on a terminal, and reading what it prints there as a person does.

A remedy is taken as the lines that are printed, to be pasted as they are.
"""

import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fcntl import ioctl

PATIENCE_SECONDS = 60.0
LEVELS = ("ok", "warning", "failed", "skipped")
HEAD = re.compile(rf"({'|'.join(LEVELS)}) +(\S.*)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(slots=True)
class Printed:
    """One finding as it is printed: its head may go over several lines."""

    level: str
    head: str
    label: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def remedy(self) -> str:
        """What is pasted."""
        return "\n".join(self.lines) + "\n"


@dataclass(frozen=True, slots=True)
class Page:
    """All that one run printed, and its exit status."""

    status: int
    text: str

    def findings(self) -> list[Printed]:
        found: list[Printed] = []
        for line in self.text.splitlines():
            head = HEAD.fullmatch(line)
            if head is not None:
                found.append(Printed(head[1], head[2]))
            elif found and line.startswith(" " * 11):
                found[-1].lines.append(line)
            elif found and line.startswith(" " * 9) and line.endswith(":") and _is_label(line):
                found[-1].label = line.strip()
            elif found and line.startswith(" " * 9):
                found[-1].head += f" {line.strip()}"
        return found

    def named(self, name: str) -> list[Printed]:
        """The findings whose name begins so."""
        return [one for one in self.findings() if one.head.startswith(name)]

    def faults(self) -> list[str]:
        """Level and name of what is neither ok nor skipped."""
        faults = (one for one in self.findings() if one.level in {"warning", "failed"})
        return [f"{one.level} {one.head.partition(':')[0]}" for one in faults]


def _is_label(line: str) -> bool:
    return "mends it" in line or "look as root" in line


def run_on_terminal(
    command: Sequence[str], *, columns: int = 80, env: Mapping[str, str] | None = None
) -> Page:
    """Run a program on a terminal of so many columns; its colours are left out of the text."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in (env or os.environ).items() if name != "COLUMNS"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, close_fds=True
    )
    os.close(theirs)
    try:
        text = _read(ours)
    finally:
        process.kill()
        os.close(ours)
    return Page(process.wait(), COLOUR.sub("", text.replace("\r\n", "\n")))


def _read(terminal: int) -> str:
    """Until the last process that has the terminal open has ended."""
    data, deadline = b"", time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            part = os.read(terminal, 65536)
        except OSError:
            return data.decode()
        data += part
    raise AssertionError(f"it has not ended after {PATIENCE_SECONDS} s: {data.decode()}")
