"""Checks the folding of lists and changes into targets."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.entries import EventKind, Level
from pokepodsd.core.model import Family, NodeName, Pod, Scope, TargetId, Uid
from pokepodsd.core.pods import pod_from_object
from pokepodsd.core.population import PART, REFUSALS_TO_BELIEVE, Population
from pokepodsd.core.records import (
    Fate,
    Identified,
    ListBegun,
    ListEnded,
    NodeGone,
    NodeSeen,
    NodesRefused,
    PodChanged,
    PodIgnored,
    PodRemoved,
    PodsListed,
    Record,
    Refused,
    ReportEnded,
    Watching,
)
from tests.apiserver.recordings import load_scene
from tests.core.builders import BOTH, make_pod, make_target, recorded_by_name, rule

ENDED = ListEnded(scope=Scope.CLUSTER)


def empty() -> Population:
    return Population(rule(), BOTH)


def feed(population: Population, *records: Record) -> list[str]:
    """What each record did, in short: + added, ~ changed, - withdrawn, each with its address."""
    done = []
    for record in records:
        for delta in population.take(record):
            done += [f"-{target.address}" for target in delta.withdrawn]
            done += [f"~{target.address}" for target in delta.changed]
            done += [f"+{target.address}" for target in delta.added]
    return done


def listed(*pods: Pod) -> list[Record]:
    return [ListBegun(), PodsListed(pods=pods), ENDED]


def addresses(population: Population) -> set[str]:
    return {target.address for target in population.all()}


def pod(number: int) -> Pod:
    return make_pod(f"p{number}", addresses=(f"10.0.0.{number}",))


def test_newcomers_are_targets_before_the_list_is_complete() -> None:
    """A long list is taken a page at a time: nobody waits for its end."""
    population = empty()
    assert feed(population, ListBegun(), PodsListed(pods=(pod(1),))) == ["+10.0.0.1"]
    assert population.is_listing
    assert feed(population, PodsListed(pods=(pod(2),)), ENDED) == ["+10.0.0.2"]
    assert not population.is_listing


def test_end_of_a_list_withdraws_what_it_did_not_name() -> None:
    """A deletion in a gap is noticed; the others are not stirred."""
    population = empty()
    feed(population, *listed(pod(1), pod(2), pod(3)))
    assert feed(population, *listed(pod(3), pod(1))) == ["-10.0.0.2"]


def test_list_that_breaks_off_withdraws_nothing() -> None:
    """Only the list that is complete counts; one that begins anew voids what came before."""
    population = empty()
    feed(population, *listed(pod(1), pod(2)))
    assert feed(population, ListBegun(), PodsListed(pods=(pod(1),))) == []
    assert feed(population, *listed(pod(2))) == ["-10.0.0.1"]


@pytest.mark.parametrize(
    "after", [Refused(message="forbidden"), Watching(scope=Scope.NODE)], ids=["refused", "watching"]
)
def test_list_that_was_given_up_is_none(after: Record) -> None:
    """Whoever was refused its next page, or watches again, is not listing any more."""
    population = empty()
    feed(population, *listed(pod(1), pod(2)))
    feed(population, ListBegun(), PodsListed(pods=(pod(1),)), after)
    assert not population.is_listing
    assert feed(population, ENDED) == []


def test_end_without_a_beginning_withdraws_nothing() -> None:
    """A reader that was replaced in the middle of a list costs no target."""
    population = empty()
    feed(population, *listed(pod(1)))
    assert feed(population, ENDED) == []


def test_change_during_a_list_counts_as_named() -> None:
    """A pod that is added or removed while the list comes is as it was told last."""
    population = empty()
    done = feed(
        population,
        ListBegun(),
        PodChanged(pod=pod(1)),
        PodsListed(pods=(pod(2), pod(3))),
        PodRemoved(uid=pod(3).uid),
        ENDED,
    )
    assert done == ["+10.0.0.1", "+10.0.0.2", "+10.0.0.3", "-10.0.0.3"]


def test_pod_that_stops_being_chosen_is_withdrawn() -> None:
    """The rule of selection holds for changes as for newcomers."""
    population = empty()
    feed(population, *listed(pod(1)))
    leaving = make_pod("p1", addresses=("10.0.0.1",), terminating=True)
    assert feed(population, PodChanged(pod=leaving)) == ["-10.0.0.1"]
    assert feed(population, PodRemoved(uid=leaving.uid)) == []


def test_pod_of_a_new_address_is_a_new_target() -> None:
    """Identity is the pod with its address."""
    population = empty()
    feed(population, *listed(pod(1)))
    moved = make_pod("p1", addresses=("10.0.0.9",))
    assert feed(population, PodChanged(pod=moved)) == ["-10.0.0.1", "+10.0.0.9"]


def test_restored_targets_stay_until_a_list_is_complete() -> None:
    """Confirmed ones go on, the others go with the end of the first full list and no sooner."""
    population = empty()
    saved = [make_target(n, uid=f"uid-p{n}", address=f"10.0.0.{n}") for n in (1, 2)]
    restored = [one for delta in population.restore(saved) for one in delta.added]
    assert [target.address for target in restored] == ["10.0.0.1", "10.0.0.2"]
    assert feed(population, ListBegun(), PodsListed(pods=(pod(1),))) == ["~10.0.0.1"]
    assert feed(population, PodChanged(pod=pod(3))) == ["+10.0.0.3"]
    assert feed(population, ENDED) == ["-10.0.0.2"]


def test_restore_goes_on_beside_a_list() -> None:
    """What is restored a part at a time is void where a complete list, or its pod, was told."""
    population = empty()
    saved = [make_target(n, uid=f"uid-p{n}", address=f"10.0.0.{n}") for n in (1, 2, 3)]
    feed(population, ListBegun(), PodsListed(pods=(pod(1),)))
    assert [one.added for one in population.restore(saved[:2])] == [[], [saved[1]]]
    assert feed(population, ENDED) == ["-10.0.0.2"]
    assert list(population.restore(saved[2:])) == []


def test_restore_beside_a_list_of_own_pods() -> None:
    """Where the others are refused, what was saved of them holds until that is believed."""
    population = empty()
    feed(population, Identified(node=NodeName("node-a"), source="certificate"), ListBegun())
    feed(population, ListEnded(scope=Scope.NODE))
    mine, other = make_target(1, node="node-a"), make_target(2)
    assert [one.added for one in population.restore([mine, other])] == [[other]]
    refusals = [Refused(message="no")] * REFUSALS_TO_BELIEVE
    assert feed(population, *refusals) == [f"-{other.address}"]
    assert list(population.restore([make_target(3)])) == []


def test_much_is_withdrawn_in_parts() -> None:
    """No poke waits for 150,000 withdrawals; a pod that is told meanwhile stays, or is back."""
    population = empty()
    pods = [make_pod(f"p{n}", addresses=(f"10.1.{n >> 8}.{n & 255}",)) for n in range(2 * PART + 1)]
    feed(population, *listed(*pods))
    assert len(feed(population, *listed())) == PART
    assert population.is_withdrawing
    assert len(population.withdraw_part().withdrawn) == PART
    left = list(population.all())
    assert len(left) == 1
    feed(population, PodChanged(pod=next(one for one in pods if one.uid == left[0].uid)))
    assert not population.is_withdrawing
    assert list(population.all()) == left


def test_restored_dual_stack_pod_keeps_both_addresses() -> None:
    """Two saved targets of one pod are two targets again."""
    population = empty()
    saved = [make_target(1, uid="u"), make_target(1, uid="u", address="fd00::1")]
    assert sum(len(delta.added) for delta in population.restore(saved)) == 2


def test_restored_targets_pass_the_rule_of_now() -> None:
    """What the configuration or this host rules out meanwhile is not poked from the file."""
    population = Population(rule(exclude_namespaces=["shop"]), BOTH)
    assert list(population.restore([make_target(1)])) == []
    own = empty()
    own.set_own_addresses(frozenset({"10.0.0.1"}))
    assert list(own.restore([make_target(1), make_target(address="127.0.0.1")])) == []
    here = Population(rule(own_pods=False), frozenset({Family.V4}))
    feed(here, Identified(node=NodeName("node-a"), source="certificate"))
    assert list(here.restore([make_target(1, node="node-a"), make_target(address="fd00::1")])) == []


def test_settings_hold_from_then_on() -> None:
    """A new rule applies to what is told after it, and so does the node's name."""
    population = empty()
    population.set_config(rule(own_pods=False))
    feed(population, Identified(node=NodeName("node-a"), source="certificate"))
    own = make_pod("own", node="node-a", addresses=("10.0.0.1",))
    assert feed(population, *listed(own, pod(2))) == ["+10.0.0.2"]


