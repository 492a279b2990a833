"""Checks that a keeper which stood still itself holds no silence against its reader."""

import random
import signal

from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.edge.child import Child
from pokepodsd.keeper import SILENCE_NS, Keeper


def at(seconds: float) -> MonotonicNs:
    return MonotonicNs(round(seconds * SECOND_NS))


def test_a_pause_gives_the_reader_its_time_anew() -> None:
    """After a pause of everything the reader is given as long as ever; then it is replaced."""
    keeper = Keeper(lambda: Child(lambda _: signal.pause()), roll=random.random)
    keeper.start(at(100))
    before = keeper.process
    after = at(100) + 2 * SILENCE_NS
    for now in (at(101), MonotonicNs(after), MonotonicNs(after + SILENCE_NS // 3)):
        assert list(keeper.turn(set(), now)) == []
    assert keeper.process is before
    assert keeper.next_due() == after + SILENCE_NS
    for third in (2, 3):
        list(keeper.turn(set(), MonotonicNs(after + third * SILENCE_NS // 3 + third)))
    assert keeper.process is None
    keeper.stop()
