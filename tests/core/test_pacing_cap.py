"""Checks the rate cap in simulated time: every window, stretching, starvation, stalls, reloads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.bucket import DEPTH_NS
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs, TargetId
from tests.core.builders import T0, at
from tests.core.pace import (
    TICK,
    WINDOW,
    Poke,
    exceeds,
    gaps,
    make_pacing,
    most_in,
    run,
    sent,
    settled,
    take,
    target,
)

OPERATION = st.one_of(
    st.tuples(st.just("wait"), st.integers(0, 2_000)),
    st.tuples(st.just("add"), st.integers(1, 120)),
    st.tuples(st.just("remove"), st.integers(0, 400)),
    st.tuples(st.just("settle"), st.integers(0, 400)),
)


@given(st.lists(OPERATION, max_size=40), st.sampled_from([1, 7, 50, 200, 3_000]))
def test_cap_holds_in_every_window(operations: list[tuple[str, int]], max_rate: int) -> None:
    """Whatever is added, removed, answered or delayed: rate times window, and 90 ms on top."""
    pacing = make_pacing(max_rate=max_rate)
    now, next_number = int(T0), 0
    live: list[TargetId] = []
    pokes: list[Poke] = []
    for name, number in operations:
        match name:
            case "wait":
                now += number * MILLISECOND_NS
            case "add":
                fresh = [target(next_number + index) for index in range(number)]
                next_number += number
                live += fresh
                for one in fresh:
                    pacing.add(one)
            case "remove" if live:
                pacing.remove(live.pop(number % len(live)))
            case "settle" if live:
                pacing.settle(live[number % len(live)])
        taken = take(pacing, now)
        assert {poke.id for poke in taken} <= set(live)
        pokes += taken
        assert len(pacing) == len(live)
        due = pacing.next_due()
        assert (due is None) == (not live)
        assert due is None or due > now
    token = SECOND_NS // max_rate
    assert not exceeds(pokes, token, max(DEPTH_NS, token))


WAITS = st.sampled_from([0, 1, 20, 50, 100, 700])


@given(st.lists(st.tuples(WAITS, WAITS), max_size=40))
def test_cap_holds_for_packets_that_leave_late(steps: list[tuple[int, int]]) -> None:
    """A loop that is held up between taking and sending does not make up for it in a burst."""
    pacing = make_pacing(max_rate=200)
    for number in range(900):
        pacing.add(target(number))
    now, left = int(T0), []
    for wait, late in steps:
        now += wait * MILLISECOND_NS
        pacing.bucket.open(MonotonicNs(now))
        turns = list(pacing.take(MonotonicNs(now)))
        now += late * MILLISECOND_NS
        left += [Poke(now, turn.id, turn.opening) for turn in turns]
        sent(pacing, now)
    assert not exceeds(left, SECOND_NS // 200, DEPTH_NS)


def test_interval_stretches_under_the_cap() -> None:
    """With more targets than the cap carries, each still has its turn, and the cap is used up."""
    pacing = settled(2000, max_rate=200)
    run(pacing, 10, 30)
    assert pacing.is_stretched
    assert pacing.interval_ns == 10 * SECOND_NS
    pokes = run(pacing, 40, 40)
    assert len(pokes) == pytest.approx(40 * 200, abs=20)
    assert all(abs(gap - 10 * SECOND_NS) <= 2 * TICK for gap in gaps(pokes))


@pytest.mark.parametrize(("count", "is_stretched"), [(0, False), (1000, False), (1001, True)])
def test_interval_is_stretched_only_beyond_the_cap(count: int, is_stretched: bool) -> None:
    """1,000 targets every 5 s are 200 a second, and fit; newcomers count from their adding on."""
    pacing = make_pacing(max_rate=200)
    for number in range(count):
        pacing.add(target(number))
    assert len(pacing) == count
    assert pacing.is_stretched == is_stretched
    assert (pacing.interval_ns > 5 * SECOND_NS) == is_stretched


def test_nobody_starves_while_newcomers_keep_coming() -> None:
    """Targets that wait longer than the interval get every second turn of a loaded cap."""
    pacing = settled(100, max_rate=200)
    last = dict.fromkeys((target(number) for number in range(100)), int(at(10)))
    worst, number = 0, 1000
    for now in range(at(10), at(60), TICK):
        for _ in range(10):
            number += 1
            pacing.add(target(number))
            pacing.remove(target(number - 300))
        for poke in take(pacing, now):
            if poke.id in last:
                worst = max(worst, now - last[poke.id])
                last[poke.id] = now
    assert worst <= 2 * 5 * SECOND_NS
    assert all(at(60) - when <= 2 * 5 * SECOND_NS for when in last.values())


@pytest.mark.parametrize("stall", [0.3, 5.0, 3600.0])
def test_stall_is_not_made_up_for(stall: float) -> None:
    """After a stopped loop the pokes go on at their pace; what was missed is skipped."""
    pacing = settled(1000)
    run(pacing, 10, 5)
    pokes = run(pacing, 15 + stall, 10)
    assert most_in(pokes, WINDOW) <= 2 * 20
    assert len(pokes) == pytest.approx(10 * 200, abs=25)


def test_limits_change_while_running() -> None:
    """New settings hold from then on; nobody loses the turn, and nobody is poked in a burst."""
    pacing = settled(500, max_rate=200)
    pacing.bucket.set_rate(50)
    pacing.set_limits(interval_ns=5 * SECOND_NS)
    slow = run(pacing, 10, 20)
    assert not exceeds(slow, SECOND_NS // 50, DEPTH_NS)
    assert pacing.interval_ns == 10 * SECOND_NS
    assert {poke.id for poke in slow} == {target(number) for number in range(500)}
    pacing.bucket.set_rate(1000)
    pacing.set_limits(interval_ns=2 * SECOND_NS)
    fast = run(pacing, 30, 20)
    assert not pacing.is_stretched
    assert most_in(fast, WINDOW) <= 2 * 25
    assert all(gap <= 2 * SECOND_NS + 2 * TICK for gap in gaps([p for p in fast if p.at > at(32)]))


def test_a_flood_of_newcomers_that_never_answer_does_not_starve_the_others() -> None:
    """500 targets, then 1,000 silent newcomers: nobody waits twice the stretched interval."""
    pacing = make_pacing(max_rate=200)
    old = [target(number) for number in range(500)]
    for one in old:
        pacing.add(one)
    last: dict[TargetId, int] = {}
    worst = 0
    for now in range(at(0), at(80), TICK):
        if now == at(20):
            for number in range(1_000, 2_000):
                pacing.add(target(number))
        for poke in take(pacing, now):
            if poke.id not in last:
                pass
            elif poke.id in old and now > at(20):
                worst = max(worst, now - last[poke.id])
            last[poke.id] = now
            if poke.id in old:
                pacing.settle(poke.id)
    assert pacing.interval_ns == 7.5 * SECOND_NS
    assert worst < 2 * pacing.interval_ns
