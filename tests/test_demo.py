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


OUTSIDE = ("node-a", "node-c")
TWO_LOST = r"2 packets transmitted, 0 received, 100% packet loss"
TWO_ANSWERED = r"2 packets transmitted, 2 received, 0% packet loss"
STEPS = {
    1: (
        r"node-a +192\.168\.10\.10 +10\.244\.10\.1 to 10\.244\.10\.4\n",
        r"node-c +192\.168\.10\.12 +10\.244\.12\.1 to 10\.244\.12\.4\n",
        r"hub +192\.168\.10\.1 +the API server, https://192\.168\.10\.1:\d+\n",
        "shop/web-c4 never does",
        "TLS",
        r"client certificates",
        r"Kubernetes\s1\.32",
        r"node-a# ip route\n  10\.244\.11\.0/26 via 192\.168\.10\.11 dev tunl0 proto bird onlink",
        r"node-b# nft list chain inet tunnel verdict\n(.*\n)+.*ct state established,related accept",
        r"5\sseconds\shere\s\(nf_conntrack_generic_timeout\)",
    ),
    2: (
        rf"node-a# ping -c2 \S+ \S+ 10\.244\.11\.1\n(.*\n)+?.*{TWO_LOST}",
        rf"node-b# ping -c2 \S+ \S+ 10\.244\.12\.1\n(.*\n)+?.*{TWO_LOST}",
        *(
            rf"2\spackets\sof\sprotocol\s4\sarrived\sat\s{name},\sand\sits\sfilter\sdropped\s2"
            for name in NODES[1:]
        ),
    ),
    3: (
        r"every\stunnel\sonce\sin\s1s\sinstead\sof\sthe\sdefault\s30s",
        r"every\spod\sonce\sin\s1s\sinstead\sof\sthe\sdefault\s5s",
        r"node-a# cat \S+/node-a\.toml\n  \[kubernetes\]\n  kubeconfig = \"",
        *(rf"{name}# pokepodsd --config \S+/{name}\.toml run &\n" for name in NODES),
        r"[01]\.\d\d seconds after node-c, the last, sent its first poke,\sall\s6\sways",
        rf"node-a# ping -c2 \S+ \S+ 10\.244\.11\.1\n(.*\n)+?.*{TWO_ANSWERED}",
        rf"node-b# ping -c2 \S+ \S+ 10\.244\.12\.1\n(.*\n)+?.*{TWO_ANSWERED}",
        r"node-a \| [\d:.]+ info: pokepodsd \S+ pokes tunnels every 1s and pods every 1s",
        r"node-a \| [\d:.]+ info: the kernel's routes show 2 peers behind tunl0 ",
        r"node-a \| [\d:.]+ warning: .*Missing right: list and watch pods.*system:node:node-a",
        r"node-a \| [\d:.]+ notice: 2 tunnels are open, .*: answered after at most \d+ lost poke",
        r"node-b \| [\d:.]+ notice: the tunnel to 192\.168\.10\.12 through tunl0 is open",
        r"node-a \| 2 peers: 2 ok; 4 targets: 4 up, .*own pods only",
        r"node-b \| 2 peers: 2 ok; 4 targets: 4 up, .*own pods only",
        r"node-c \| 2 peers: 2 ok; 4 targets: 3 up, .*own pods only",
    ),
    4: (
        r"node-a# pokepodsd rbac --for nodes\n  # Lets every node list and watch",
        r"\n  kind: ClusterRoleBinding\n",
        r"hub \| POST /apis/\S+/clusterroles: pokepodsd is created",
        r"hub \| POST /apis/\S+/clusterrolebindings: pokepodsd is created",
        *(rf"{name} \| [\d:.]+ notice: .*pods of all nodes" for name in NODES),
        r"ready \d+\.\d seconds after the grant",
        *(
            rf"{name} \| [\d:.]+ warning: shop/web-c4 .* is down: timed out; .*check the pod"
            for name in NODES
        ),
        *(
            rf"{name} \| 2 peers: 2 ok; 12 targets: 11 up, 1 down, .*API: watching"
            for name in NODES
        ),
    ),
    5: (
        r"node-a# pokepodsd --config \S+/node-a\.toml once\n"
        r"  NAMESPACE +POD +NODE +ADDRESS +RESULT +RTT\n(  shop .*\n){12}"
        r"  11 of 12 answered\n",
        r"web-b1 +node-b +10\.244\.11\.1 +replied +\d+\.\d+ ms",
        r"web-c4 +node-c +10\.244\.12\.4 +timed out\n",
        "exit status is 1, for shop/web-c4",
    ),
    6: (
        r"node-b# nft list chain inet tunnel verdict\n.*\n.*\n\s+counter name \"dropped\" drop\n",
        rf"node-a# ping -c2 \S+ \S+ 10\.244\.11\.1\n(.*\n)+?.*{TWO_LOST}",
        rf"node-a# ping -c2 \S+ \S+ 192\.168\.10\.11\n(.*\n)+?.*{TWO_ANSWERED}",
        *(
            rf"{name} \| [\d:.]+ warning: the tunnel to node-b \(192\.168\.10\.11\) is broken for "
            r"\S+: .*192\.168\.10\.11 itself does; .*allow protocol 4, not 94"
            for name in OUTSIDE
        ),
        r"node-b \| [\d:.]+ error: this node is cut off for \S+, it is not its peers",
        r"came \d\.\d, \d\.\d and \d\.\d seconds after the change of the filter",
        *(rf"{name} \| 2 peers: 1 ok, 1 tunnel broken; " for name in OUTSIDE),
        r"node-b \| this node is cut off; ",
        *(
            rf"{name} \| [\d:.]+ notice: node-b \(192\.168\.10\.11\) is reachable again after "
            for name in OUTSIDE
        ),
        r"node-b \| [\d:.]+ notice: this node reaches its peers again after ",
        r"came \d\.\d, \d\.\d and \d\.\d seconds after that",
    ),
    7: (
        r"hub# kill -KILL \d+\n",
        *(rf"{name} \| [\d:.]+ warning: the API server cannot be asked" for name in NODES),
        *(rf"{name} \| 2 peers: 2 ok; 12 targets: 11 up, 1 down, .*API: lost" for name in NODES),
        *(
            rf"{name} to {peer} +\d\d +\d\d +\d\.\d\d s +[01]\.\d\d s\n"
            for name in NODES
            for peer in NODES
            if name != peer
        ),
    ),
    8: (
        *(rf"{name}# kill -TERM \d+\n" for name in NODES),
        *(rf"{name} \| [\d:.]+ info: stopped, after \d+ pokes" for name in NODES),
        r"10 lines on node-a, 10 lines on node-b, 9 lines on node-c\.",
        "exit status 0",
        "Nothing is left: no process, no network namespace,",
    ),
}


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