def test_unreadable_pods_and_addresses_are_told() -> None:
    """A warning says which pod, and why; other reasons to skip are no news."""
    population = empty()
    feed(population, PodIgnored(reason="no uid"))
    feed(population, *listed(make_pod(addresses=("127.0.0.1",)), make_pod("x", addresses=())))
    assert {entry.kind for entry in population.entries} == {EventKind.POD_IGNORED}
    assert {entry.level for entry in population.entries} == {Level.WARNING}
    assert [entry.text for entry in population.entries] == [
        "a pod that the API server sent cannot be read: no uid",
        "shop/web: 127.0.0.1 is not poked: its address is no pod's business",
    ]


def test_recorded_life_of_a_pod() -> None:
    """Scene 21: poked from its address on, until it is being deleted; the others stay."""
    population = empty()
    feed(population, *listed(*recorded_by_name().values()))
    before = addresses(population)
    done = []
    for one in load_scene("21")["stream"]:
        event = one.get("line", {"type": "BOOKMARK"})
        if event["type"] == "DELETED":
            done += feed(population, PodRemoved(uid=Uid(event["object"]["metadata"]["uid"])))
        elif event["type"] != "BOOKMARK":
            done += feed(population, PodChanged(pod=pod_from_object(event["object"])))
    assert done == ["+10.244.13.50", "-10.244.13.50"]
    assert addresses(population) == before


