"""Checks which targets are poked: the reaches, the switch between them, the young, the rotation."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest

from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName, Target, TargetId
from pokepodsd.core.rendezvous import ROTATION_NS
from pokepodsd.core.scope import SLICE_PODS, YOUNG_NS, Choice, Chooser, Reach
from tests.core.builders import T0, at, make_target

ME = NodeName("node-a")
PEER = NodeName("node-b")
YOUNG = YOUNG_NS / SECOND_NS
ROTATION = ROTATION_NS / SECOND_NS


def make_chooser(
    setting: str = "per-node", *, per_node: int = 3, most: int = 1_000, own: str = ME
) -> Chooser:
    chooser = Chooser(setting=setting, per_node=per_node, most=most, now=T0)
    chooser.set_node(NodeName(own))
    return chooser


def pods(count: int, *, node: str | None = PEER, first: int = 1) -> list[Target]:
    return [make_target(number, node=node) for number in range(first, first + count)]


def add_all(chooser: Chooser, targets: Iterable[Target]) -> None:
    for target in targets:
        chooser.add(target, T0)


def settled(chooser: Chooser, now: MonotonicNs = T0) -> Choice:
    """Everything that changes at one time, over as many settles as it takes."""
    whole = chooser.settle(now)
    while (due := chooser.next_due()) is not None and due <= now:
        part = chooser.settle(now)
        whole.chosen.extend(part.chosen)
        whole.dropped.extend(part.dropped)
    return whole


def names(targets: Iterable[Target]) -> set[str]:
    return {target.name for target in targets}


def chosen_of(chooser: Chooser, targets: Iterable[Target]) -> set[TargetId]:
    return {target.id for target in targets if target.id in chooser}


def test_all_takes_every_target_and_gives_up_the_withdrawn() -> None:
    """The origin: each target is poked as long as it exists."""
    chooser = make_chooser("all")
    targets = pods(5) + pods(2, node=None, first=10)
    add_all(chooser, targets)
    assert settled(chooser) == Choice(chosen=targets, dropped=[])
    assert (chooser.reach, len(chooser), chooser.next_due()) == (Reach.ALL, 7, None)
    chooser.remove(targets[0].id)
    assert chooser.next_due() == T0
    assert settled(chooser) == Choice(chosen=[], dropped=[targets[0].id])
    assert targets[0].id not in chooser


def test_target_that_lives_twice_is_dropped_and_chosen() -> None:
    """Withdrawn and back before anyone asked: whoever forgot it at the withdrawal hears of it."""
    chooser = make_chooser("all")
    (target,) = pods(1)
    chooser.add(target, T0)
    settled(chooser)
    chooser.remove(target.id)
    chooser.add(target, T0)
    assert settled(chooser) == Choice(chosen=[target], dropped=[target.id])


def test_per_node_takes_so_many_of_each_node() -> None:
    """Also of the pods on no known node; where there are fewer, all."""
    chooser = make_chooser()
    groups = [pods(9), pods(9, node=None, first=20), pods(9, node=ME, first=40)]
    groups.append(pods(2, node="node-small", first=60))
    for group in groups:
        add_all(chooser, group)
    settled(chooser)
    assert [len(chosen_of(chooser, group)) for group in groups] == [3, 3, 3, 2]
    assert chooser.reach is Reach.PER_NODE
    assert not chooser.is_narrowed


def test_nodes_poke_different_pods_of_a_peer() -> None:
    """Together they reach all of them, and each as often as the others: the weights are even."""
    targets = pods(30)
    counts: Counter[TargetId] = Counter()
    for number in range(400):
        chooser = make_chooser(own=f"node-{number}")
        add_all(chooser, targets)
        counts.update(target.id for target in settled(chooser).chosen)
    assert sum(counts.values()) == 1200
    # 40 each; four standard deviations of a draw of 3 out of 30 are 24.
    assert all(16 <= counts[target.id] <= 64 for target in targets)


def test_restart_chooses_the_same() -> None:
    """The choice hangs on names and the time since the boot, not on when the daemon began."""
    targets = pods(30)
    chosen: list[set[str]] = []
    for began in (T0, at(100 * ROTATION)):
        chooser = Chooser(setting="per-node", per_node=3, most=0, now=began)
        add_all(chooser, reversed(targets) if chosen else targets)
        chooser.set_node(ME)
        chosen.append(names(settled(chooser, at(100 * ROTATION)).chosen))
    assert chosen[0] == chosen[1]


def test_own_name_that_comes_late_chooses_anew() -> None:
    """Before it is known, the nodes agree; told twice, nothing stirs."""
    chooser = Chooser(setting="per-node", per_node=3, most=0, now=T0)
    targets = pods(30)
    add_all(chooser, targets)
    settled(chooser)
    chooser.set_node(ME)
    change = settled(chooser)
    assert len(change.chosen) == len(change.dropped) > 0
    chooser.set_node(ME)
    assert chooser.next_due() != T0


def test_addresses_of_one_pod_count_once() -> None:
    """IPv4 and IPv6 of a pod are both poked, and together are one of the three."""
    chooser = make_chooser()
    fours = pods(9)
    sixes = [make_target(address=f"fd00::{n}", uid=f"uid-{n}") for n in range(1, 10)]
    add_all(chooser, fours + sixes)
    chosen = settled(chooser).chosen
    assert len(chosen) == 6
    assert len({target.uid for target in chosen}) == 3
    lost = chosen[0]
    chooser.remove(lost.id)
    assert settled(chooser) == Choice(chosen=[], dropped=[lost.id])


def test_changed_target_is_chosen_as_it_is_now() -> None:
    """A change says nothing by itself; what is chosen later is the newest."""
    chooser = make_chooser("none")
    (target,) = pods(1)
    chooser.add(target, T0)
    settled(chooser)
    renamed = replace(target, name="renamed")
    chooser.change(renamed)
    assert chooser.next_due() is None
    chooser.set_limits(setting="all", per_node=3, most=10)
    assert chooser.next_due() == T0
    assert settled(chooser).chosen == [renamed]


def test_target_that_moves_counts_for_its_new_node() -> None:
    """A pod of no node that gets one leaves the group of the others."""
    chooser = make_chooser(per_node=1)
    stays, moves = pods(2, node=None)
    add_all(chooser, [stays, moves])
    settled(chooser)
    chooser.change(replace(moves, node=PEER))
    settled(chooser)
    assert stays.id in chooser
    assert moves.id in chooser
    chooser.remove(moves.id)
    assert settled(chooser).dropped == [moves.id]


def test_name_that_is_no_unicode_is_taken() -> None:
    """JSON may hold half a surrogate pair; it must not stop the daemon."""
    chooser = make_chooser(per_node=1)
    add_all(chooser, [make_target(1, uid="uid-\ud800"), make_target(2, uid="uid-\ud801")])
    assert len(settled(chooser).chosen) == 1


def test_none_takes_one_pod_of_a_node_that_needs_it() -> None:
    """A peer that no kernel route shows is poked by one pod, which stays over the rotations."""
    chooser = make_chooser("none")
    chooser.keep_one(PEER, True)
    targets = pods(9)
    add_all(chooser, targets + pods(9, node="node-c", first=20))
    chosen = settled(chooser).chosen
    assert len(chosen) == 1
    assert chosen[0] in targets
    assert (chooser.reach, chooser.next_due()) == (Reach.NONE, None)
    assert settled(chooser, at(10 * ROTATION)) == Choice(chosen=[], dropped=[])
    chooser.remove(chosen[0].id)
    assert len(settled(chooser).chosen) == 1
    chooser.keep_one(PEER, True)
    assert chooser.next_due() is None
    chooser.keep_one(PEER, False)
    assert len(settled(chooser).dropped) == 1
    assert len(chooser) == 0


def test_none_survives_that_the_last_pod_goes() -> None:
    """A node that needs one and has none gets the next one that comes."""
    chooser = make_chooser("none")
    chooser.keep_one(PEER, True)
    first, second = pods(2)
    chooser.add(first, T0)
    settled(chooser)
    chooser.remove(first.id)
    assert settled(chooser) == Choice(chosen=[], dropped=[first.id])
    chooser.add(second, T0)
    assert settled(chooser).chosen == [second]


def test_auto_narrows_above_the_most_and_widens_at_half() -> None:
    """Between the two it stays as it is."""
    chooser = make_chooser("auto", most=20)
    targets = pods(21)
    seen = []
    for number, target in enumerate(targets, start=1):
        chooser.add(target, T0)
        settled(chooser)
        seen.append((number, len(chooser), chooser.is_narrowed))
    assert seen[-2:] == [(20, 20, False), (21, 3, True)]
    for left in range(20, 9, -1):
        chooser.remove(targets[left].id)
        settled(chooser)
        seen.append((left, len(chooser), chooser.is_narrowed))
    assert seen[-2:] == [(11, 3, True), (10, 10, False)]
    add_all(chooser, targets[10:20])
    settled(chooser)
    assert (len(chooser), chooser.reach) == (20, Reach.ALL)


def test_list_that_comes_in_switches_at_most_once() -> None:
    """It only grows, whatever the pages; and so is a list that comes again."""
    chooser = make_chooser("auto", most=50)
    targets = pods(100)
    reaches = []
    for start in range(0, 100, 7):
        add_all(chooser, targets[start : start + 7])
        settled(chooser)
        reaches.append(chooser.reach)
    switches = [(a, b) for a, b in pairwise(reaches) if a is not b]
    assert switches == [(Reach.ALL, Reach.PER_NODE)]


@pytest.mark.parametrize(
    ("setting", "most", "reach", "count"),
    [("all", 5, Reach.ALL, 12), ("none", 50, Reach.NONE, 0), ("auto", 24, Reach.ALL, 12)],
)
def test_new_limits_hold_from_the_next_settle(
    setting: str, most: int, reach: Reach, count: int
) -> None:
    """From a narrowed auto to what the operator asks for, with nothing else happening."""
    chooser = make_chooser("auto", most=10)
    add_all(chooser, pods(12))
    settled(chooser)
    assert (chooser.is_narrowed, len(chooser)) == (True, 3)
    chooser.set_limits(setting=setting, per_node=3, most=most)
    assert chooser.next_due() == T0
    settled(chooser)
    assert (chooser.reach, len(chooser), chooser.is_narrowed) == (reach, count, False)


def test_more_slots_take_more_pods() -> None:
    """And the same settings again stir nobody."""
    chooser = make_chooser(per_node=3)
    add_all(chooser, pods(30))
    settled(chooser)
    due = chooser.next_due()
    chooser.set_limits(setting="per-node", per_node=3, most=9)
    assert chooser.next_due() == due
    chooser.set_limits(setting="per-node", per_node=29, most=9)
    settled(chooser)
    assert len(chooser) == 29
    chooser.set_limits(setting="per-node", per_node=30, most=9)
    settled(chooser)
    assert (len(chooser), chooser.next_due()) == (30, None)


def test_long_switch_is_made_in_slices() -> None:
    """No single settle goes through more than a slice and one node; all get there."""
    nodes = 30
    each = SLICE_PODS // 10
    chooser = make_chooser("all")
    for number in range(nodes):
        add_all(chooser, pods(each, node=f"node-{number}", first=1 + number * each))
    parts = []
    while chooser.next_due() is not None:
        parts.append(len(chooser.settle(T0).chosen))
    assert parts == [SLICE_PODS] * 3
    chooser.set_limits(setting="none", per_node=3, most=0)
    assert len(chooser.settle(T0).dropped) == SLICE_PODS
    # It is taken back half way: those that were not reached never notice.
    chooser.set_limits(setting="all", per_node=3, most=0)
    assert len(settled(chooser).chosen) == SLICE_PODS
    assert len(chooser) == nodes * each
