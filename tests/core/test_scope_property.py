"""Checks which targets are poked, over all histories: what holds of any choice, and over time.

Each choice is compared with that of a chooser that is made anew and told the same in another order.
"""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import MonotonicNs, NodeName, Target, TargetId
from pokepodsd.core.rendezvous import ROTATION_NS
from pokepodsd.core.scope import YOUNG_NS, Choice, Chooser, Reach
from tests.core.builders import T0, at, make_target
from tests.core.test_scope import (
    ME,
    PEER,
    ROTATION,
    YOUNG,
    add_all,
    chosen_of,
    make_chooser,
    names,
    pods,
    settled,
)

NODES = [PEER, NodeName("node-c"), None]
NUMBERS = st.integers(0, 29)
ADDS = st.tuples(st.just("add"), NUMBERS, st.booleans())
REMOVES = st.tuples(st.just("remove"), NUMBERS, st.just(False))
CHANGES = st.tuples(st.just("change"), NUMBERS, st.just(False))
KEEPS = st.tuples(st.just("keep"), st.integers(0, 1), st.booleans())
WAITS = st.tuples(st.just("wait"), st.sampled_from([1, 30, 60, 300, 600, 9000]), st.just(False))
REACHES = st.tuples(st.just("reach"), st.integers(0, 3), st.just(False))
SLOTS = st.tuples(st.just("slots"), st.integers(1, 4), st.just(False))
# A list of some pods, and then what happens to them and to others.
LISTS = st.lists(NUMBERS.map(lambda number: ("add", number, False)), min_size=15, max_size=30)
LIVES = st.lists(ADDS | ADDS | REMOVES | CHANGES | KEEPS | WAITS | REACHES | SLOTS, min_size=15)
STEPS = st.tuples(LISTS, LIVES).map(lambda parts: [*parts[0], *parts[1]])
Step = tuple[str, int, bool]


def numbered(number: int, name: str | None = None) -> Target:
    """Pods of two addresses each; the node and the time of creation hang on the pod."""
    pod = number // 2
    return make_target(
        number + 1,
        node=NODES[pod % 3],
        uid=f"uid-{pod}",
        name=name,
        created=f"2026-01-01T00:00:{pod:02}Z",
    )


def carry(held: dict[TargetId, Target], choice: Choice) -> None:
    """Replay a choice, as strictly as its words are meant: first drop, then take in."""
    for target_id in choice.dropped:
        del held[target_id]
    for target in choice.chosen:
        assert target.id not in held
        held[target.id] = target


@dataclass
class History:
    """A chooser under test, and all that it was told."""

    chooser: Chooser = field(default_factory=lambda: make_chooser("auto", most=12))
    now: MonotonicNs = T0
    slots: int = 3
    targets: dict[TargetId, Target] = field(default_factory=dict)
    born: dict[TargetId, MonotonicNs] = field(default_factory=dict)
    kept: set[NodeName] = field(default_factory=set)
    setting: str = "auto"

    def do(self, step: Step) -> None:
        match step:
            case ("add", number, is_new):
                self._add(numbered(number), is_new=is_new)
            case ("remove", number, _):
                self._remove(numbered(number))
            case ("change", number, _) if (
                target := numbered(number, "renamed")
            ).id in self.targets:
                self.targets[target.id] = target
                self.chooser.change(target)
            case ("keep", number, needed):
                self._keep(NODES[number], needed)
            case ("wait", seconds, _):
                self.now = MonotonicNs(self.now + at(seconds) - T0)
            case ("reach", number, _):
                self.setting = ["auto", "all", "per-node", "none"][number]
            case ("slots", number, _):
                self.slots = number
            case _:
                return
        self.chooser.set_limits(setting=self.setting, per_node=self.slots, most=12)

    def _add(self, target: Target, *, is_new: bool) -> None:
        if target.id in self.targets:
            return
        self.targets[target.id] = target
        self.chooser.add(target, self.now, is_new=is_new)
        if is_new:
            self.born[target.id] = self.now

    def _remove(self, target: Target) -> None:
        if self.targets.pop(target.id, None) is None:
            return
        self.chooser.remove(target.id)
        born = self.born.pop(target.id, None)
        others = [one for one in self.targets.values() if one.uid == target.uid]
        if born is not None and others:
            self.born[others[0].id] = max(born, self.born.get(others[0].id, born))

    def _keep(self, node: NodeName | None, needed: bool) -> None:
        assert node is not None
        self.chooser.keep_one(node, needed)
        self.kept = self.kept | {node} if needed else self.kept - {node}

    def anew(self) -> Chooser:
        """A chooser that is told what is true now, at once and in another order."""
        reach = self.chooser.reach.value
        made = Chooser(setting=reach, per_node=self.slots, most=0, now=self.now)
        for node in self.kept:
            made.keep_one(node, True)
        # A pod is as young as the youngest of its addresses: that is told last.
        for target in sorted(self.targets.values(), key=lambda one: (self._born(one), one.id)):
            made.add(target, self._born(target), is_new=target.id in self.born)
        made.set_node(ME)
        settled(made, self.now)
        return made

    def _born(self, target: Target) -> MonotonicNs:
        return self.born.get(target.id, MonotonicNs(0))

    def young(self, node: NodeName | None) -> set[str]:
        """The pods of a node that appeared within the last minute."""
        return {
            self.targets[target_id].uid
            for target_id, born in self.born.items()
            if born + YOUNG_NS > self.now and self.targets[target_id].node == node
        }


