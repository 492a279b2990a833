"""Checks bursts: a target of the round that is poked as if it were new, and loses nothing by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, TargetId
from pokepodsd.core.pacing import OPENING_OFFSETS_NS, Pacing
from tests.core.builders import T0, at
from tests.core.pace import TICK, Poke, run, settled, take, target

ONE = target(1)


def of(pokes: list[Poke], target_id: TargetId = ONE) -> list[float]:
    """When this one was poked, in seconds since the test began."""
    return [round((poke.at - T0) / SECOND_NS, 2) for poke in pokes if poke.id == target_id]


def test_burst_is_at_once_and_then_ever_slower() -> None:
    """As for a newcomer: 0, .2, .6, 1.4 and 3 s, while nothing answers."""
    pacing = settled(10, interval=60)
    pacing.burst(ONE)
    assert of(run(pacing, 10, 5)) == [10.0, 10.2, 10.6, 11.4, 13.0]


def test_pokes_of_a_burst_are_no_opening_ones() -> None:
    """They count as failures: the target is known, and a tunnel is judged by them."""
    pacing = settled(10, interval=60)
    pacing.burst(ONE)
    assert not any(poke.opening for poke in run(pacing, 10, 5))
    pacing.add(target(99))
    assert all(poke.opening for poke in run(pacing, 20, 5) if poke.id == target(99))


@pytest.mark.parametrize("answered", range(1, 5))
def test_burst_ends_with_the_answer(answered: int) -> None:
    """Whichever poke is answered, no quick one follows; the round has it again."""
    pacing = settled(10, interval=60)
    pacing.burst(ONE)
    pokes = []
    for now in range(at(10), at(15), TICK):
        pokes += take(pacing, now)
        if len(of(pokes)) == answered:
            pacing.settle(ONE)
    assert len(of(pokes)) == answered
    assert of(run(pacing, 15, 65))


def test_burst_under_way_is_not_begun_again() -> None:
    """Ten reasons to ask are one burst; after it the next reason is a new one."""
    pacing = settled(10, interval=60)
    pokes = []
    for now in range(at(10), at(12), TICK):
        pacing.burst(ONE)
        pokes += take(pacing, now)
    assert of(pokes) == [10.0, 10.2, 10.6, 11.4]
    run(pacing, 12, 2)
    pacing.burst(ONE)
    assert of(run(pacing, 14, 5)) == [14.0, 14.2, 14.6, 15.4, 17.0]


def test_burst_of_what_is_not_there_or_is_new_is_nothing() -> None:
    """A withdrawn target stays so, and a newcomer goes on as one."""
    pacing = settled(10, interval=60)
    pacing.burst(target(77))
    pacing.remove(ONE)
    pacing.burst(ONE)
    pacing.add(target(99))
    pacing.burst(target(99))
    pokes = run(pacing, 10, 5)
    assert (of(pokes), of(pokes, target(77))) == ([], [])
    assert of(pokes, target(99)) == [10.0, 10.2, 10.6, 11.4, 13.0]
    assert all(poke.opening for poke in pokes if poke.id == target(99))
    assert len(pacing) == 10


def test_round_goes_on_after_a_burst() -> None:
    """Nobody's turn is lost: each is poked once an interval, whoever had a burst."""
    pacing = settled(20, interval=10)
    for number in range(0, 20, 3):
        pacing.burst(target(number))
    run(pacing, 10, 10)
    pokes = run(pacing, 20, 40)
    assert all(len(of(pokes, target(number))) in {3, 4, 5} for number in range(20))
    assert len(pokes) == pytest.approx(80, abs=2)


def test_target_removed_in_its_burst_is_gone() -> None:
    """And if it is there again, it is a newcomer like any other."""
    pacing = settled(10, interval=60)
    pacing.burst(ONE)
    take(pacing, at(10))
    pacing.remove(ONE)
    assert of(run(pacing, 10.05, 5)) == []
    pacing.add(ONE)
    pokes = run(pacing, 16, 5)
    assert of(pokes) == [16.0, 16.2, 16.6, 17.4, 19.0]
    assert all(poke.opening for poke in pokes if poke.id == ONE)


@pytest.mark.parametrize("is_crowded", [False, True])
def test_second_burst_keeps_the_gaps_of_its_own(is_crowded: bool) -> None:
    """The first one's quick pokes, which its answer made void, are not taken for the second's."""
    pacing = settled(10, interval=60)
    if is_crowded:
        pacing.burst(target(2))
        take(pacing, at(9.95))
    pacing.burst(ONE)
    take(pacing, at(10))
    pacing.settle(ONE)
    pacing.burst(ONE)
    assert of(run(pacing, 10.1, 5)) == [10.1, 10.3, 10.7, 11.5, 13.1]


EVENTS = st.lists(
    st.tuples(st.sampled_from(["burst", "settle", "wait"]), st.integers(0, 29)), max_size=120
)


@given(EVENTS)
def test_nobody_starves_however_many_bursts_there_are(events: list[tuple[str, int]]) -> None:
    """With room under the cap, nobody waits longer than the interval and a second."""
    pacing = settled(30, interval=5, max_rate=200)
    last = {target(number): int(at(10)) for number in range(30)}
    now = int(at(10))
    for name, number in events:
        match name:
            case "burst":
                pacing.burst(target(number))
            case "settle":
                pacing.settle(target(number))
        now = step(pacing, now, last)
    for _ in range(200):
        now = step(pacing, now, last)
    assert all(now - when <= 6 * SECOND_NS for when in last.values())


def step(pacing: Pacing, now: int, last: dict[TargetId, int]) -> int:
    for poke in take(pacing, now):
        assert now - last[poke.id] <= 6 * SECOND_NS, poke
        last[poke.id] = now
    return now + TICK


def test_offsets_are_those_of_an_opening() -> None:
    """What the tests above say in figures."""
    assert [one // MILLISECOND_NS for one in OPENING_OFFSETS_NS] == [0, 200, 600, 1400, 3000]
