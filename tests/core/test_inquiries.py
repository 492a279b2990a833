"""Checks what is asked before an alarm, and what an answer excuses."""

from dataclasses import replace

import pytest

from pokepodsd.core.decisions import State
from pokepodsd.core.inquiries import LOOKUP_NS, Inquiries, excuse_of
from pokepodsd.core.kernel import Inspect
from pokepodsd.core.model import MonotonicNs, NodeName
from pokepodsd.core.records import NodeGone, NodeSeen
from pokepodsd.core.verdict import Sight
from tests.core.assessed import make_view, numbered
from tests.core.builders import at

PEER = numbered(3)


def make_state(node: str | None = "node-03") -> State:
    state = State(added_ns=at(0), failing_since_ns=at(0), told_ns=at(0))
    state.node = None if node is None else NodeName(node)
    return state


def seen(*, ready: bool = True, unschedulable: bool = False, deleting: bool = False) -> NodeSeen:
    return NodeSeen(
        node=NodeName("node-b"),
        created="2026-01-01T00:00:00Z",
        ready=ready,
        unschedulable=unschedulable,
        deleting=deleting,
    )


@pytest.mark.parametrize(
    ("node", "excuse"),
    [
        (NodeGone(node=NodeName("node-b")), "the node is gone from the cluster"),
        (seen(deleting=True, unschedulable=True, ready=False), "the node is being deleted"),
        (seen(unschedulable=True, ready=False), "the node is cordoned"),
        (seen(ready=False), "the node is not Ready"),
        (seen(), ""),
    ],
)
def test_a_node_that_is_going_excuses(node: NodeSeen | NodeGone, excuse: str) -> None:
    """The strongest reason is told."""
    assert excuse_of(node) == excuse


def test_the_kernel_is_asked_once_and_again_for_a_decision() -> None:
    """About what is an example of it; conntrack only where a decision needs it."""
    inquiries, state, view = Inquiries(), make_state(), make_view(PEER, Sight.SILENT)
    inquiries.inspect(PEER, state, view)
    inquiries.inspect(PEER, state, view)
    inquiries.inspect(PEER, state, view, is_decision=True)
    first = Inspect(
        peer=PEER.id,
        address="10.244.3.0",
        device="tunl0",
        node="10.9.1.3",
        with_conntrack=False,
    )
    assert len(inquiries.inspections) == 2
    assert inquiries.inspections[0] == first
    assert inquiries.inspections[1].with_conntrack
    assert state.asked == 2


def test_without_an_example_there_is_nothing_to_ask_about() -> None:
    """Which is asked for no second time either."""
    inquiries, state = Inquiries(), make_state()
    nothing = replace(make_view(PEER, doubtful=True), example=None)
    inquiries.inspect(PEER, state, nothing)
    assert (inquiries.inspections, state.asked) == ([], 1)


def test_the_api_is_asked_about_a_node_once() -> None:
    """And has its time to answer; without a name, or without an API, nobody is asked."""
    inquiries, state = Inquiries(), make_state()
    assert not inquiries.look_up(state, at(1))
    inquiries.is_api_there = True
    assert not inquiries.look_up(make_state(None), at(1))
    assert inquiries.look_up(state, at(1))
    assert inquiries.look_up(state, MonotonicNs(at(1) + LOOKUP_NS - 1))
    assert not inquiries.look_up(state, MonotonicNs(at(1) + LOOKUP_NS))
    assert inquiries.lookups == ["node-03"]
    state.is_looked_up = True
    assert not inquiries.look_up(state, at(2))
