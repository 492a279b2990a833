"""Checks the folding where the cluster is refused: whose word counts for which targets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import NodeName, Pod, Scope
from pokepodsd.core.population import REFUSALS_TO_BELIEVE, Population
from pokepodsd.core.records import (
    Alive,
    Identified,
    ListBegun,
    ListEnded,
    Lost,
    PodChanged,
    PodIgnored,
    PodRemoved,
    PodsListed,
    Record,
    Refused,
    Watching,
)
from tests.core.builders import BOTH, make_pod, make_target, rule

REFUSED = Refused(message="no")
PEERS = {1: "node-a", 2: "node-a", 3: "node-b", 4: "node-c"}
OWN = frozenset({1, 2})


def pod(number: int) -> Pod:
    return make_pod(f"p{number}", node=PEERS[number], addresses=(f"10.0.0.{number}",))


def listed(scope: Scope, *numbers: int) -> list[Record]:
    return [
        ListBegun(),
        PodsListed(pods=tuple(pod(number) for number in numbers)),
        ListEnded(scope=scope),
    ]


def feed(population: Population, *records: Record) -> None:
    for record in records:
        for _ in population.take(record):
            pass


def numbers(population: Population) -> set[int]:
    return {int(target.address.rpartition(".")[2]) for target in population.all()}


def on_node_a(*records: Record) -> Population:
    population = Population(rule(), BOTH)
    feed(population, Identified(node=NodeName("node-a"), source="certificate"), *records)
    return population


def restored() -> Population:
    """A daemon that has just started with the saved targets of every node."""
    population = on_node_a()
    saved = [
        make_target(n, uid=f"uid-p{n}", address=f"10.0.0.{n}", node=node)
        for n, node in PEERS.items()
    ]
    for _ in population.restore(saved):
        pass
    return population


def test_list_of_the_nodes_pods_withdraws_only_the_nodes_pods() -> None:
    """It says nothing of other nodes: what was known of them stays."""
    population = on_node_a(*listed(Scope.CLUSTER, 1, 2, 3, 4))
    feed(population, REFUSED, *listed(Scope.NODE, 2))
    assert numbers(population) == {2, 3, 4}


def test_list_of_the_nodes_pods_confirms_and_denies_saved_ones_of_the_node_only() -> None:
    """The saved targets of other nodes outlive the first refusal of a new reader."""
    population = restored()
    feed(population, REFUSED, *listed(Scope.NODE, 2))
    assert numbers(population) == {2, 3, 4}


def test_saved_pod_of_this_node_goes_when_the_api_server_says_so() -> None:
    """Once the node's own pods were listed, what was saved of them counts no more."""
    population = restored()
    feed(population, REFUSED, *listed(Scope.NODE, 1, 2), PodRemoved(uid=pod(1).uid))
    assert numbers(population) == {2, 3, 4}


@pytest.mark.parametrize("is_saved", [True, False])
def test_other_nodes_are_given_up_at_the_third_refusal_and_no_sooner(is_saved: bool) -> None:
    """A right that is really gone costs the others' targets, saved or listed; the own ones stay."""
    population = restored() if is_saved else on_node_a(*listed(Scope.CLUSTER, 1, 2, 3, 4))
    for _ in range(REFUSALS_TO_BELIEVE - 1):
        feed(population, REFUSED, *listed(Scope.NODE, 1, 2))
        assert numbers(population) == {1, 2, 3, 4}
    feed(population, REFUSED)
    assert numbers(population) == OWN
    feed(population, REFUSED, *listed(Scope.NODE, 1))
    assert numbers(population) == {1}


def test_list_of_the_cluster_ends_the_count_of_refusals() -> None:
    """A server that refuses now and then for a moment is not believed for that."""
    population = on_node_a(*listed(Scope.CLUSTER, 1, 3))
    for _ in range(3):
        feed(population, *[REFUSED] * (REFUSALS_TO_BELIEVE - 1))
        feed(population, *listed(Scope.CLUSTER, 1, 3))
    assert numbers(population) == {1, 3}


