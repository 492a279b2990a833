"""Checks what is said at the start and at the stop."""

from collections import Counter

from pokepodsd.core.entries import EventKind, Level
from pokepodsd.core.model import Family, Snapshot
from pokepodsd.core.startnews import tell_start, tell_stop
from tests.core.builders import make_config
from tests.core.world import make_world


def test_the_start_says_what_is_done_and_with_what() -> None:
    """Version, rates, kinds of sockets, and what is known from before."""
    config = make_config(poke={"interval": "5s", "max_rate": 120}, tunnels={"interval": "30s"})
    entry = tell_start("1.2.3", config, {Family.V4: "raw", Family.V6: "ping"}, 17)
    assert (entry.kind, entry.level, dict(entry.fields)) == (EventKind.STARTED, Level.INFO, {})
    assert entry.text == (
        "pokepodsd 1.2.3 pokes tunnels every 30s and pods every 5s, at most 120 packets a second; "
        "ICMP sockets: IPv4 raw, IPv6 ping; 17 targets known from before"
    )


def test_the_stop_says_what_was_done() -> None:
    """How many pokes, and how many replies."""
    snapshot: Snapshot = make_world().engine.snapshot()
    entry = tell_stop(snapshot)
    assert (entry.kind, entry.level) == (EventKind.STOPPED, Level.INFO)
    assert entry.text == "stopped, after 0 pokes and 0 replies"
    assert Counter(snapshot.strays).total() == 0
