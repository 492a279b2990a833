"""`pokepodsd status --watch`, on a real terminal and without, while a daemon comes and goes."""

import json
import signal
import subprocess
from pathlib import Path
from threading import Event

import pytest

from tests.cli.conftest import COMMAND
from tests.cli.fakedaemon import FakeDaemon
from tests.cli.terminal import Terminal
from tests.lab import Process
from tests.statusdocument import broken, document, many, peer

ALTERNATE, BACK = "\x1b[?1049h", "\x1b[?1049l"
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    return [*COMMAND, "status", "--socket", str(tmp_path / "control.sock"), "--watch", "0.2"]


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def assert_restored(output: str) -> None:
    """The other screen is left, and the cursor is back."""
    assert output.count(ALTERNATE) == output.count(BACK) == 1
    assert output.rindex(BACK) > output.rindex(ALTERNATE)
    assert output.rindex(SHOWN) > output.rindex(HIDDEN)
    assert "Traceback" not in output


def test_it_survives_the_daemon(command: list[str], socket: Path) -> None:
    """While there is none it says so, with what it knew before; and goes on by itself."""
    with Terminal(command) as terminal:
        seen = terminal.wait_for(r"no daemon since \d\d:\d\d:\d\d, trying again")
        with FakeDaemon.telling(socket, document([peer(1)])):
            seen = terminal.wait_for("OK: node-a reaches", since=seen)
        terminal.wait_for("no daemon since", since=seen)
        terminal.wait_for("Before that:", since=seen)
        seen = terminal.wait_for("OK: node-a reaches", since=seen)
        with FakeDaemon.telling(socket, broken()):
            terminal.wait_for("FAULT: node-a", since=seen)
            terminal.press(b"\x03")
            assert terminal.wait() == 0
    assert_restored(terminal.output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("is_there", [True, False])
def test_it_ends_cleanly(
    command: list[str], socket: Path, number: signal.Signals, is_there: bool
) -> None:
    """With status 0, the terminal as it was, whether there is a daemon or not."""
    with Terminal(command) as terminal:
        terminal.wait_for("no daemon")
        if is_there:
            with FakeDaemon.telling(socket, document([peer(1)])):
                terminal.wait_for("Ctrl-C ends")
                terminal.signal(number)
                assert terminal.wait() == 0
        else:
            terminal.signal(number)
            assert terminal.wait() == 0
    assert_restored(terminal.output)


def test_a_daemon_that_hangs_does_not_keep_it(command: list[str], socket: Path) -> None:
    """Ctrl-C ends it also while it waits for an answer."""
    asked, released = Event(), Event()

    def hang(_: object) -> list[dict[str, object]]:
        asked.set()
        released.wait()
        return []

    with FakeDaemon(socket, hang), Terminal(command) as terminal:
        assert asked.wait(20)
        terminal.press(b"\x03")
        assert terminal.wait() == 0
        released.set()
    assert_restored(terminal.output)


def test_a_page_that_is_too_long_says_so(command: list[str], socket: Path) -> None:
    """What does not fit is counted, and the last line is still seen."""
    peers = [peer(number) for number in range(40)]
    with FakeDaemon.telling(socket, document(peers)), Terminal(command, rows=20) as terminal:
        terminal.wait_for(r"Ctrl-C ends; 30 more lines")
        terminal.press(b"\x03")
        assert terminal.wait() == 0


def test_json_is_one_document_a_line(command: list[str], socket: Path) -> None:
    """For a program: nothing but documents on stdout, across a restart, until SIGTERM."""
    with Process([*command, "-o", "json"]) as watching:
        watching.wait_for_line("no daemon since .*, trying again", stream="stderr")
        for made in (many(), broken()):
            text = made["verdict"]["text"]
            with FakeDaemon.telling(socket, made):
                watching.wait_for_line(text.replace("(", r"\(").replace(")", r"\)"))
        watching.signal(signal.SIGTERM)
        assert watching.wait() == 0
        documents = [json.loads(line) for line in watching.lines("stdout")]
    assert many() in documents
    assert documents[-1] == broken()


def test_text_without_a_terminal_is_page_after_page(command: list[str], socket: Path) -> None:
    """No escapes: it can be kept in a file."""
    with FakeDaemon.telling(socket, document([peer(1)])), Process(command) as watching:
        watching.wait_for_line("OK: node-a", stream="stdout")
        first = watching.records()[-1].at_ns
        watching.wait_for_line("OK: node-a", stream="stdout", since_ns=first + 1)
        watching.signal(signal.SIGINT)
        assert watching.wait() == 0
        assert not any("\x1b" in line for line in watching.lines())


def test_a_reader_that_goes_ends_it(command: list[str], socket: Path) -> None:
    """`pokepodsd status --watch -o json | head -1` comes to an end."""
    with (
        FakeDaemon.telling(socket, document([peer(1)])),
        subprocess.Popen(
            [*command, "-o", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as watching,
    ):
        assert watching.stdout is not None
        assert watching.stderr is not None
        watching.stdout.readline()
        watching.stdout.close()
        assert (watching.wait(20), watching.stderr.read()) == (141, b"")
