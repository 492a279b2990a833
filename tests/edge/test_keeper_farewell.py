"""Checks that the last word of a reader is waited for, and no longer than that."""

import signal
import socket
import time
from collections.abc import Callable

from pokepodsd.core.model import MonotonicNs, NodeName, Uid
from pokepodsd.core.recordlines import encode
from pokepodsd.core.records import Identified, PodRemoved, Record
from pokepodsd.edge.child import Child
from pokepodsd.keeper import Keeper

FIRST = Identified(node=NodeName("node-a"), source="certificate")
LAST = PodRemoved(uid=Uid("uid-1"))


def heard_of(body: Callable[[socket.socket], None], seconds: float) -> tuple[list[Record], float]:
    """What a reader said until its last word, and how long that took."""
    heard: list[Record] = []

    def is_last(record: Record) -> bool:
        heard.append(record)
        return record == LAST

    keeper = Keeper(lambda: Child(body), roll=lambda: 1.0)
    keeper.start(MonotonicNs(time.monotonic_ns()))
    begin = time.monotonic()
    keeper.hear_out(is_last, seconds)
    took = time.monotonic() - begin
    keeper.stop()
    keeper.hear_out(is_last, seconds)
    return heard, took


def test_last_word_ends_the_waiting() -> None:
    def body(channel: socket.socket) -> None:
        channel.sendall(encode(FIRST) + encode(LAST))
        signal.pause()

    heard, took = heard_of(body, 60.0)
    assert (heard, took < 10) == ([FIRST, LAST], True)


def test_time_ends_the_waiting() -> None:
    def body(channel: socket.socket) -> None:
        channel.sendall(encode(FIRST))
        signal.pause()

    heard, took = heard_of(body, 0.3)
    assert (heard, 0.3 <= took < 5) == ([FIRST], True)


def test_end_of_the_reader_ends_the_waiting() -> None:
    heard, took = heard_of(lambda channel: channel.close(), 60.0)
    assert (len(heard), took < 10) == (1, True)
