"""Checks whose turn it is, in simulated time: evenness, newcomers, withdrawals, the next due."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS
from pokepodsd.core.pacing import OPENING_OFFSETS_NS
from tests.core.builders import T0, at
from tests.core.pace import TICK, WINDOW, gaps, make_pacing, most_in, run, settled, take, target


@pytest.mark.parametrize("count", [50, 100, 333, 1000, 4000])
def test_no_window_holds_more_than_twice_its_share(count: int) -> None:
    """Steady pokes are spread over the interval: no 100 ms burst, whatever the ticks."""
    pokes = run(settled(count), 10, 30)
    assert most_in(pokes, WINDOW) <= 2 * count * WINDOW / (5 * SECOND_NS)


@pytest.mark.parametrize(
    ("count", "interval"), [(1, 5.0), (7, 0.5), (50, 5.0), (1000, 5.0), (9, 200)]
)
def test_each_target_is_poked_once_an_interval(count: int, interval: float) -> None:
    """From one poke of a target to its next it is the interval, within a tick and a slot."""
    pokes = run(settled(count, interval), 10, interval * 3)
    found = gaps(pokes)
    assert len(found) >= count
    slack = TICK + count
    assert all(abs(gap - interval * SECOND_NS) <= slack for gap in found)
    assert not any(poke.opening for poke in pokes)


def test_newcomer_is_first_at_once() -> None:
    """Among a thousand others, a new target has the next turn, before any that waits."""
    pacing = settled(1000, max_rate=200)
    run(pacing, 10, 1)
    pacing.add(target(5000))
    first = take(pacing, at(11.010))[0]
    assert (first.id, first.opening) == (target(5000), True)


def test_next_due_of_a_newcomer_is_now() -> None:
    """The loop does not sleep until the next slot of the others."""
    pacing = settled(1)
    run(pacing, 10, 5)
    pacing.add(target(7))
    due = pacing.next_due()
    assert due is not None
    assert due <= at(15.2)


def test_newcomer_that_is_silent_is_poked_a_few_times_quickly() -> None:
    """The quick pokes come at their offsets, and then only the steady ones."""
    pacing = settled(200)
    pacing.add(target(999))
    pokes = [poke for poke in run(pacing, 10, 30) if poke.id == target(999)]
    quick = [poke.at - at(10) for poke in pokes if poke.opening]
    assert len(quick) == len(OPENING_OFFSETS_NS)
    for real, wanted in zip(quick, OPENING_OFFSETS_NS, strict=True):
        assert wanted <= real <= wanted + len(quick) * TICK
    steady = [poke for poke in pokes if not poke.opening]
    assert 5 <= len(steady) <= 6


def test_opening_gaps_double() -> None:
    """A second poke soon, as the first opens the tunnel, and ever fewer after it."""
    offsets = OPENING_OFFSETS_NS
    found = [late - early for early, late in pairwise(offsets)]
    assert found == [found[0] * 2**n for n in range(len(found))]


def test_newcomer_that_answers_has_no_more_quick_pokes() -> None:
    """After the answer the target has its turn once an interval."""
    pacing = settled(10)
    pacing.add(target(99))
    run(pacing, 10, 0.3)
    pacing.settle(target(99))
    pokes = run(pacing, 10.3, 20)
    assert not any(poke.opening for poke in pokes)
    assert sum(poke.id == target(99) for poke in pokes) == 4


def test_settling_before_the_first_poke_leaves_it_its_first_poke() -> None:
    """An answer to an earlier life of the same target does not cost it its turn."""
    pacing = make_pacing()
    pacing.add(target(1))
    pacing.settle(target(1))
    assert [poke.id for poke in take(pacing, T0)] == [target(1)]
    assert len(pacing) == 1


@given(st.integers(1, 300), st.integers(1, 500), st.lists(st.integers(0, 700), max_size=20))
def test_next_due_has_something_to_take(count: int, max_rate: int, waits: list[int]) -> None:
    """At the time that is given there is a turn, and not an instant before."""
    pacing = make_pacing(max_rate=max_rate)
    for number in range(count):
        pacing.add(target(number))
    now = int(T0)
    for wait in waits:
        now += wait * MILLISECOND_NS
        take(pacing, now)
        due = pacing.next_due()
        assert due is not None
        assert take(pacing, due - 1) == []
        assert len(take(pacing, due)) >= 1
        now = due


def test_removed_target_has_no_more_turn() -> None:
    """Neither a quick one nor a steady one, and the others close up."""
    pacing = settled(10)
    for number in (3, 99):
        pacing.add(target(99)) if number == 99 else None
        run(pacing, 10, 0.1)
        pacing.remove(target(number))
    pokes = run(pacing, 10.1, 20)
    assert {poke.id for poke in pokes} == {target(n) for n in range(10) if n != 3}
    assert len(pacing) == 9
    pacing.remove(target(3))
    assert len(pacing) == 9


def test_target_that_comes_back_is_a_newcomer_again() -> None:
    """Its quick pokes start over, and are no more than a newcomer's."""
    pacing = make_pacing()
    pacing.add(target(1))
    run(pacing, 0, 0.1)
    pacing.remove(target(1))
    pacing.add(target(1))
    quick = [poke for poke in run(pacing, 0.1, 20) if poke.opening]
    assert quick[0].at == at(0.1)
    assert len(quick) == len(OPENING_OFFSETS_NS)
    assert len(pacing) == 1


def test_no_targets_are_nothing_due() -> None:
    """An empty cluster wakes nobody."""
    pacing = make_pacing()
    assert pacing.next_due() is None
    assert run(pacing, 0, 1) == []
    pacing.add(target(1))
    pacing.remove(target(1))
    assert pacing.next_due() is None
