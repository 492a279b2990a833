"""Checks the order of what the journal says: down, then closed, and the last word is true."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.entries import Entry, EventKind
from pokepodsd.core.health import Record, Tally
from pokepodsd.core.model import SECOND_NS, Datagram, Health, MonotonicNs, Target, Uid
from pokepodsd.core.narration import Narrator
from pokepodsd.core.records import PodRemoved
from tests.core.builders import T0, V4, at, make_pod, make_target
from tests.core.changes import BUSY, HOLD, QUIET, came_up, flush, record_of, went_down
from tests.core.world import World, answers, make_world

A, B = make_target(1), make_target(2)
UP_SOON = replace(came_up(A), at_ns=at(24), since_ns=at(20))
DOWN, UP, GONE = EventKind.TARGET_DOWN, EventKind.TARGET_UP, EventKind.TARGET_WITHDRAWN


def kinds(entries: list[Entry]) -> list[EventKind]:
    return [entry.kind for entry in entries]


def test_down_that_was_held_is_told_before_the_up_that_followed() -> None:
    """What happened to a target first is told first, whatever holds either of them back."""
    narrator = Narrator()
    narrator.note(went_down(A), BUSY, hold_ns=HOLD)
    assert flush(narrator, at(20), lambda _: BUSY) == []
    narrator.note(UP_SOON, BUSY, hold_ns=HOLD)
    assert kinds(flush(narrator, at(24), lambda _: BUSY)) == [DOWN]
    assert kinds(flush(narrator, at(29), lambda _: BUSY)) == [UP]
    assert narrator.next_flush() is None


def test_what_is_held_is_told_at_the_stop() -> None:
    """An entry that waits for others of its node is not lost with the daemon."""
    narrator = Narrator()
    narrator.note(went_down(A), BUSY, hold_ns=HOLD)
    assert flush(narrator, at(20), lambda _: BUSY) == []
    assert kinds(narrator.flush_all(lambda _: BUSY)) == [DOWN]
    assert narrator.flush_all(lambda _: BUSY) == []


def test_group_of_which_one_came_back_is_told_whole_and_once() -> None:
    """Those that share the entry of its going down are not mentioned again."""
    narrator = Narrator()
    for target in (A, B):
        narrator.note(went_down(target), BUSY, hold_ns=HOLD)
    narrator.note(UP_SOON, BUSY, hold_ns=HOLD)
    entries = flush(narrator, at(1000), lambda _: QUIET)
    assert [(entry.kind, entry.fields["COUNT"]) for entry in entries] == [(DOWN, "2"), (UP, "1")]


def test_withdrawn_target_whose_up_was_held_is_closed() -> None:
    """It was told down, and its up never will be: the withdrawal says for how long it was down."""
    narrator = Narrator()
    narrator.note(went_down(A), QUIET, hold_ns=HOLD)
    assert kinds(flush(narrator, at(20), lambda _: QUIET)) == [DOWN]
    narrator.note(came_up(A), BUSY, hold_ns=HOLD)
    assert flush(narrator, at(110), lambda _: BUSY) == []
    (entry,) = narrator.withdraw(A, record_of(A, Health.UP), at(111))
    assert entry.kind is GONE
    assert entry.text.endswith("it was down for 1m30s")
    assert narrator.next_flush() is None


def test_withdrawn_target_whose_opening_was_held_is_no_news() -> None:
    """Nothing bad was told of it, so there is nothing to close."""
    narrator = Narrator()
    narrator.note(came_up(A, before=Health.OPENING), BUSY, hold_ns=HOLD)
    assert narrator.withdraw(A, record_of(A, Health.UP), at(111)) == []
    assert flush(narrator, at(1000), lambda _: QUIET) == []


def test_down_of_a_target_is_told_before_its_withdrawal_in_the_same_turn() -> None:
    """Its down became ready with its up; removed before the next flush, it is closed last."""
    narrator = Narrator()
    narrator.note(went_down(A), BUSY, hold_ns=HOLD)
    narrator.note(UP_SOON, BUSY, hold_ns=HOLD)
    entries = narrator.withdraw(A, record_of(A, Health.UP), at(24))
    entries += flush(narrator, at(24), lambda _: QUIET)
    assert kinds(entries) == [DOWN, GONE]


FLAKY, OTHER = "10.1.0.1", "10.1.0.2"


def wavering_world() -> World:
    """Two pods of a node: one loses three pokes and comes back, the other is in doubt by then."""
    lost: Counter[str] = Counter()

    def wavers(target: Target) -> str:
        is_lost = lost[FLAKY] < 3 if target.address == FLAKY else lost[FLAKY] >= 2
        lost[target.address] += is_lost
        return "silence" if is_lost else "reply"

    world = make_world()
    world.take_list(*(make_pod(address, addresses=(address,)) for address in (FLAKY, OTHER)))
    world.run(10)
    world.answer = wavers
    return world


def told_of(world: World, address: str) -> list[EventKind]:
    return [entry.kind for entry in world.entries if entry.fields["ADDRESS"] == address]


def test_flapping_pod_is_told_down_and_then_up() -> None:
    """It is back while its down is still held, since another pod of its node is in doubt."""
    world = wavering_world()
    world.run(60)
    assert told_of(world, FLAKY) == [DOWN, UP]
    assert told_of(world, OTHER) == [DOWN]
    world.answer = answers
    world.run(20)
    assert told_of(world, OTHER) == [DOWN, UP]


def test_flapping_pod_that_is_removed_as_it_comes_back_is_closed_once() -> None:
    """Its reply and its removal come in one turn of the loop; that it came back is its end."""
    world = wavering_world()
    while not (world.counts()[1] and any(item.family is V4.family for item in world.arriving)):
        world.run(0.05)
    assert world.told() == []
    for item in world.arriving:
        assert isinstance(item, Datagram)
        world.engine.receive(item, world.now)
    world.arriving.clear()
    assert world.counts()[1] == 0
    world.engine.take(PodRemoved(uid=Uid(f"uid-{FLAKY}")), world.now)
    world.run(2)
    assert told_of(world, FLAKY) == [DOWN, UP]


class Walk:
    """A narrator beside the truth: what each target's belief is, and what was told of it."""

    def __init__(self, *targets: Target) -> None:
        self.narrator = Narrator()
        self.targets = targets
        self.now = T0
        self.beliefs: dict[Target, Health] = {}
        self.since: dict[Target, MonotonicNs] = {}
        self.told: list[Entry] = []
        self.is_busy = True

    def tally(self, node: str | None) -> Tally:
        there = [self.beliefs.get(one) for one in self.targets if one.node == node]
        down = there.count(Health.DOWN)
        return Tally(targets=len(there), doubtful=self.is_busy, down=down or self.is_busy)

    def turn(self, target: Target, pokes: int) -> None:
        """The target appears, answers for the first time, goes down or comes up."""
        before = self.beliefs.get(target)
        if before is None:
            self.beliefs[target], self.since[target] = Health.OPENING, self.now
            return
        is_up = before is Health.DOWN or (before is Health.OPENING and pokes < 3)
        change = came_up(target, before=before, pokes=pokes) if is_up else went_down(target)
        self.beliefs[target] = change.after
        change = replace(
            change, before=before, at_ns=self.now, since_ns=self.since[target], pokes=pokes
        )
        self.since[target] = self.now
        self.narrator.note(change, self.tally(target.node), hold_ns=HOLD)

    def withdraw(self, target: Target) -> None:
        if target in self.beliefs:
            record = Record(
                target=target, health=self.beliefs.pop(target), since_ns=self.since.pop(target)
            )
            self.told += self.narrator.withdraw(target, record, self.now)

    def flush(self) -> None:
        self.told += flush(self.narrator, self.now, self.tally)

    def do(self, name: str, target: Target, number: int) -> None:
        match name:
            case "turn":
                self.turn(target, number)
            case "withdraw":
                self.withdraw(target)
            case "flush":
                self.flush()
            case _:
                self.is_busy = number % 2 == 0
        self.now = MonotonicNs(self.now + number * SECOND_NS // 2)

    def finish(self) -> None:
        """The holds are over, and everything is told."""
        self.now = MonotonicNs(self.now + HOLD)
        self.flush()
        assert self.narrator.next_flush() is None

    @property
    def down(self) -> int:
        return list(self.beliefs.values()).count(Health.DOWN)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["turn", "turn", "turn", "flush", "withdraw", "busy"]),
        st.integers(0, 2),
        st.integers(0, 4),
    ),
    max_size=60,
)


