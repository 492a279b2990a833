"""The daemon's side of the control socket, on a real unix socket.

Owns how requests are taken and answers are sent. Refuses: what the answers say.
"""

import json
import os
import socket
import stat
import struct
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.desk import Desk
from pokepodsd.edge.control import NAME, Connection
from tests.core.builders import T0, at

Lines = Iterator[Mapping[str, Any]]
LARGE = 20_000


class Answering:
    """Answers of three kinds; how many lines of the endless one were made."""

    def __init__(self) -> None:
        self.made = 0
        self.asked: list[int] = []
        self.connections: list[Connection] = []

    def short(self, connection: Connection, request: Mapping[str, Any], now: MonotonicNs) -> Lines:
        self.asked.append(connection.uid)
        self.connections.append(connection)
        yield {"said": request["short"]}

    def long(self, connection: Connection, request: Mapping[str, Any], now: MonotonicNs) -> Lines:
        for number in range(LARGE):
            yield {"line": number}
        yield {"end": LARGE}

    def endless(
        self, connection: Connection, request: Mapping[str, Any], now: MonotonicNs
    ) -> Lines:
        for number in count():
            self.made += 1
            yield {"line": number}


class Client:
    """Whoever asks; reads without waiting."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._socket.setblocking(False)
        self.read = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def take(self) -> bool:
        """Read what is there; False at the end."""
        try:
            data = self._socket.recv(1 << 20)
        except BlockingIOError:
            return True
        self.read += data
        return bool(data)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.read.splitlines()]

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def answering() -> Answering:
    return Answering()


@pytest.fixture
def desk(tmp_path: Path, answering: Answering) -> Iterator[Desk]:
    made = Desk({"short": answering.short, "long": answering.long, "endless": answering.endless})
    made.start(tmp_path)
    yield made
    made.stop()


def ask(tmp_path: Path, **request: Any) -> Client:
    client = Client(tmp_path / NAME)
    client.send(json.dumps(request).encode() + b"\n")
    return client


def test_root_and_the_group_may_connect(desk: Desk, tmp_path: Path) -> None:
    """And nobody else: mode 0660, whatever the umask."""
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o660


def test_a_request_is_answered_in_the_same_turn(
    desk: Desk, tmp_path: Path, answering: Answering
) -> None:
    """By the handler that its key names, which is told who asks."""
    client = ask(tmp_path, short="hello")
    desk.turn(T0)
    client.take()
    assert client.lines() == [{"said": "hello"}]
    assert answering.asked == [os.getuid()]


def test_a_connection_asks_again(desk: Desk, tmp_path: Path) -> None:
    """As a view does that is renewed every two seconds."""
    client = ask(tmp_path, short=1)
    desk.turn(T0)
    client.send(b'{"short":2}\n')
    desk.turn(T0)
    client.take()
    assert client.lines() == [{"said": 1}, {"said": 2}]


def test_a_long_answer_takes_turns_and_arrives_whole(desk: Desk, tmp_path: Path) -> None:
    """Each turn leaves the loop again; between them the desk wants to be called at once."""
    client = ask(tmp_path, long=1)
    turns = 0
    while not client.read.endswith(b'{"end":20000}\n'):
        desk.turn(T0)
        client.take()
        turns += 1
        assert turns < LARGE
        if desk.full():
            continue
        if not client.read.endswith(b'{"end":20000}\n'):
            assert desk.next_due() == 0
    assert [one.get("line") for one in client.lines()] == [*range(LARGE), None]
    assert turns > 1


def test_a_connection_that_an_answerer_closed_makes_room(
    desk: Desk, tmp_path: Path, answering: Answering
) -> None:
    """As a hold does when its time is over: the desk wants a turn, though no socket says so."""
    clients = [ask(tmp_path, short=number) for number in range(3)]
    for _ in clients:
        desk.turn(T0)
    assert len(answering.connections) == 3
    for connection in answering.connections:
        connection.close()
    assert desk.next_due() == 0
    desk.turn(T0)
    late = ask(tmp_path, short="late")
    desk.turn(T0)
    late.take()
    assert late.lines() == [{"said": "late"}]


def test_a_client_that_does_not_read_costs_nothing(
    desk: Desk, tmp_path: Path, answering: Answering
) -> None:
    """No more is made for it than fits between; others are answered; it is waited for."""
    silent = ask(tmp_path, endless=1)
    for _ in range(1_000):
        desk.turn(T0)
        if desk.full():
            break
    made = answering.made
    (waiting,) = desk.full()
    other = ask(tmp_path, short="hello")
    for _ in range(10):
        desk.turn(T0)
    other.take()
    assert other.lines() == [{"said": "hello"}]
    assert (answering.made, desk.full()) == (made, [waiting])
    assert desk.next_due() == T0 + 10 * SECOND_NS
    silent.close()


def test_whoever_reads_on_gets_the_rest(desk: Desk, tmp_path: Path) -> None:
    """A pause of a reader loses no line."""
    client = ask(tmp_path, endless=1)
    while not desk.full():
        desk.turn(T0)
    client.take()
    desk.turn(T0)
    client.take()
    numbers = [json.loads(line)["line"] for line in client.read.split(b"\n")[:-1]]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("request_line", [None, b'{"endless":1}\n'])
def test_silence_makes_room(desk: Desk, tmp_path: Path, request_line: bytes | None) -> None:
    """Whoever asks for nothing, or reads nothing, is let go after ten seconds."""
    client = Client(tmp_path / NAME)
    if request_line is not None:
        client.send(request_line)
    desk.turn(T0)
    while request_line is not None and not desk.full():
        desk.turn(T0)
    desk.turn(at(9.9))
    assert len(desk.sockets()) == 2
    desk.turn(at(10.1))
    assert len(desk.sockets()) == 1
    while client.take():
        pass


def test_what_is_no_request_is_told_and_refused(desk: Desk, tmp_path: Path) -> None:
    """Garbage ends the connection with an entry; an unknown request is told what there is."""
    garbage = Client(tmp_path / NAME)
    garbage.send(b"hello?\n")
    unknown = ask(tmp_path, poem=1)
    desk.turn(T0)
    assert not garbage.take()
    assert [entry.kind for entry in desk.entries] == [EventKind.CONTROL_REFUSED]
    unknown.take()
    assert unknown.lines() == [{"error": "the request is none of these: short, long, endless"}]


def test_garbage_without_end_is_told_once_a_minute(desk: Desk, tmp_path: Path) -> None:
    """The group may ask, and may not fill the journal: the next entry says how many there were."""

    def send_garbage(seconds: float) -> None:
        client = Client(tmp_path / NAME)
        client.send(b"hello?\n")
        desk.turn(at(seconds))
        assert not client.take()

    for number in range(50):
        send_garbage(number)
    assert len(desk.entries) == 1
    send_garbage(61)
    assert [entry.kind for entry in desk.entries] == [EventKind.CONTROL_REFUSED] * 2
    assert desk.entries[1].text.endswith("; 49 more were refused since the last such entry")


def test_a_client_that_goes_is_forgotten(desk: Desk, tmp_path: Path) -> None:
    """In the middle of an answer, too."""
    client = ask(tmp_path, endless=1)
    desk.turn(T0)
    client.close()
    for _ in range(3):
        desk.turn(T0)
    assert (len(desk.sockets()), desk.full(), desk.next_due()) == (1, [], None)


def test_without_a_folder_there_is_no_socket(tmp_path: Path) -> None:
    """And one that cannot be made is one warning with its remedy."""
    desk = Desk({})
    desk.start(None)
    desk.turn(T0)
    assert (list(desk.sockets()), desk.entries) == ([], [])
    desk.start(tmp_path / "missing")
    (entry,) = desk.entries
    assert entry.kind is EventKind.CONTROL_CLOSED
    assert "RuntimeDirectory=pokepodsd" in entry.text


def test_credentials_are_the_kernel_s(tmp_path: Path) -> None:
    """The layout of struct ucred: a pid and two unsigned ids (unix(7))."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        told = ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
        assert struct.unpack("iII", told) == (os.getpid(), os.getuid(), os.getgid())
        assert Connection(ours).uid == os.getuid()
