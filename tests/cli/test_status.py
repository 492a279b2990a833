"""`pokepodsd status` against a daemon that answers as a test says."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pokepodsd.core.document import Document
from pokepodsd.core.status import FEW_PEERS, MOST_SHOWN
from tests.cli.conftest import COMMAND, Run
from tests.cli.fakedaemon import FakeDaemon
from tests.cli.terminal import Terminal
from tests.edge.support import UNPRIVILEGED
from tests.statusdocument import broken, counts, cut_off, document, lines, many, peer, pod

SCHEMA = Path(__file__).parents[2] / "packaging" / "schema" / "status-1.json"
COLOUR = re.compile(r"\x1b\[[0-9;]*?[349][0-7][0-9;]*m")


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def filtered() -> Document:
    """All is well, but for pings to a node's own address, which are filtered."""
    said = document([peer(1), peer(2, verdict="ICMP filtered on the underlay")])
    said["targets_by_layer"]["underlay"] = counts(up=1, down=1)
    return said


def pod_down() -> Document:
    return document([peer(1)], [pod(1)], state="fault", text="1 pod does not answer")


def starting() -> Document:
    return document(state="starting", text="no other node is known yet")


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("make", "expected"),
    [(document, 0), (filtered, 0), (starting, 0), (broken, 1), (cut_off, 1), (pod_down, 1)],
)
def test_exit_status_is_the_verdict(
    run: Run, socket: Path, make: Callable[[], Document], expected: int, form: str
) -> None:
    """Something is down, or nothing is: a script needs to read no word."""
    with FakeDaemon.telling(socket, make()):
        done = run("status", "-o", form, "--socket", str(socket))
    assert (done.returncode, done.stderr) == (expected, "")


def test_the_schema_says_how_many_are_told() -> None:
    """Whoever reads the document knows when there may be more than it lists."""
    properties = json.loads(SCHEMA.read_text())["properties"]
    assert f"all if there are at most {FEW_PEERS}" in properties["peers"]["description"]
    for part in ("peers", "targets"):
        assert f"t most {MOST_SHOWN}" in properties[part]["description"]


@pytest.mark.parametrize("make", [broken, cut_off, many, document])
def test_json_is_the_document(run: Run, socket: Path, make: Callable[[], Document]) -> None:
    """One line, of the published schema, and the daemon's own word in all."""
    with FakeDaemon.telling(socket, make()):
        done = run("status", "-o", "json", "--socket", str(socket))
    (line,) = done.stdout.splitlines()
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads(line))
    assert json.loads(line) == make()


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ((), {"peers": "some", "targets": "some"}),
        (("--all",), {"peers": "all", "targets": "all"}),
        (("--peer", "node-1"), {"peers": "all", "targets": "some", "peer": "node-1"}),
        (("--namespace", "shop"), {"peers": "some", "targets": "some", "namespace": "shop"}),
    ],
)
def test_only_what_is_shown_is_asked_for(
    run: Run, socket: Path, options: tuple[str, ...], asked: Mapping[str, str]
) -> None:
    """The daemon is not made to tell of 150,000 pods that nobody wants to see."""
    with FakeDaemon.telling(socket, document([peer(1)])) as daemon:
        assert run("status", *options, "--socket", str(socket)).returncode == 0
    assert daemon.requests == [{"status": asked}]


def test_an_unknown_peer_is_an_error(run: Run, socket: Path) -> None:
    """Nothing is said of it, and not that all is well."""
    with FakeDaemon.telling(socket, document()):
        done = run("status", "--peer", "node-z", "--socket", str(socket))
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == "pokepodsd: no peer is known as 'node-z'\n"


def test_no_daemon_is_status_3(run: Run, socket: Path) -> None:
    """One line: where it was looked for, and what to do. Broken settings do not matter."""
    settings = socket.with_name("bad.toml")
    settings.write_text("nonsense")
    done = run("--config", str(settings), "status", "--socket", str(socket))
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert str(socket) in line
    assert "systemctl start pokepodsd" in line


