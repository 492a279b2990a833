"""Runs inputs under the limits that hold for each: an exception, a second, a quarter of a gigabyte.

Owns what is counted and kept of them. Two exceptions that leave the same line of code are one
finding.
"""

import resource
import time
import traceback
from dataclasses import dataclass, field
from typing import Final

from tests.fuzz.target import Entry

# Of the processor, not of the clock: other work on this machine is no defect.
LONGEST_SECONDS: Final = 1.0
MOST_GROWN_BYTES: Final = 256 * 1024 * 1024
_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What an input did that none may do; ``kind`` names its place in the code."""

    kind: str
    text: str
    data: bytes


@dataclass(slots=True)
class Watched:
    """An entry, and what has become of the inputs so far."""

    entry: Entry
    longest_seconds: float = LONGEST_SECONDS
    executions: int = 0
    slowest_seconds: float = 0.0
    slowest: bytes = b""
    findings: dict[str, Finding] = field(default_factory=dict)

    def run(self, data: bytes) -> Finding | None:
        """Give the entry one input; the finding, if it is a new one."""
        before = peak_bytes()
        begin = time.process_time()
        finding = None
        try:
            self.entry(data)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is what is looked for
            finding = Finding(_place(error), _told(error), data)
        seconds = time.process_time() - begin
        grown = peak_bytes() - before
        self.executions += 1
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest = seconds, data
        if seconds > self.longest_seconds:
            finding = Finding("slow", f"it took {seconds:.1f} s of the processor", data)
        elif grown > MOST_GROWN_BYTES:
            finding = Finding("memory", f"it took {grown // 1024**2} MiB more", data)
        if finding is None or finding.kind in self.findings:
            return None
        self.findings[finding.kind] = finding
        return finding


def peak_bytes() -> int:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def _place(error: Exception) -> str:
    """The exception's name with the innermost line that it left."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    return f"{type(error).__name__} at {last.filename.rpartition('/')[2]}:{last.lineno}"


def _told(error: Exception) -> str:
    return "".join(traceback.format_exception(error))
