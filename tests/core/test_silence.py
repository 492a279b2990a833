"""Checks the trial of one tunnel that nobody pokes: what answers it, and when."""

import pytest

from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs
from pokepodsd.core.silence import MARGIN_NS, STAGGER_NS, Answer, Sound, Trial
from tests.core.builders import at

TIMEOUT_NS = 30 * SECOND_NS
# The first moment at which conntrack must have forgotten the last packet, which passed at 0.
FORGOTTEN = 31.0


def trial(*, is_second: bool = False) -> Trial:
    return Trial(timeout_ns=TIMEOUT_NS, heard_ns=at(0), is_second=is_second)


def test_a_packet_that_comes_through_after_the_silence_shows_that_it_passes() -> None:
    """At the first moment that shows anything, and not a moment earlier."""
    early = trial()
    early.hear(Sound.EMERGED, MonotonicNs(at(FORGOTTEN) - 1))
    assert (early.answer, early.packets, early.heard_ns) == (None, 1, at(FORGOTTEN) - 1)
    due = trial()
    due.hear(Sound.EMERGED, at(FORGOTTEN))
    assert (due.answer, due.packets) == (Answer.NOT_NEEDED, 0)
    assert due.settle(at(FORGOTTEN))


def test_a_packet_that_comes_and_does_not_emerge_shows_that_it_was_shut() -> None:
    """Half a second is enough for the way through this host."""
    one = trial()
    one.hear(Sound.CAME, at(FORGOTTEN))
    assert (one.came_ns, one.answer, one.packets) == (at(FORGOTTEN), None, 0)
    # Not silence enough to poke, however long: an answer is awaited.
    assert not one.settle(at(FORGOTTEN + 0.499))
    assert one.answer is None
    assert one.settle(at(FORGOTTEN + 0.5))
    assert one.answer is Answer.NEEDED


def test_a_packet_that_comes_and_emerges_passed() -> None:
    """Whatever else is heard between the two; the first that came counts."""
    one = trial()
    one.hear(Sound.CAME, at(FORGOTTEN))
    one.hear(Sound.OTHER, at(FORGOTTEN + 0.1))
    one.hear(Sound.CAME, at(FORGOTTEN + 0.2))
    assert (one.came_ns, one.packets, one.heard_ns) == (at(FORGOTTEN), 0, at(0))
    one.hear(Sound.EMERGED, at(FORGOTTEN + 0.3))
    assert one.answer is Answer.NOT_NEEDED


@pytest.mark.parametrize("sound", Sound)
def test_traffic_begins_the_silence_anew(sound: Sound) -> None:
    """Any packet, either way, opens the tunnel for another timeout."""
    one = trial()
    one.hear(sound, at(10))
    assert (one.packets, one.heard_ns, one.answer) == (1, at(10), None)
    one.hear(sound, at(40.9))
    assert (one.packets, one.heard_ns, one.answer) == (2, at(40.9), None)


def test_what_this_host_sends_after_the_silence_says_nothing() -> None:
    """It opens the tunnel itself."""
    one = trial()
    one.hear(Sound.OTHER, at(FORGOTTEN + 5))
    assert (one.packets, one.answer) == (1, None)


def test_an_answer_stays() -> None:
    """What is heard after it is nothing."""
    one = trial()
    one.hear(Sound.EMERGED, at(FORGOTTEN))
    one.hear(Sound.OTHER, at(50))
    one.hear(Sound.CAME, at(90))
    assert one.settle(at(100))
    assert (one.answer, one.packets, one.heard_ns) == (Answer.NOT_NEEDED, 0, at(0))
    assert one.came_ns is None


@pytest.mark.parametrize(("is_second", "seconds"), [(False, 33), (True, 35)])
def test_silence_is_enough_after_its_time(is_second: bool, seconds: int) -> None:
    """Of two hosts that are asked at once, the second waits for twice as long."""
    one = trial(is_second=is_second)
    assert one.left_ns(at(0)) == seconds * SECOND_NS
    assert one.left_ns(at(1)) == (seconds - 1) * SECOND_NS
    assert not one.settle(at(seconds - 0.001))
    assert one.left_ns(at(seconds - 0.001)) == MILLISECOND_NS
    assert one.settle(at(seconds))
    assert one.answer is None
    assert TIMEOUT_NS + MARGIN_NS + STAGGER_NS == 33 * SECOND_NS
