"""Checks the layers under one cap: who goes first, and what is left for whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.bucket import DEPTH_NS, Bucket
from pokepodsd.core.lanes import ORDER, Lanes
from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, Layer, MonotonicNs, TargetId
from tests.core.builders import T0, at
from tests.core.pace import TICK, WINDOW, Poke, exceeds, gaps, most_in, target

INTERVALS = {
    Layer.TUNNEL: 30 * SECOND_NS,
    Layer.UNDERLAY: 300 * SECOND_NS,
    Layer.POD: 5 * SECOND_NS,
}
Taken = dict[Layer, list[Poke]]


def make_lanes(max_rate: int, **counts: int) -> Lanes:
    """Lanes with so many targets each, which wait for their first poke."""
    lanes = Lanes(INTERVALS, max_rate=max_rate, now=T0)
    for layer in Layer:
        for number in range(counts.get(layer.value, 0)):
            lanes[layer].add(name(layer, number))
    lanes.share()
    return lanes


def name(layer: Layer, number: int) -> TargetId:
    return TargetId(f"{layer.value}-{number}")


def take(lanes: Lanes, now: int) -> list[tuple[Layer, Poke]]:
    """What one turn of the loop takes, in its order."""
    turns = list(lanes.take(MonotonicNs(now)))
    lanes.sent(MonotonicNs(now))
    return [(layer, Poke(now, turn.id, turn.opening)) for layer, turn in turns]


def run(lanes: Lanes, start: float, seconds: float, *, answers: bool = True) -> Taken:
    """What each layer takes over so many seconds; all that is poked answers at once, or nothing."""
    taken: Taken = {layer: [] for layer in Layer}
    for now in range(at(start), at(start + seconds), TICK):
        for layer, poke in take(lanes, now):
            taken[layer].append(poke)
            if answers:
                lanes[layer].settle(poke.id)
    return taken


def test_tunnels_go_before_the_underlay_and_that_before_pods() -> None:
    """In each turn, and over the whole of a first round."""
    lanes = make_lanes(100, tunnel=12, underlay=12, pod=12)
    order = [
        layer
        for now in range(T0, at(1), TICK)
        for layer, poke in take(lanes, now)
        if poke.at == now and poke.opening
    ]
    firsts = [layer for index, layer in enumerate(order) if order[:index].count(layer) < 12]
    assert firsts == [layer for layer in ORDER for _ in range(12)]
    assert ORDER == (Layer.TUNNEL, Layer.UNDERLAY, Layer.POD)


def test_tunnels_are_on_time_although_pods_are_too_many() -> None:
    """Ten times more pods than the cap carries: every tunnel has its interval, to two ticks."""
    lanes = make_lanes(200, tunnel=1_000, underlay=1_000, pod=10_000)
    run(lanes, 0, 100)
    taken = run(lanes, 100, 120)
    tunnels = taken[Layer.TUNNEL]
    assert len({poke.id for poke in tunnels}) == 1_000
    assert max(gaps(tunnels)) <= 30 * SECOND_NS + 2 * TICK
    every = [poke for pokes in taken.values() for poke in pokes]
    assert len(every) == pytest.approx(200 * 120, rel=0.01)
    assert most_in(sorted(every, key=lambda poke: poke.at), WINDOW) <= 1.9 * 20


def test_share_gives_pods_what_is_left() -> None:
    """Of 200 a second 900 tunnels take 30 and 900 nodes 3; the rest is the pods' interval."""
    lanes = make_lanes(200, tunnel=900, underlay=900, pod=10_000)
    assert not lanes[Layer.TUNNEL].is_stretched
    assert not lanes[Layer.UNDERLAY].is_stretched
    assert lanes[Layer.POD].interval_ns == pytest.approx(10_000 * SECOND_NS / 167, rel=0.001)
    run(lanes, 0, 80)
    taken = run(lanes, 80, 60)
    assert len(taken[Layer.POD]) == pytest.approx(167 * 60, rel=0.02)
    assert len(taken[Layer.TUNNEL]) == pytest.approx(30 * 60, rel=0.02)


def test_share_follows_the_sizes() -> None:
    """Tunnels that are withdrawn leave their turns to the pods."""
    lanes = make_lanes(100, tunnel=1_500, pod=500)
    assert lanes[Layer.POD].interval_ns == 10 * SECOND_NS
    for number in range(1_500):
        lanes[Layer.TUNNEL].remove(name(Layer.TUNNEL, number))
    lanes.share()
    assert lanes[Layer.POD].interval_ns == 5 * SECOND_NS