@given(STEPS, st.integers(1, 7))
def test_choice_is_that_of_a_chooser_made_anew(steps: list[Step], together: int) -> None:
    """Whatever the history, the order of adds and how many changes are settled together.

    The changes that were told add up to the choice.
    """
    history = History()
    held: dict[TargetId, Target] = {}
    for number, step in enumerate(steps):
        history.do(step)
        if number % together == 0:
            carry(held, settled(history.chooser, history.now))
            expected = chosen_of(history.anew(), history.targets.values())
            assert held.keys() == expected
            assert chosen_of(history.chooser, history.targets.values()) == expected
            assert len(history.chooser) == len(expected)


@given(STEPS)
def test_each_node_has_its_share(steps: list[Step]) -> None:
    """Of n pods min(k, n) at least, k beside the young at most, and of the young k at most."""
    history = History(setting="per-node")
    for step in steps:
        if step[0] != "reach":
            history.do(step)
    settled(history.chooser, history.now)
    for node in NODES:
        there = {target.uid for target in history.targets.values() if target.node == node}
        chosen = {one.uid for one in history.targets.values() if one.id in history.chooser}
        young = history.young(node)
        assert min(history.slots, len(there)) <= len(chosen & there) <= 2 * history.slots
        assert len((chosen & there) - young) <= history.slots


@given(st.sets(st.integers(1, 200), min_size=1, max_size=40), st.integers(1, 6), st.data())
def test_pod_that_goes_moves_at_most_one(
    numbers: set[int], slots: int, data: st.DataObject
) -> None:
    """One that was not chosen: none at all. And when it comes back, all is as it was."""
    chooser = make_chooser(per_node=slots)
    targets = [make_target(number) for number in sorted(numbers)]
    add_all(chooser, targets)
    before = {target.id for target in settled(chooser).chosen}
    gone = data.draw(st.sampled_from(targets))
    chooser.remove(gone.id)
    change = settled(chooser)
    assert change.dropped == ([gone.id] if gone.id in before else [])
    assert len(change.chosen) == (gone.id in before and len(numbers) > slots)
    chooser.add(gone, T0)
    change = settled(chooser)
    assert {one.id for one in change.chosen} == ({gone.id} & before)
    assert chosen_of(chooser, targets) == before


@given(st.integers(4, 40), st.integers(1, 3), st.integers(1, 20))
def test_rotation_moves_at_most_one_pod_of_a_node(count: int, slots: int, rotations: int) -> None:
    """And nothing moves between two of them."""
    chooser = make_chooser(per_node=slots)
    add_all(chooser, pods(count))
    settled(chooser)
    first = chooser.next_due()
    assert first is not None
    assert T0 < first <= T0 + ROTATION_NS
    for number in range(rotations):
        due = MonotonicNs(first + number * ROTATION_NS)
        assert chooser.next_due() == due
        assert settled(chooser, MonotonicNs(due - 1)) == Choice(chosen=[], dropped=[])
        change = settled(chooser, due)
        assert len(change.chosen) == len(change.dropped) <= 1


