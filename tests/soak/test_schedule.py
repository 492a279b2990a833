"""What an endurance run does is drawn beforehand, and a seed draws the same again."""

from itertools import combinations, islice

import pytest

from tests.soak.churn import Change, Churn, Slot
from tests.soak.kinds import table
from tests.soak.makers import MAKERS
from tests.soak.netmakers import NETWORK
from tests.soak.schedule import EVERY_SECONDS, PINNED, draw

HOUR = 3600.0


def test_the_same_seed_draws_the_same_faults() -> None:
    """And another seed others."""
    kinds = table(20.0)
    first = draw(kinds, seed=7, seconds=HOUR, nodes=20)
    assert first == draw(kinds, seed=7, seconds=HOUR, nodes=20)
    assert first != draw(kinds, seed=8, seconds=HOUR, nodes=20)


@pytest.mark.parametrize("seed", range(5))
def test_faults_overlap_only_where_they_share_nothing(seed: int) -> None:
    """Two that hold the same lock do not meet, and all are over when the run is."""
    plan = draw(table(20.0), seed=seed, seconds=HOUR, nodes=20)
    for one, other in combinations(plan, 2):
        apart = one.end <= other.begin or other.end <= one.begin
        assert apart or not one.locks & other.locks
    assert max(one.end for one in plan) <= HOUR


@pytest.mark.parametrize("seed", range(5))
def test_an_hour_has_every_kind_and_a_fault_nearly_every_20_s(seed: int) -> None:
    """Nothing is left to the dice but the order."""
    kinds = table(20.0)
    plan = draw(kinds, seed=seed, seconds=HOUR, nodes=20)
    assert {one.kind for one in plan} == {one.name for one in kinds}
    assert len(plan) >= 0.9 * HOUR / EVERY_SECONDS


def test_a_third_of_the_daemons_is_never_ended() -> None:
    """They live through the whole run, so that what grows in them is seen."""
    plan = draw(table(20.0), seed=1, seconds=HOUR, nodes=20)
    ending = {"daemon-killed", "daemon-hung", "state-rubbish", "reader-killed"}
    ended = {one.nodes[0] for one in plan if one.kind in ending}
    assert ended
    assert not any(index % 3 == 2 for index in ended)


def test_every_kind_can_be_made() -> None:
    """The table and those who make the faults know the same."""
    assert {*MAKERS, *NETWORK} == {one.name for one in table(20.0)}


def test_the_same_seed_gives_the_same_pods() -> None:
    """In the same order, whenever they are made."""

    def some(seed: int) -> list[object]:
        churn = Churn(seed=seed, nodes=5, pods=300, per_node=250)
        return [*churn.first(), *islice(churn.steps(), 200)]

    assert some(1) == some(1)
    assert some(1) != some(2)


def test_churn_keeps_the_number_of_pods_and_leaves_the_pinned_alone() -> None:
    """No two pods have a place at the same time, and a place rests before it is used again."""
    churn = Churn(seed=3, nodes=5, pods=300, per_node=250)
    there = dict(churn.first())
    assert len(there) == 300
    left: dict[Slot, int] = {}
    for number, step in enumerate(islice(churn.steps(), 3000)):
        assert step.slot.number not in PINNED
        match step.change:
            case Change.CREATE:
                assert step.slot not in there
                assert number - left.get(step.slot, -1000) > 100
                there[step.slot] = step.name
            case Change.DELETE:
                assert there.pop(step.slot) == step.name
                left[step.slot] = number
            case Change.REPLACE:
                assert there[step.slot] != step.name
                there[step.slot] = step.name
            case Change.RESTART:
                assert there[step.slot] == step.name
        assert 299 <= len(there) <= 300
        assert len({*there.values()}) == len(there)
