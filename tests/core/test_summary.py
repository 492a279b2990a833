"""The entry that says how things are when nothing happens."""

from pokepodsd.core.entries import EventKind, Level
from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.summary import Summary
from tests.core.builders import T0, at
from tests.core.nodes import Faults, feed
from tests.core.world import make_world

HOUR = 3600


def test_silence_for_an_hour_is_one_entry_an_hour() -> None:
    """With the verdict on this node, the pokes since, and the API."""
    world = make_world(Faults())
    feed(world, range(1, 4), 1)
    world.run(40)
    summary = Summary(HOUR * SECOND_NS, T0)
    assert summary.tick(world.engine.stages, at(HOUR - 1)) is None
    entry = summary.tick(world.engine.stages, at(HOUR))
    assert entry is not None
    assert (entry.kind, entry.level) == (EventKind.SUMMARY, Level.INFO)
    assert entry.text.startswith("nothing to tell for 1h: this node reaches its 3 peers; ")
    assert f"{world.engine.snapshot().sent} pokes" in entry.text
    assert entry.text.endswith("API: watching")
    assert summary.tick(world.engine.stages, at(HOUR + 1)) is None
    again = summary.tick(world.engine.stages, at(2 * HOUR))
    assert again is not None
    assert "; 0 pokes and 0 answers" in again.text


def test_whatever_else_is_told_puts_it_off() -> None:
    """An entry shows that the daemon is there: the hour begins anew."""
    world = make_world(Faults())
    summary = Summary(HOUR * SECOND_NS, T0)
    summary.note_told(at(1000))
    assert summary.next_due() == at(1000 + HOUR)
    assert summary.tick(world.engine.stages, at(HOUR)) is None
    assert summary.tick(world.engine.stages, at(1000 + HOUR)) is not None