@pytest.mark.root
@pytest.mark.parametrize("command", [("status",), ("need", "all")])
def test_no_right_is_status_77(run: Run, socket: Path, command: tuple[str, ...]) -> None:
    """Whoever may not ask is told who may."""
    for folder in (socket.parent, *socket.parent.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o755)
    with FakeDaemon.telling(socket, document()):
        socket.chmod(0o660)
        done = run(*command, "--socket", str(socket), prefix=UNPRIVILEGED)
    assert (done.returncode, done.stdout) == (77, "")
    (line,) = done.stderr.splitlines()
    assert "run it as root or as a member of the group pokepodsd" in line


def test_an_answer_that_is_none_is_status_69(run: Run, socket: Path) -> None:
    """Of another version, broken off or refused: one line each, never half a page."""
    whole = [*lines(document([peer(1)]))]
    old: dict[str, Any] = {"status": {**whole[0]["status"], "version": 2}}
    for replies, word in (
        ([old, *whole[1:]], "version 2"),
        (whole[:-1], "ended"),
        ([whole[0], whole[-1]], "missing"),
        ([{"error": "not \x1b[2Jtoday"}], "not \\x1b[2Jtoday"),
    ):
        with FakeDaemon(socket, lambda _, replies=replies: replies):  # type: ignore[misc]
            done = run("status", "--socket", str(socket))
        assert (done.returncode, done.stdout, word in done.stderr) == (69, "", True)
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("columns", [80, 160])
def test_a_terminal_is_used_and_not_exceeded(socket: Path, columns: int) -> None:
    """Its width is what the page has; colours say where to look."""
    with FakeDaemon.telling(socket, broken()):
        command = [*COMMAND, "status", "--socket", str(socket)]
        with Terminal(command, columns=columns) as terminal:
            assert terminal.wait() == 1
    rows = terminal.text.split("\n")
    assert max(map(len, rows)) <= columns
    assert any("192.168.10.20" in row for row in rows) == (columns == 160)
    assert COLOUR.search(terminal.output)


def test_no_colour_is_no_colour(run: Run, socket: Path) -> None:
    """NO_COLOR is obeyed on a terminal; where there is none, there is no escape at all."""
    command = [*COMMAND, "status", "--socket", str(socket)]
    with FakeDaemon.telling(socket, broken()):
        with Terminal(command, environment={"NO_COLOR": "1"}) as terminal:
            assert terminal.wait() == 1
        assert not COLOUR.search(terminal.output)
        assert "FAULT" in terminal.output
        done = run("status", "--socket", str(socket))
    assert "\x1b" not in done.stdout
    assert any(len(line) > 100 for line in done.stdout.splitlines())


NEVER = {
    *("kubernetes", "yaml", "pyroute2", "icmplib", "urllib3", "asyncio", "ssl", "logging"),
    # These are not even in the packages.
    *("pygments", "markdown_it", "mdurl", "tzdata"),
    # The configuration is not read.
    *("tomllib", "durationpy", "pokepodsd.core.config", "pokepodsd.edge.configfile"),
    *("pokepodsd.core.engine", "pokepodsd.edge.journal"),
}
SHOW_MODULES = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from pokepodsd.cli import main
main(prog_name="pokepodsd")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_little_is_imported(socket: Path, form: str) -> None:
    """It answers at once, since it loads what it needs alone; JSON needs no page to be drawn."""
    words = ["status", "-o", form, "--socket", str(socket)]
    with FakeDaemon.telling(socket, broken()):
        done = subprocess.run(
            [sys.executable, "-c", SHOW_MODULES, *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    imported = set(done.stderr.split())
    assert "pokepodsd.core.document" in imported
    assert imported & NEVER == set()
    assert "rich.progress" not in imported
    assert ("rich" in imported) == (form == "text")
