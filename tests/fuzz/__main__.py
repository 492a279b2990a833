"""`python -m tests.fuzz [TARGET ...] [--seconds 600]`: search each target, one after the other.

Prints a line for each. Ends with 1 where something was found: an exception that is no declared
error, an input that took longer or more memory than any may, or a process that ended. What was
found stays in the folder that is named.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.fuzz.child import Report
from tests.fuzz.places import PLACE

_NOTHING: Final = Report(executions=0, slowest_ms=0, peak_mib=0, findings=())
# libFuzzer ends by itself between two inputs, which take minutes where others have the processors.
_PATIENCE_SECONDS: Final = 1800
_STATE: Final = re.compile(r"#(\d+)\t.* cov: (\d+) ft: (\d+) corp: (\d+)/")
_FOLDER: Final = Path("build/fuzz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What came of one target; ``edges`` are of its code."""

    name: str
    report: Report
    edges: int
    corpus: int
    status: int

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return self.status == 0 and not self.report.findings and self.report.executions > 0

    def lines(self) -> list[str]:
        """What is printed of it."""
        report = self.report
        crashes = len(report.findings) + (1 if self.status else 0)
        told = [
            f"{self.name:14} {report.executions:>10,} executions  {self.edges:>6,} edges  "
            f"{self.corpus:>5,} inputs  slowest {report.slowest_ms:>7,.1f} ms  "
            f"peak {report.peak_mib:>5,} MiB  {crashes} crashes"
        ]
        told += [f"  {one}" for one in report.findings]
        if self.status:
            told.append(f"  the process ended with status {self.status}")
        return told


def run(name: str, folder: Path, *, seconds: int, executions: int = -1) -> Ran:
    """Search one target in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.child", name, str(seconds), str(executions)]
    log = folder / "log"
    memory = Path("/dev/shm")
    with (
        log.open("wb") as file,
        # libFuzzer ends the process itself, and at a crash the kernel does.
        TemporaryDirectory(
            prefix="pokepodsd-fuzz-", dir=memory if memory.is_dir() else None
        ) as place,
    ):
        try:
            done = subprocess.run(
                [*command, str(folder)],
                stdout=file,
                stderr=file,
                check=False,
                env={**os.environ, PLACE: place},
                timeout=seconds + _PATIENCE_SECONDS,
            )
            status = done.returncode
        except subprocess.TimeoutExpired:
            status = -9
    states = _STATE.findall(log.read_text(errors="replace"))
    count, edges, _, corpus = map(int, states[-1]) if states else (0, 0, 0, 0)
    report = _report(folder)
    if count > report.executions:
        report = Report(
            executions=count,
            slowest_ms=report.slowest_ms,
            peak_mib=report.peak_mib,
            findings=report.findings,
        )
    return Ran(name=name, report=report, edges=edges, corpus=corpus, status=status)


def _report(folder: Path) -> Report:
    try:
        told = json.loads((folder / "report.json").read_text())
    except FileNotFoundError:
        return _NOTHING
    return Report(**{**told, "findings": tuple(told["findings"])})


def main() -> int:
    """Search what the arguments name; the exit status."""
    from tests.fuzz.table import TARGETS  # noqa: PLC0415 -- the children alone need it instrumented

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=600, help="for each target (600)")
    parser.add_argument("--executions", type=int, default=-1, help="for each target (no limit)")
    parser.add_argument(
        "--folder", type=Path, default=_FOLDER, help=f"for what is found ({_FOLDER})"
    )
    wanted = parser.parse_args()
    if unknown := {*wanted.targets} - TARGETS.keys():
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    is_clean = True
    for name in wanted.targets or TARGETS:
        folder = wanted.folder / name
        ran = run(name, folder, seconds=wanted.seconds, executions=wanted.executions)
        print("\n".join(ran.lines()), flush=True)
        is_clean &= ran.is_clean
    if not is_clean:
        print(f"what was found is in {wanted.folder}", flush=True)
    return 0 if is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
