"""Checks the demonstration as a newcomer meets it: what it shows, how it ends, what it leaves."""

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.demonstration.promises import NODES, STEPS
from tests.demonstration.teller import WIDTH, Teller
from tests.edge.support import run_unprivileged
from tests.lab import Process
from tests.lab.namespace import DIRECTORY

COMMAND = (sys.executable, "-m", "tests.demo")
LONGEST_SECONDS = 60.0
HEADING = re.compile(r"^(\d)\. .*\n-+$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run to its end."""

    pid: int
    status: int
    seconds: float
    out: str
    err: str
    folder: Path

    def step(self, number: int) -> str:
        """What was shown from the heading with this number to the next one."""
        _, *parts = HEADING.split(self.out)
        return dict(zip(parts[::2], parts[1::2], strict=True))[str(number)]

    def traces(self) -> list[str]:
        """What is left of the run on the machine."""
        return _traces(self.pid, self.folder)


def _traces(pid: int, folder: Path) -> list[str]:
    left = [str(path) for path in (*DIRECTORY.glob(f"poke-{pid}-*"), *folder.iterdir())]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in path.read_bytes():
                left.append(str(path))
    return left


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("demo")
    begin = time.monotonic()
    with Process(COMMAND, env=_environment(folder)) as process:
        status = process.wait(2 * LONGEST_SECONDS)
        return Run(
            pid=process.pid,
            status=status,
            seconds=time.monotonic() - begin,
            out="\n".join(process.lines("stdout")),
            err="\n".join(process.lines("stderr")),
            folder=folder,
        )


def _environment(folder: Path) -> Mapping[str, str]:
    # What would colour or fold the output of rich, were it let through.
    return os.environ | {"TMPDIR": str(folder), "FORCE_COLOR": "1", "COLUMNS": "20"}


def test_all_of_it_comes_true_in_time(run: Run) -> None:
    """It ends with status 0 and without a complaint, in under a minute."""
    assert (run.status, run.err) == (0, "")
    assert run.seconds < LONGEST_SECONDS


def test_nothing_is_left(run: Run) -> None:
    """No namespace, no process and no file."""
    assert run.traces() == []


@pytest.mark.parametrize("number", STEPS)
def test_each_step_shows_what_it_promises(run: Run, number: int) -> None:
    """The commands, the tables and the lines of the daemons are there."""
    shown = run.step(number)
    assert [pattern for pattern in STEPS[number] if not re.search(pattern, shown)] == []


def test_one_line_a_change(run: Run) -> None:
    """The filter costs each journal one line when it is tightened, and one when it is loosened."""
    lines = [
        line.split() for line in run.step(6).splitlines() if re.match(r" +node-. \| \d\d:", line)
    ]
    assert [(name, level) for name, _, _, level, *_ in lines] == [
        ("node-a", "warning:"),
        ("node-b", "error:"),
        ("node-c", "warning:"),
        *((name, "notice:") for name in NODES),
    ]


def test_it_reads_as_plain_text(run: Run) -> None:
    """Sentences and headings fit a terminal; there is no escape sequence anywhere."""
    assert "\x1b" not in run.out
    ours = [line for line in run.out.splitlines() if not line.startswith("  ")]
    assert max(map(len, ours)) <= WIDTH


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "is_bold"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_headings_are_bold_on_a_terminal_only(environment: dict[str, str], is_bold: bool) -> None:
    """And not if the user does not want it."""
    out = Terminal()
    Teller(out, environment).heading("A step")
    assert ("\x1b[1mA step\x1b[0m\n" in out.getvalue()) == is_bold
    assert ("\x1b" in out.getvalue()) == is_bold


def test_another_user_is_told_in_one_line() -> None:
    """Without root it makes nothing, and ends with 77."""
    done = run_unprivileged(COMMAND)
    assert (done.returncode, done.stdout) == (77, "")
    (line,) = done.stderr.splitlines()
    assert "root" in line


@pytest.fixture
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Path]]:
    """A run that has begun, and its folder."""
    folder = tmp_path_factory.mktemp("cut")
    with Process(COMMAND, env=_environment(folder)) as process:
        yield process, folder


@pytest.mark.parametrize("heading", ["1. Build", "2. Nobody", "3. Start", "4. Grant"])
def test_control_c_cleans_up(started: tuple[Process, Path], heading: str) -> None:
    """Pressed in any step: it says so, ends with 130 as a shell expects it, and leaves nothing."""
    process, folder = started
    process.wait_for_line(f"^{heading}", 20)
    # To all of its group, as a terminal does it.
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 128 + signal.SIGINT
    assert any("SIGINT" in line for line in process.lines("stderr"))
    assert _traces(process.pid, folder) == []


def test_surprise_is_told_and_cleaned_up(started: tuple[Process, Path]) -> None:
    """A daemon that dies on the way: which line did not come and where, status 1, nothing left."""
    process, folder = started
    process.wait_for_line("^No daemon is restarted", 20)
    listed = subprocess.run(
        ["ip", "netns", "pids", f"poke-{process.pid}-0-node-b"],
        capture_output=True,
        text=True,
        check=True,
    )
    for pid in map(int, listed.stdout.split()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert process.wait(40) == 1
    first = process.lines("stderr")[0]
    assert first.startswith("demo: no journal line")
    assert "node-b" in first
    assert _traces(process.pid, folder) == []
