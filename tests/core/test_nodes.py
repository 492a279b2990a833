"""Checks the reading of Node objects, recorded and malformed, and how long a refusal stands."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName
from pokepodsd.core.nodes import Permit, node_from_object, read_answer
from pokepodsd.core.records import NodeGone, NodeSeen, NodesRefused
from pokepodsd.errors import GarbledError
from tests.apiserver.recordings import load_scene
from tests.core.builders import at

NODE = NodeName("node-a")
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
NOT_FOUND = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": 'nodes "node-a" not found',
    "reason": "NotFound",
    "details": {"name": "node-a", "kind": "nodes"},
    "code": 404,
}


def recorded() -> dict[str, Any]:
    """The Node of scene 07, parsed anew."""
    node: dict[str, Any] = json.loads(json.dumps(load_scene("07")["response"]["body"]))
    return node


def read(status: int, answer: object) -> NodeSeen | NodeGone | NodesRefused:
    return read_answer(NODE, status, json.dumps(answer).encode())


def made(**parts: Any) -> NodeSeen:
    metadata = {"name": "node-a", **parts.pop("metadata", {})}
    return node_from_object({"metadata": metadata, "status": READY, **parts})


def test_recorded_node_is_read() -> None:
    """The object that a kube-apiserver sent: a node in service."""
    created = "2026-11-23T01:33:56Z"
    seen = NodeSeen(node=NODE, unschedulable=False, ready=True, deleting=False, created=created)
    assert read(200, recorded()) == seen


@pytest.mark.parametrize(
    ("parts", "unschedulable", "ready", "deleting"),
    [
        ({}, False, True, False),
        ({"spec": {"unschedulable": True}}, True, True, False),
        ({"spec": {"unschedulable": False}}, False, True, False),
        ({"spec": None, "status": None}, False, False, False),
        ({"status": {"conditions": None}}, False, False, False),
        ({"metadata": {"deletionTimestamp": "2026-11-23T01:33:57Z"}}, False, True, True),
        ({"metadata": {"deletionTimestamp": None}}, False, True, False),
    ],
)
def test_states_of_a_node(
    parts: dict[str, Any], unschedulable: bool, ready: bool, deleting: bool
) -> None:
    """Cordoned, ready and being deleted are told apart; what is left out is not the case."""
    seen = made(**parts)
    assert (seen.unschedulable, seen.ready, seen.deleting) == (unschedulable, ready, deleting)
    assert seen.created == ""


@pytest.mark.parametrize("value", ["False", "Unknown", True, None])
def test_only_a_true_condition_is_ready(value: object) -> None:
    """A node whose kubelet is silent is "Unknown"; other conditions do not count."""
    others = [{"type": "MemoryPressure", "status": "True"}, {"type": "Ready", "status": value}]
    assert not made(status={"conditions": others}).ready


def test_missing_node_is_gone() -> None:
    """The API server's own 404 for this very node."""
    assert read(404, NOT_FOUND) == NodeGone(node=NODE)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "NotStatus"},
        {"reason": "Gone"},
        {"details": None},
        {"details": {}},
        {"details": {"name": "node-b", "kind": "nodes"}},
        {"details": {"name": "node-a", "kind": "pods"}},
        {"details": "nodes"},
    ],
)
def test_other_404_is_no_word_about_the_node(changes: dict[str, Any]) -> None:
    """An alarm is not silenced by a server that knows no such path, or speaks of another thing."""
    with pytest.raises(GarbledError):
        read(404, {**NOT_FOUND, **changes})


@pytest.mark.parametrize("body", [b"404 page not found\n", b"", b"[]", b"null", b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 404])
def test_body_of_another_kind_is_garbled(status: int, body: bytes) -> None:
    """A proxy's page is neither a node nor its absence."""
    with pytest.raises(GarbledError):
        read_answer(NODE, status, body)


@pytest.mark.parametrize("body", [b"", b"<html>", load_scene("06")["response"]["body"]])
def test_refusal_needs_no_body(body: Any) -> None:
    """Whoever refuses, and in whatever words, it is refused."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert read_answer(NODE, 403, text) == NodesRefused()


@pytest.mark.parametrize("status", [201, 302, 400, 401, 410, 429, 500, 503, 504])
def test_other_statuses_teach_nothing(status: int) -> None:
    """Not even with a whole Node as their body."""
    with pytest.raises(GarbledError, match=str(status)):
        read(status, recorded())


def test_another_node_is_no_answer() -> None:
    """What comes is about the node that was asked for, or it does not count."""
    with pytest.raises(GarbledError, match="node-b"):
        read(200, {**recorded(), "metadata": {"name": "node-b"}})


@pytest.mark.parametrize(
    "obj",
    [
        {},
        {"metadata": None},
        {"metadata": {}},
        {"metadata": {"name": 5}},
        {"metadata": {"name": "n", "creationTimestamp": 5}},
        {"metadata": {"name": "n"}, "spec": ["x"]},
        {"metadata": {"name": "n"}, "status": {"conditions": 5}},
        {"metadata": {"name": "n"}, "status": {"conditions": ["Ready"]}},
    ],
)
def test_object_of_another_shape_is_garbled(obj: Any) -> None:
    """A node without a name, or with a part of another type."""
    with pytest.raises(GarbledError):
        node_from_object(obj)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
PARTS = ["metadata", "spec", "status"]
FIELDS = ["name", "creationTimestamp", "deletionTimestamp", "unschedulable", "conditions"]


@given(st.sampled_from(PARTS), st.none() | st.sampled_from(FIELDS), JSON)
def test_object_with_a_wrong_part_is_a_node_or_garbled(
    part: str, field: str | None, wrong: Any
) -> None:
    """Whatever a part is: texts and flags, or GarbledError."""
    obj = recorded()
    obj[part] = wrong if field is None else {**obj[part], field: wrong}
    try:
        seen = node_from_object(obj)
    except GarbledError:
        return
    assert {type(text) for text in (seen.node, seen.created)} == {str}
    assert {type(flag) for flag in (seen.unschedulable, seen.ready, seen.deleting)} == {bool}


def test_refusal_stands_for_ten_minutes() -> None:
    """Nothing is asked until it is over, and each refusal counts anew."""
    permit = Permit()
    assert permit.is_given(MonotonicNs(0))
    permit.refuse(at(0))
    assert not any(permit.is_given(at(seconds)) for seconds in (0, 1, 599))
    assert not permit.is_given(MonotonicNs(at(600) - 1))
    assert permit.is_given(at(600))
    permit.refuse(at(700))
    assert not permit.is_given(MonotonicNs(at(700) + 599 * SECOND_NS))
    assert permit.is_given(at(1300))
