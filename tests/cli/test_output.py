"""Standard streams that are closed, full, or read by nobody: never a traceback."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import COMMAND, Run
from tests.cli.fakedaemon import FakeDaemon
from tests.statusdocument import document, peer

STATUS = ("status", "--all")


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def environment() -> dict[str, str]:
    """As an operator has it: what is written waits in a buffer, which is written out at the end."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}


def arguments(words: Sequence[str], socket: Path) -> list[str]:
    return [*words, *(["--socket", str(socket)] if words[0] == "status" else [])]


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(
    "words", [STATUS, (*STATUS, "-o", "json"), ("rbac",), ("check-config",), ("--help",)]
)
def test_closed_streams_change_no_exit_status(
    run: Run, socket: Path, words: Sequence[str], closed: str
) -> None:
    """What is said goes nowhere, and never into a file or socket that took the free place."""
    with FakeDaemon.telling(socket, document([peer(1)])) as daemon:
        prefix = ("sh", "-c", f'exec "$@" {closed}', "sh")
        done = run(*arguments(words, socket), prefix=prefix)
    assert (done.returncode, done.stderr) == (0, "")
    if ">&-" in closed.split():
        assert done.stdout == ""
    assert all(set(request) == {"status"} for request in daemon.requests)


@pytest.mark.parametrize("words", [STATUS, (*STATUS, "-o", "json"), ("rbac",)])
def test_a_pipe_that_nobody_reads_ends_it_quietly(
    socket: Path, environment: dict[str, str], words: Sequence[str]
) -> None:
    """As SIGPIPE does it: `pokepodsd status | head -1` is no fault."""
    read, write = os.pipe()
    os.close(read)
    with FakeDaemon.telling(socket, document([peer(number) for number in range(2_000)])):
        done = subprocess.run(
            [*COMMAND, *arguments(words, socket)],
            stdout=write,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
            timeout=30,
        )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("words", [STATUS, (*STATUS, "-o", "json"), ("rbac",), ("--help",)])
def test_a_full_disk_is_one_line(
    socket: Path, environment: dict[str, str], words: Sequence[str]
) -> None:
    """What was not written is not passed over in silence."""
    with FakeDaemon.telling(socket, document([peer(1)])), Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments(words, socket)],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            check=False,
            timeout=30,
        )
    assert done.returncode == 74
    assert done.stderr.decode().splitlines() == [
        "pokepodsd: cannot write what there is to say: no space is left"
    ]


def test_what_an_encoding_lacks_is_escaped(run: Run, socket: Path) -> None:
    """A terminal of Latin-1 shows what it can."""
    with FakeDaemon.telling(socket, document([peer(1, name="節点-é")])):
        prefix = ("env", "PYTHONIOENCODING=latin-1", "PYTHONUTF8=0", "sh", "-c")
        done = run(
            *arguments(STATUS, socket),
            prefix=(*prefix, 'exec "$@" | iconv -f latin1 -t utf8', "sh"),
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u7bc0\\u70b9-é" in done.stdout
