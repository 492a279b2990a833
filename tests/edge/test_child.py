"""Checks the child process: what it inherits, how both ends learn of an end, what is left."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pokepodsd.edge.child import Child
from tests.edge.support import PATIENCE_SECONDS, wait_readable
from tests.lab import Process

Body = Callable[[socket.socket], None]
Start = Callable[[Body], Child]


@pytest.fixture
def start() -> Iterator[Start]:
    children: list[Child] = []

    def start_one(body: Body) -> Child:
        children.append(Child(body))
        return children[-1]

    yield start_one
    for child in children:
        if is_ours(child):
            child.kill()


def is_ours(child: Child) -> bool:
    """Whether there is such a child still, a zombie included."""
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def wait_until_told(channel: socket.socket) -> None:
    channel.recv(1)


def read(child: Child) -> bytes | None:
    wait_readable(child)
    return child.read()


def test_words_of_the_child_arrive(start: Start) -> None:
    """Nothing is None, words are bytes, the end is empty, and stays so."""

    def speak(channel: socket.socket) -> None:
        channel.recv(1)
        channel.sendall(b"hello")

    child = start(speak)
    assert child.read() is None
    os.write(child.fileno(), b"x")
    assert read(child) == b"hello"
    assert [read(child), read(child)] == [b"", b""]


def test_words_for_the_child_arrive(start: Start) -> None:
    """What is written goes to the child, in order."""

    def echo(channel: socket.socket) -> None:
        while said := channel.recv(100):
            channel.sendall(said.upper())

    child = start(echo)
    child.write(b"one ")
    child.write(b"two")
    said = b""
    while len(said) < 7:
        said += read(child) or b""
    assert said == b"ONE TWO"


def test_child_that_does_not_listen_is_not_waited_for(start: Start) -> None:
    """Far more than a socket holds is written in no time, and what was taken is whole lines."""

    def listen_late(channel: socket.socket) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        channel.sendall(channel.recv(10_000_000, socket.MSG_WAITALL | socket.MSG_DONTWAIT))

    child = start(listen_late)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    begin = time.monotonic()
    for _ in range(10_000):
        child.write(b"n" * 99 + b"\n")
    assert time.monotonic() - begin < 2
    os.kill(child.pid, signal.SIGCONT)
    said = read(child)
    assert said
    assert set(said.decode().splitlines()) == {"n" * 99}


def test_words_for_a_dead_child_are_lost(start: Start) -> None:
    """A child that ended, or was killed, is written to without an error."""
    child = start(lambda _: None)
    assert read(child) == b""
    child.write(b"hello")
    child.kill()
    child.write(b"hello")


def test_child_inherits_no_descriptor(start: Start) -> None:
    """It has the three standard ones and its end of the socket: no ICMP socket, no other pipe."""

    def list_descriptors(channel: socket.socket) -> None:
        links = {int(name): Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")}
        held = sorted(number for number, link in links.items() if os.path.lexists(link))
        channel.sendall(repr((channel.fileno(), held)).encode())

    ends = os.pipe()
    os.set_inheritable(ends[0], True)
    try:
        said = read(start(list_descriptors))
    finally:
        for end in ends:
            os.close(end)
    assert said is not None
    mine, held = eval(said)
    assert held == [0, 1, 2, mine]


def test_child_does_as_it_is_told_by_signals(start: Start) -> None:
    """SIGTERM has its default effect, and an interrupt from the terminal none."""

    def show_signals(channel: socket.socket) -> None:
        numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        channel.sendall(repr([signal.getsignal(number).name for number in numbers]).encode())  # type: ignore[union-attr]
        channel.recv(1)

    child = start(show_signals)
    assert read(child) == b"['SIG_DFL', 'SIG_DFL', 'SIG_IGN']"
    os.kill(child.pid, signal.SIGINT)
    assert child.read() is None
    os.kill(child.pid, signal.SIGTERM)
    assert read(child) == b""
    assert child.kill() == "killed by SIGTERM"


def fail(_: socket.socket) -> None:
    raise ValueError


def leave(_: socket.socket) -> None:
    os._exit(3)


def stop(_: socket.socket) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (lambda _: None, "exited with status 0"),
        (leave, "exited with status 3"),
        (fail, "exited with status 70"),
    ],
)
def test_end_is_told(start: Start, body: Body, how: str) -> None:
    """An end of its own is seen by an empty read, and told; what it raised comes not back here."""
    child = start(body)
    assert read(child) == b""
    assert child.kill() == how
    assert not is_ours(child)


@pytest.mark.parametrize("body", [wait_until_told, stop])
def test_killed_child_leaves_no_zombie(start: Start, body: Body) -> None:
    """A child that waits or stands still is dead and reaped when `kill` returns."""
    child = start(body)
    if body is stop:
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    assert child.kill() == "killed by SIGKILL"
    assert not is_ours(child)
    assert child.fileno() == -1


def test_child_sees_the_end_of_its_parent(tmp_path: Path) -> None:
    """A parent that is killed outright leaves a child that reads the end, and may leave too."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    program = f"""
import signal
from pathlib import Path
from pokepodsd.edge.child import Child
def body(channel):
    with open({str(fifo)!r}, "w") as file:
        file.write("here\\n")
        file.flush()
        assert channel.recv(1) == b""
        file.write("ended\\n")
child = Child(body)
signal.pause()
"""
    with Process([sys.executable, "-c", program]) as process, fifo.open() as lines:
        assert lines.readline() == "here\n"
        process.signal(signal.SIGKILL)
        wait_readable(lines, PATIENCE_SECONDS)
        assert lines.readline() == "ended\n"
