"""The client of the control socket, against a real socket."""

import socket
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.edge.control import Client
from pokepodsd.errors import ControlError, NoDaemonError
from tests.cli.fakedaemon import FakeDaemon

END = {"end": {"peers": 0, "targets": 0}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@contextmanager
def asking(path: Path, replies: Iterable[Mapping[str, Any]]) -> Iterator[Client]:
    """A client of a daemon that answers anything with these lines, and then hangs up."""
    with FakeDaemon(path, lambda _: replies):
        client = Client(path)
        try:
            yield client
        finally:
            client.close()


def test_a_stream_ends_with_its_end(path: Path) -> None:
    """All lines come, in order, the end included, and nothing after it is waited for."""
    with asking(path, [{"a": 1}, {"b": 2}, END, {"c": 3}]) as client:
        assert [*client.stream({"status": {}})] == [{"a": 1}, {"b": 2}, END]


def test_a_stream_that_breaks_off_is_an_error(path: Path) -> None:
    """A daemon that ends meanwhile has not answered."""
    with asking(path, [{"a": 1}]) as client, pytest.raises(ControlError, match="ended"):
        list(client.stream({"status": {}}))


def test_a_refusal_is_told_with_its_reason(path: Path) -> None:
    """The daemon's own words, for one line and for many."""
    with asking(path, [{"error": "not today"}]) as client, pytest.raises(ControlError) as raised:
        list(client.stream({"status": {}}))
    assert str(raised.value) == "not today"
    with asking(path, [{"error": "not today"}]) as client, pytest.raises(ControlError) as raised:
        client.ask({"metrics": {}})
    assert str(raised.value) == "not today"


def test_a_daemon_that_is_silent_is_not_waited_for(path: Path) -> None:
    """The patience is the caller's to set."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        client = Client(path, patience_seconds=0.05)
        with pytest.raises(ControlError, match="does not answer: timed out"):
            client.ask({"metrics": {}})
        client.close()


def test_nobody_there_is_told_apart(path: Path) -> None:
    """No socket, and one that nobody listens at any more: both say what to do."""
    with pytest.raises(NoDaemonError, match="systemctl start pokepodsd"):
        Client(path)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with pytest.raises(NoDaemonError, match="systemctl status pokepodsd") as raised:
        Client(path)
    assert raised.value.exit_status == 3


def test_a_path_that_can_be_no_socket_is_no_missing_daemon(tmp_path: Path) -> None:
    """A name that is too long, or a folder that is a file, is the caller's mistake."""
    (tmp_path / "file").touch()
    for wrong in (tmp_path / ("x" * 200), tmp_path / "file" / "control.sock"):
        with pytest.raises(ControlError, match="no control socket") as raised:
            Client(wrong)
        assert not isinstance(raised.value, NoDaemonError)


def ask(path: Path) -> Mapping[str, Any]:
    client = Client(path)
    reply = client.ask({"metrics": {}})
    client.close()
    return reply


def test_a_daemon_that_is_busy_is_waited_for(path: Path) -> None:
    """Where the kernel's queue of the socket is full, connecting waits for its turn."""
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(1) as pool:
        listener.bind(str(path))
        listener.listen(0)
        first = Client(path)
        with pytest.raises(ControlError, match="too busy"):
            Client(path, patience_seconds=0.05)
        waiting = pool.submit(ask, path)
        listener.accept()[0].close()
        with listener.accept()[0] as accepted:
            accepted.sendall(b'{"metrics": {"version": 1}}\n')
            assert waiting.result() == {"metrics": {"version": 1}}
        first.close()