def test_tunnels_beyond_the_cap_stretch_and_leave_pods_little_but_something() -> None:
    """Ten times more than fit: their interval is ten times as long, and nothing divides by 0."""
    lanes = make_lanes(10, tunnel=3_000, pod=5)
    assert lanes[Layer.TUNNEL].interval_ns == 300 * SECOND_NS
    assert lanes[Layer.POD].is_stretched is False
    assert lanes[Layer.UNDERLAY].interval_ns == INTERVALS[Layer.UNDERLAY]


def test_new_limits_hold_for_all_layers() -> None:
    """A reload changes intervals and cap, and shares anew."""
    lanes = make_lanes(200, tunnel=300, pod=1_000)
    lanes.set_limits({**INTERVALS, Layer.TUNNEL: 3 * SECOND_NS}, max_rate=150)
    assert lanes[Layer.TUNNEL].interval_ns == 3 * SECOND_NS
    assert lanes[Layer.POD].interval_ns == 20 * SECOND_NS


def test_next_due_is_that_of_the_first_layer() -> None:
    """Somebody has a turn when any layer has one; nobody without targets."""
    lanes = make_lanes(200)
    assert lanes.next_due() is None
    lanes[Layer.TUNNEL].add(target(1))
    assert lanes.next_due() == T0 - DEPTH_NS + SECOND_NS // 200
    for _, poke in take(lanes, T0):
        lanes[Layer.TUNNEL].settle(poke.id)
    assert lanes.next_due() == at(30)
    lanes[Layer.POD].add(target(2))
    assert (lanes.next_due() or 0) < at(1)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(0, 900), st.sampled_from(Layer)),
        st.tuples(st.just("add"), st.integers(1, 90), st.sampled_from(Layer)),
        st.tuples(st.just("burst"), st.integers(0, 300), st.sampled_from(Layer)),
        st.tuples(st.just("settle"), st.integers(0, 300), st.sampled_from(Layer)),
        st.tuples(st.just("remove"), st.integers(0, 300), st.sampled_from(Layer)),
    ),
    max_size=40,
)


@given(STEPS, st.sampled_from([1, 7, 50, 200, 3_000]))
def test_cap_holds_over_all_layers(steps: list[tuple[str, int, Layer]], max_rate: int) -> None:
    """Whatever is added, burst, answered or removed in which layer: the cap, and 90 ms on top."""
    lanes = make_lanes(max_rate)
    now, made, live = int(T0), 0, {layer: dict[TargetId, None]() for layer in Layer}
    pokes: list[Poke] = []
    for what, number, layer in steps:
        there = list(live[layer])
        match what:
            case "wait":
                now += number * MILLISECOND_NS
            case "add":
                for one in (name(layer, made + index) for index in range(number)):
                    lanes[layer].add(one)
                    live[layer][one] = None
                made += number
            case "burst" if there:
                lanes[layer].burst(there[number % len(there)])
            case "settle" if there:
                lanes[layer].settle(there[number % len(there)])
            case "remove" if there:
                gone = there[number % len(there)]
                lanes[layer].remove(gone)
                del live[layer][gone]
        lanes.share()
        taken = take(lanes, now)
        assert all(poke.id in live[layer] for layer, poke in taken)
        assert [ORDER.index(layer) for layer, _ in taken] == sorted(
            ORDER.index(layer) for layer, _ in taken
        )
        assert all(len(lanes[layer]) == len(live[layer]) for layer in Layer)
        pokes += [poke for _, poke in taken]
    token = SECOND_NS // max_rate
    assert not exceeds(pokes, token, max(DEPTH_NS, token))


def test_bucket_gives_no_more_than_its_depth_at_once() -> None:
    """After an hour without a packet 90 ms of them may leave, and then one a token."""
    bucket = Bucket(max_rate=1_000, now=T0)
    now = at(3_600)
    bucket.open(now)
    taken = 0
    while bucket.has_token(now):
        bucket.take()
        taken += 1
    assert taken == 90
    assert bucket.next_token() == now + SECOND_NS // 1_000


def test_bucket_slower_than_its_depth_still_gives_one() -> None:
    """At one packet a second a token lasts longer than the depth."""
    bucket = Bucket(max_rate=1, now=T0)
    bucket.open(T0)
    assert bucket.has_token(T0)
    bucket.take()
    assert not bucket.has_token(at(0.9))
    bucket.open(at(1))
    assert bucket.has_token(at(1))


def test_bucket_counts_packets_from_when_they_left() -> None:
    """What was taken in time and left late is no reason to send the next ones at once."""
    bucket = Bucket(max_rate=100, now=T0)
    bucket.open(T0)
    for _ in range(9):
        bucket.take()
    late = at(0.5)
    bucket.sent(late)
    bucket.open(late)
    assert not bucket.has_token(late)
    assert bucket.next_token() == late + SECOND_NS // 100
