"""Checks when events are read together."""

from pokepodsd.core.gathering import AT_ONCE, Gathering
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs

REST_NS = 50 * MILLISECOND_NS


def rests(gathering: Gathering, rate: int, *, begin: int = 10, seconds: int = 5) -> list[int]:
    """The rest after each of the evenly spaced events, where none is taken."""
    first, gap = begin * SECOND_NS, SECOND_NS // rate
    return [
        gathering.note(1, MonotonicNs(first + number * gap)) for number in range(rate * seconds)
    ]


def test_what_comes_slowly_is_read_at_once() -> None:
    """100 events a second for as long as they like: no new pod waits for others."""
    assert not any(rests(Gathering(rest_ns=REST_NS), 100))


def test_a_burst_is_read_at_once() -> None:
    """A deployment of 30 pods."""
    gathering = Gathering(rest_ns=REST_NS)
    assert [gathering.note(1, MonotonicNs(SECOND_NS + number)) for number in range(30)] == [0] * 30
    assert gathering.note(1, MonotonicNs(SECOND_NS + 30)) == REST_NS


def test_what_comes_fast_gathers_for_as_long_as_it_does() -> None:
    """200 a second: from the first second on there is a rest after each reading, however long."""
    gathering = Gathering(rest_ns=REST_NS)
    assert all(rests(gathering, 200)[200:])
    now = 15 * SECOND_NS
    for _ in range(100):
        now += REST_NS
        assert gathering.note(200 * REST_NS // SECOND_NS, MonotonicNs(now)) == REST_NS


def test_a_storm_is_over_soon() -> None:
    """Whatever came before, a second without an event makes the next ones read at once."""
    gathering = Gathering(rest_ns=REST_NS)
    assert gathering.note(10_000, MonotonicNs(SECOND_NS)) == REST_NS
    assert not any(rests(gathering, AT_ONCE, begin=2))