@pytest.mark.parametrize(("count", "slots"), [(10, 1), (30, 3), (110, 3), (110, 20)])
def test_every_pod_is_chosen_in_time(count: int, slots: int) -> None:
    """Each rotation is one draw of n, so n ln n reach all on average, and 5 n more almost surely.

    The names are fixed, so that this is the same in every run.
    """
    chooser = make_chooser(per_node=slots)
    targets = pods(count)
    add_all(chooser, targets)
    never = {target.id for target in targets} - {one.id for one in settled(chooser).chosen}
    bound = round(count * (count.bit_length() * 0.7 + 5))
    for number in range(1, bound + 1):
        never -= {one.id for one in settled(chooser, at(number * ROTATION)).chosen}
    assert never == set()


def test_rotations_of_the_nodes_are_spread() -> None:
    """A thousand nodes do not rotate in one tick, but over the ten minutes."""
    chooser = make_chooser()
    for number in range(1_000):
        add_all(chooser, pods(4, node=f"node-{number}", first=1 + 4 * number))
    settled(chooser)
    minutes: Counter[int] = Counter()
    while (due := chooser.next_due()) is not None and due < T0 + ROTATION_NS:
        settled(chooser, due)
        minutes[(due - T0) * 10 // ROTATION_NS] += 1
    assert sum(minutes.values()) == 1_000
    # 100 a minute; four standard deviations are 38.
    assert all(62 <= minutes[minute] <= 138 for minute in range(10))


def test_new_pod_is_chosen_at_once_for_a_minute() -> None:
    """Beside the three, which stay; what a first list names is not new."""
    chooser = make_chooser()
    add_all(chooser, pods(30))
    settled(chooser)
    newcomers = [make_target(100 + n) for n in range(20)]
    beside = 0
    for number, target in enumerate(newcomers):
        chooser.add(target, at(number / 10), is_new=True)
        assert target in settled(chooser, at(number / 10)).chosen
        beside = max(beside, len(chooser) - 3)
        chooser.remove(target.id)
        settled(chooser, at(number / 10))
    assert beside == 1


def test_young_are_the_newest_and_grow_up() -> None:
    """Of five new ones the newest three; one that goes makes room; after a minute it is over."""
    chooser = make_chooser()
    add_all(chooser, pods(30))
    before = names(settled(chooser).chosen)
    for number in range(5):
        chooser.add(make_target(100 + number), at(number), is_new=True)
    settled(chooser, at(5))
    young = [make_target(100 + number) for number in range(5)]
    assert {"pod-102", "pod-103", "pod-104"} <= names(t for t in young if t.id in chooser)
    chooser.remove(young[4].id)
    settled(chooser, at(6))
    assert {"pod-101", "pod-102", "pod-103"} <= names(t for t in young if t.id in chooser)
    ends = []
    while (due := chooser.next_due()) is not None and due <= at(YOUNG + 5):
        settled(chooser, due)
        ends.append(due)
    # The oldest of them was not among the chosen when its minute was over.
    assert set(ends) >= {at(YOUNG + 1), at(YOUNG + 2), at(YOUNG + 3)}
    assert len(chooser) == 3
    assert len(before & names(one for one in pods(30) if one.id in chooser)) >= 1


def test_pod_is_still_young_after_a_switch() -> None:
    """Its minute counts from when it appeared, whatever the reach was then."""
    chooser = make_chooser("all")
    add_all(chooser, pods(30))
    new = make_target(100)
    chooser.add(new, T0, is_new=True)
    settled(chooser)
    chooser.set_limits(setting="per-node", per_node=3, most=0)
    settled(chooser, at(30))
    assert (chooser.reach, new.id in chooser) == (Reach.PER_NODE, True)
    assert len(chooser) in {3, 4}