NUMBERS = st.integers(1, 5)
LISTS = st.lists(NUMBERS, max_size=5)


@given(
    st.lists(
        LISTS.map(lambda numbers: ("list", numbers))
        | LISTS.map(lambda numbers: ("change", numbers)),
        max_size=8,
    ),
    LISTS,
)
def test_full_list_makes_the_targets_what_it_says(
    history: list[tuple[str, list[int]]], last: list[int]
) -> None:
    """Whatever was before: after a complete list the targets are its pods, no more and no less."""
    population = empty()
    for kind, numbers in history:
        pods = tuple(pod(number) for number in numbers)
        records: Iterable[Record] = (PodChanged(pod=one) for one in pods)
        feed(population, *([ListBegun(), PodsListed(pods=pods)] if kind == "list" else records))
    feed(population, *listed(*(pod(number) for number in last)))
    assert addresses(population) == {f"10.0.0.{number}" for number in last}
    assert len(population) == len(set(last))
    assert all(population.get(target.id) == target for target in population.all())
    assert population.get(TargetId("x/10.0.0.1")) is None


def test_there_is_a_most_of_pods() -> None:
    """Those that come later are not targets, which is said once; who leaves makes room."""
    population = Population(rule(), BOTH, most=2)
    pods = [make_pod(f"web-{n}", addresses=(f"10.0.0.{n}",)) for n in range(1, 5)]
    assert feed(population, *listed(*pods)) == ["+10.0.0.1", "+10.0.0.2"]
    (entry,) = population.entries
    assert (entry.kind, entry.level) == (EventKind.POD_IGNORED, Level.WARNING)
    assert "more than 2 pods" in entry.text
    assert feed(population, PodRemoved(uid=pods[0].uid), PodChanged(pod=pods[3])) == [
        "-10.0.0.1",
        "+10.0.0.4",
    ]
    saved = [make_target(9)]
    assert [delta.added for delta in population.restore(saved)] == []


def test_what_is_no_pod_changes_no_target() -> None:
    """What the reader says of itself, of Nodes and of reports."""
    population = empty()
    node = NodeName("node-b")
    seen = NodeSeen(node=node, unschedulable=False, ready=True, deleting=False, created="")
    ended = ReportEnded(report="event", fate=Fate.WRITTEN, text="")
    assert feed(population, seen, NodeGone(node=node), NodesRefused(), ended) == []
    population.set_own_addresses(frozenset({"10.244.1.1"}))
    assert feed(population, PodChanged(pod=make_pod())) == []
