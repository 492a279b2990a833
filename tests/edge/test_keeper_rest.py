"""Checks that the keeper lets records gather which come fast."""

import signal
import socket

from pokepodsd.core.model import SECOND_NS, MonotonicNs, Uid
from pokepodsd.core.recordlines import encode
from pokepodsd.core.records import PodRemoved
from pokepodsd.edge.child import Child
from pokepodsd.keeper import SILENCE_NS, Keeper
from tests.edge.support import wait_readable

GONE = PodRemoved(uid=Uid("uid-1"))


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * SECOND_NS))


def say_much(channel: socket.socket) -> None:
    channel.sendall(encode(GONE) * 500)
    signal.pause()


def test_what_comes_fast_is_left_to_gather() -> None:
    """After very many records nobody is woken for the next ones, until the rest is over."""
    keeper = Keeper(lambda: Child(say_much), roll=lambda: 1.0)
    keeper.start(at(100))
    try:
        assert keeper.process is not None
        assert keeper.listened is keeper.process
        wait_readable(keeper.process)
        assert list(keeper.read(at(101))) == [GONE] * 500
        assert keeper.listened is None
        assert not keeper.is_rested(at(101.03))
        assert keeper.is_rested(at(101.05))
        due = keeper.next_due()
        assert due is not None
        assert at(101.05) < due <= at(101.1)
        assert list(keeper.read(due)) == []
        assert keeper.listened is keeper.process
        assert not keeper.is_rested(due)
        assert keeper.next_due() == at(101) + SILENCE_NS
    finally:
        keeper.stop()
