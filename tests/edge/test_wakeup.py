"""What the loop is woken by, on real sockets and real signals."""

import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from pokepodsd.edge.wakeup import Wakeup

LONG_SECONDS = 20.0


@pytest.fixture
def wakeup() -> Iterator[Wakeup]:
    made = Wakeup()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def is_woken(wakeup: Wakeup) -> bool:
    """Whether it comes back long before its time; a wait that is for nothing is cut short."""
    began = time.monotonic()
    wakeup.wait(LONG_SECONDS)
    return time.monotonic() - began < LONG_SECONDS / 2


def test_what_can_be_read_wakes(wakeup: Wakeup, pair: tuple[socket.socket, socket.socket]) -> None:
    """At once, and as long as nobody reads it."""
    one, other = pair
    wakeup.listen([one])
    other.send(b"x")
    assert is_woken(wakeup)
    assert is_woken(wakeup)


def test_what_is_not_listened_to_any_more_does_not(
    wakeup: Wakeup, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Each call says all of it."""
    one, other = pair
    wakeup.listen([one])
    wakeup.listen([])
    other.send(b"x")
    began = time.monotonic()
    wakeup.wait(0.05)
    assert time.monotonic() - began >= 0.05


def test_a_number_that_is_used_again_is_another_socket(wakeup: Wakeup) -> None:
    """A socket that was closed, and one that got its number, are told apart."""
    first, far = socket.socketpair()
    wakeup.listen([first])
    number = first.fileno()
    first.close()
    far.close()
    second, other = socket.socketpair()
    with second, other:
        again = next(one for one in (second, other) if one.fileno() == number)
        peer = other if again is second else second
        wakeup.listen([again])
        peer.send(b"x")
        assert is_woken(wakeup)


def test_a_socket_that_was_closed_here_alone_wakes_nobody(wakeup: Wakeup) -> None:
    """A child that was just forked has it still, and so the kernel reports it: it is no error."""
    wakeup.catch_signals()
    first, far = socket.socketpair()
    child = os.dup(first.fileno())
    with far:
        wakeup.listen([first])
        first.close()
        far.send(b"x")
        wakeup.listen([])
        assert wakeup.wait(LONG_SECONDS) == set()
        os.close(child)


def test_a_client_that_must_read_is_waited_for(
    wakeup: Wakeup, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Among the writers it wakes when it takes more, and not among the readers alone."""
    one, _ = pair
    wakeup.listen([one], [one])
    assert is_woken(wakeup)
    wakeup.listen([one])
    began = time.monotonic()
    wakeup.wait(0.05)
    assert time.monotonic() - began >= 0.05


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGTERM, (True, False)),
        (signal.SIGINT, (True, False)),
        (signal.SIGHUP, (False, True)),
    ],
)
def test_a_signal_wakes_and_is_noted(number: signal.Signals, expected: tuple[bool, bool]) -> None:
    """SIGTERM and SIGINT ask for a stop, SIGHUP for a reload; none ends the process."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {one: signal.getsignal(one) for one in numbers}
    wakeup = Wakeup()
    try:
        wakeup.catch_signals()
        os.kill(os.getpid(), number)
        assert is_woken(wakeup)
        assert (wakeup.is_stop_wanted, wakeup.is_reload_wanted) == expected
    finally:
        signal.set_wakeup_fd(-1)
        for one, handler in before.items():
            signal.signal(one, handler)
        wakeup.close()


def test_it_says_who_has_something(wakeup: Wakeup) -> None:
    """Of those that are listened to, exactly those with something to read or room to write."""
    pairs = [socket.socketpair() for _ in range(3)]
    first, second, third = (one for one, _ in pairs)
    wakeup.listen([first, second], [third])
    pairs[0][1].send(b"x")
    assert wakeup.wait(LONG_SECONDS) == {first, third}
    assert wakeup.wait(0) == {first, third}
    first.recv(1)
    wakeup.listen([first, second])
    assert wakeup.wait(0) == set()
    for one in pairs:
        for end in one:
            end.close()
