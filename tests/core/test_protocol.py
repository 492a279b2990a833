"""Checks that the protocol's timings make sense together."""

from pokepodsd.core.protocol import Timings


def test_silence_outlasts_the_servers_bookmarks() -> None:
    """A server sends a bookmark about every minute: a quiet watch is not taken for a dead one."""
    assert Timings().silence > 60 * 1.25


def test_delays_have_room_to_grow() -> None:
    """Each first delay is below its longest, and an answer is waited for longer than a connect."""
    timings = Timings()
    assert 0 < timings.first_delay < timings.longest_delay
    assert 0 < timings.first_grant_check < timings.longest_grant_check
    assert timings.connect < timings.answer < timings.silence < timings.watch
    assert timings.settled < timings.watch * 0.8