@given(STEPS)
def test_each_told_down_is_closed_once_and_the_last_word_is_true(
    steps: list[tuple[str, int, int]],
) -> None:
    """Of each target down and closed take turns, and at last it is told down if it is down."""
    walk = Walk(*(make_target(number, node=f"node-{number}") for number in range(3)))
    for name, index, number in steps:
        walk.do(name, walk.targets[index], number)
    walk.finish()
    for target in walk.targets:
        own = [entry for entry in walk.told if entry.fields["ADDRESS"] == target.address]
        words = [kind for kind in kinds(own) if kind in {DOWN, UP, GONE}]
        assert set(words[::2]) <= {DOWN}
        assert DOWN not in words[1::2]
        assert len(words) % 2 == (walk.beliefs.get(target) is Health.DOWN)


@given(STEPS)
def test_entries_for_many_add_up(steps: list[tuple[str, int, int]]) -> None:
    """On one node, as many are told down and not closed as are down, and never fewer than none."""
    walk = Walk(*(make_target(number) for number in range(3)))
    for name, index, number in steps:
        walk.do(name, walk.targets[index], number)
    walk.finish()
    open_downs = 0
    for entry in walk.told:
        count = int(entry.fields.get("COUNT", "1"))
        open_downs += {DOWN: count, UP: -count, GONE: -1}.get(entry.kind, 0)
        assert 0 <= open_downs <= len(walk.targets)
    assert open_downs == walk.down


@pytest.mark.parametrize("is_busy", [True, False])
def test_newcomer_that_answers_at_once_stirs_nothing_that_is_held(is_busy: bool) -> None:
    """It is not told, and it does not make ready what waits for others."""
    narrator = Narrator()
    counts = BUSY if is_busy else QUIET
    narrator.note(went_down(A), counts, hold_ns=HOLD)
    narrator.note(came_up(B, before=Health.OPENING, pokes=0), counts, hold_ns=HOLD)
    assert len(flush(narrator, at(20), lambda _: counts)) == (not is_busy)
