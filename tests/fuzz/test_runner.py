"""Checks what finds the defects: the limits of one input, and the command of the long form."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz.__main__ import Ran
from tests.fuzz.child import Report
from tests.fuzz.places import fenced, folder
from tests.fuzz.shown import check_entry, check_line
from tests.fuzz.watched import MOST_GROWN_BYTES, Watched

ROOT = Path(__file__).parents[2]


def fails(data: bytes) -> None:
    if b"a" in data:
        raise KeyError("a")
    if b"b" in data:
        raise ValueError("b")


def test_an_exception_is_found_once_a_place() -> None:
    """Two inputs that fail on one line are one defect, and another line is another."""
    watched = Watched(fails)
    found = [watched.run(data) for data in (b"", b"a", b"aa", b"b")]
    assert [one and one.text.rpartition("\n")[0].rpartition("\n")[2] for one in found] == [
        *(None, "KeyError: 'a'", None, "ValueError: b")
    ]
    assert watched.executions == 4


def test_an_input_that_takes_too_long_is_found() -> None:
    """By the processor's time, so that a busy machine is no defect."""

    def works(data: bytes) -> None:
        end = time.process_time() + len(data) / 1000
        while time.process_time() < end:
            pass

    watched = Watched(works, longest_seconds=0.2)
    assert watched.run(b"a" * 20) is None
    found = watched.run(b"a" * 400)
    assert found is not None
    assert found.kind == "slow"
    assert watched.slowest == b"a" * 400


def test_an_input_that_takes_much_memory_is_found() -> None:
    """More than all before it had, by a quarter of a gigabyte."""

    def takes(data: bytes) -> None:
        bytearray(2 * MOST_GROWN_BYTES * len(data)).clear()

    watched = Watched(takes, longest_seconds=60)
    assert watched.run(b"") is None
    found = watched.run(b"a")
    assert found is not None
    assert found.kind == "memory"


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "\x9b", "\u2028", "\u202e", "\ud800"])
def test_what_a_terminal_obeys_is_no_line(text: str) -> None:
    """And escaped, as whoever shows it does, it is one."""
    with pytest.raises(AssertionError):
        check_line(text)
    check_entry(text)


def test_a_fenced_entry_reaches_nothing() -> None:
    """A file that is fuzzed may name any file and any program."""
    inside = folder() / "inside"
    with fenced():
        inside.write_text("a")
        with pytest.raises(FileNotFoundError):
            Path("/etc/hostname").read_text()
        with pytest.raises(PermissionError):
            subprocess.run(["true"], check=False)
    assert subprocess.run(["true"], check=False).returncode == 0


def test_what_was_found_is_told_and_is_no_success() -> None:
    """A line a target with what was done, and a line a finding; nothing done is no success."""
    report = Report(executions=7, slowest_ms=1.5, peak_mib=60, findings=())
    ran = Ran(name="node", report=report, edges=3, corpus=2, status=0)
    assert ran.is_clean
    (line,) = ran.lines()
    wanted = "node 7 executions 3 edges 2 inputs slowest 1.5 ms peak 60 MiB 0 crashes"
    assert line.split() == wanted.split()
    found = Report(executions=7, slowest_ms=1.5, peak_mib=60, findings=("KeyError at a.py:1",))
    assert not Ran(name="node", report=found, edges=3, corpus=2, status=0).is_clean
    ended = Ran(name="node", report=report, edges=3, corpus=2, status=77)
    assert not ended.is_clean
    assert ended.lines()[-1].endswith("status 77")
    nothing = Report(executions=0, slowest_ms=0, peak_mib=0, findings=())
    assert not Ran(name="node", report=nothing, edges=3, corpus=2, status=0).is_clean


def test_the_long_form_runs_a_target_in_a_process_of_its_own(tmp_path: Path) -> None:
    """So many executions and no more, guided by the code that they reach; clean is status 0."""
    command = [sys.executable, "-m", "tests.fuzz", "state", "--executions", "300"]
    done = subprocess.run(
        [*command, "--folder", str(tmp_path)], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    words = done.stdout.split()
    assert words[:3] == ["state", "300", "executions"]
    assert int(words[3]) > 10
    assert words[-2:] == ["0", "crashes"]


def test_an_unknown_target_is_a_wrong_usage() -> None:
    """With the names that there are."""
    command = [sys.executable, "-m", "tests.fuzz", "nothing"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 2
    assert "netlink" in done.stderr