@pytest.mark.parametrize("records", [[], listed(Scope.CLUSTER, 1, 3)[:2], listed(Scope.NODE, 1)])
def test_nothing_less_than_a_complete_list_of_the_cluster_does(records: list[Record]) -> None:
    """A list that breaks off, and a list of the node's own pods, prove no right."""
    population = on_node_a(*listed(Scope.CLUSTER, 1, 3))
    for _ in range(REFUSALS_TO_BELIEVE):
        feed(population, *records, REFUSED)
    assert numbers(population) == {1}


def test_grant_after_the_refusal_was_believed_brings_them_back() -> None:
    """And the count begins anew."""
    population = on_node_a(*listed(Scope.CLUSTER, 1, 3), *[REFUSED] * REFUSALS_TO_BELIEVE)
    feed(population, *listed(Scope.CLUSTER, 1, 3, 4))
    feed(population, *[REFUSED] * (REFUSALS_TO_BELIEVE - 1), *listed(Scope.NODE, 1))
    assert numbers(population) == {1, 3, 4}


def test_lost_connection_ends_the_waiting_for_a_list() -> None:
    """What waits for the end of a list does not wait through an outage; the targets stay."""
    population = on_node_a(*listed(Scope.CLUSTER, 1, 3), ListBegun())
    assert population.is_listing
    feed(population, Lost(reason="HTTP 503"))
    assert not population.is_listing
    assert numbers(population) == {1, 3}


def test_list_that_goes_on_after_a_lost_connection_is_one_list() -> None:
    """The next page came late: what the first one named is named."""
    population = on_node_a(*listed(Scope.CLUSTER, 1, 3, 4))
    feed(population, ListBegun(), PodsListed(pods=(pod(1),)), Lost(reason="HTTP 429"))
    feed(population, PodsListed(pods=(pod(3),)), ListEnded(scope=Scope.CLUSTER))
    assert numbers(population) == {1, 3}


def test_same_warning_is_written_once() -> None:
    """A pod comes again with every list and every change, and so would its warning."""
    population = on_node_a()
    for number in (1, 2, 1):
        odd = make_pod(f"odd-{number}", addresses=("169.254.1.1",))
        for _ in range(3):
            feed(population, PodChanged(pod=odd), PodIgnored(reason=f"no uid {number}"))
    texts = [entry.text for entry in population.entries]
    assert len(texts) == len(set(texts)) == 4
    population.entries = []
    feed(population, PodIgnored(reason="no uid 1"))
    assert population.entries == []


NUMBERS = st.sets(st.sampled_from(sorted(PEERS)))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["cluster", "node", "refused", "change", "remove", "other", "broken"]),
        NUMBERS,
    ),
    max_size=20,
)


def records_of(name: str, chosen: set[int]) -> list[Record]:
    done: dict[str, Any] = {
        "cluster": listed(Scope.CLUSTER, *chosen),
        "node": listed(Scope.NODE, *(chosen & OWN)),
        "refused": [REFUSED],
        "change": [PodChanged(pod=pod(number)) for number in chosen & OWN],
        "remove": [PodRemoved(uid=pod(number).uid) for number in chosen],
        "other": [Alive(), Watching(scope=Scope.NODE), Lost(reason="x")],
        "broken": listed(Scope.CLUSTER, *chosen)[:2],
    }
    records: list[Record] = done[name]
    return records


@given(STEPS)
def test_targets_are_what_may_still_be_believed(steps: list[tuple[str, set[int]]]) -> None:
    """Whatever is refused, listed and told, in any order: the targets are those of a model."""
    population = on_node_a()
    known: set[int] = set()
    refusals = 0
    for name, chosen in steps:
        feed(population, *records_of(name, chosen))
        match name:
            case "cluster":
                known, refusals = chosen, 0
            case "node":
                known = (known - OWN) | (chosen & OWN)
            case "refused":
                refusals += 1
            case "change":
                known = known | (chosen & OWN)
            case "broken":
                known = known | chosen
            case "remove":
                known = known - chosen
            case _:
                pass
        if name in {"refused", "node"} and refusals >= REFUSALS_TO_BELIEVE:
            is_new = refusals == REFUSALS_TO_BELIEVE or name == "node"
            known = known & OWN if is_new else known
        assert numbers(population) == known
