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

from tests.demonstration.teller import WIDTH, Teller
from tests.edge.support import run_unprivileged
from tests.lab import Process
from tests.lab.namespace import DIRECTORY

COMMAND = (sys.executable, "-m", "tests.demo")
LONGEST_SECONDS = 60.0
HEADING = re.compile(r"^(\d)\. .*\n-+$", re.MULTILINE)
NODES = ("node-a", "node-b", "node-c")


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


STEPS = {
    1: (
        r"node-a +192\.168\.10\.10 +10\.244\.10\.1 to 10\.244\.10\.4\n",
        r"node-c +192\.168\.10\.12 +10\.244\.12\.1 to 10\.244\.12\.4\n",
        r"hub +192\.168\.10\.1 +the API server, https://192\.168\.10\.1:\d+\n",
        "shop/web-c4 never does",
        "TLS",
        r"client certificates",
        r"Kubernetes\s1\.32",
        r"node-a# ip route\n  10\.244\.11\.0/24 via 192\.168\.10\.11 dev eth0",
    ),
    2: (
        r"poke every 1s instead of the default 5s",
        r"node-a# cat \S+/node-a\.toml\n  \[kubernetes\]\n  kubeconfig = \"",
        *(rf"{name}# pokepodsd --config \S+/{name}\.toml run &\n" for name in NODES),
        r"node-a \| [\d:.]+ info: pokepodsd \S+ pokes every 1s",
        r"node-a \| [\d:.]+ warning: .*Missing right: list and watch pods.*system:node:node-a",
        r"node-a \| 4 targets: 4 up, .*own pods only",
        r"node-b \| 4 targets: 4 up, .*own pods only",
        r"node-c \| 4 targets: 3 up, .*own pods only",
    ),
    3: (
        r"node-a# pokepodsd rbac --for nodes\n  # Lets every node list and watch",
        r"\n  kind: ClusterRoleBinding\n",
        r"hub \| POST /apis/\S+/clusterroles: pokepodsd is created",
        r"hub \| POST /apis/\S+/clusterrolebindings: pokepodsd is created",
        *(rf"{name} \| [\d:.]+ notice: .*pods of all nodes" for name in NODES),
        *(rf"{name} \| 12 targets: 11 up, .*API: watching" for name in NODES),
        r"ready \d+\.\d seconds after the grant",
    ),
    4: (
        r"node-a# pokepodsd --config \S+/node-a\.toml once\n"
        r"  NAMESPACE +POD +NODE +ADDRESS +RESULT +RTT\n(  shop .*\n){12}"
        r"  11 of 12 answered\n",
        r"web-b1 +node-b +10\.244\.11\.1 +replied +\d+\.\d+ ms",
        r"web-c4 +node-c +10\.244\.12\.4 +timed out\n",
        "exit status is 1, for shop/web-c4",
        *(rf"{name} \| [\d:.]+ warning: shop/web-c4 .* is down: timed out" for name in NODES),
    ),
    5: (
        r"node-a# ping -c1 -W1 10\.244\.11\.2\n(.*\n)+.*100% packet loss",
        *(rf"{name} \| [\d:.]+ warning: shop/web-b2 .* is down: timed out" for name in NODES),
        r"came \d\.\d, \d\.\d and \d\.\d seconds after it fell silent",
        *(rf"{name} \| [\d:.]+ notice: shop/web-b2 .* is up after \S+ down" for name in NODES),
    ),
    6: (
        r"hub# kill -KILL \d+\n",
        *(rf"{name} \| [\d:.]+ warning: the API server cannot be asked" for name in NODES),
        *(rf"{name} \| 12 targets: 11 up, 1 down, .*API: lost" for name in NODES),
        *(rf"{name} +\d\d\d? +8 +\d\d\d? +\d\.\d\d s\n" for name in NODES),
    ),
    7: (
        *(rf"{name}# kill -TERM \d+\n" for name in NODES),
        *(rf"{name} \| [\d:.]+ info: stopped, after \d+ pokes" for name in NODES),
        "exit status 0",
        "Nothing is left: no process, no network namespace,",
    ),
}


@pytest.mark.parametrize("number", STEPS)
def test_each_step_shows_what_it_promises(run: Run, number: int) -> None:
    """The commands, the tables and the lines of the daemons are there."""
    shown = run.step(number)
    assert [pattern for pattern in STEPS[number] if not re.search(pattern, shown)] == []


@pytest.mark.parametrize("change", ["is down:", "is up after"])
def test_one_line_a_change(run: Run, change: str) -> None:
    """The killed pod costs each journal one line when it goes, and one when it comes back."""
    lines = [line for line in run.step(5).splitlines() if "shop/web-b2 (" in line]
    assert [line.split()[0] for line in lines if change in line] == list(NODES)
    assert len(lines) == 2 * len(NODES)


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


@pytest.mark.parametrize("heading", ["1. Build", "2. Start", "3. Grant"])
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
