"""Checks the reading of Pod objects, recorded and malformed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import Pod
from pokepodsd.core.pods import pod_from_object, uid_of
from pokepodsd.errors import GarbledError
from tests.apiserver.recordings import recorded_pods
from tests.core.builders import recorded_by_name

MINIMAL = {"metadata": {"uid": "u", "namespace": "n", "name": "p"}}


def made(**parts: Any) -> Pod:
    return pod_from_object({**MINIMAL, **parts})


def test_recorded_pods_are_read() -> None:
    """Addresses, node, phase and flags of the real objects."""
    pods = recorded_by_name()
    assert len(pods) == 13
    dual = pods["web-7f9c5d8b6d-9qz7m"]
    assert dual.addresses == ("10.244.12.7", "fd00:10:244:12::7")
    assert (dual.namespace, dual.node, dual.phase) == ("shop", "node-b", "Running")
    assert dual.created == "2026-11-23T01:33:57Z"
    assert pods["pay-5b7d-6fd00"].addresses == ("fd00:10:244:13::2",)
    assert pods["unscheduled-1"].node is None
    assert pods["unscheduled-1"].addresses == ()
    assert {name for name, pod in pods.items() if pod.terminating} == {"leaving-1"}
    assert {name for name, pod in pods.items() if pod.host_network} == {
        "calico-node-b",
        "hostnet-x1",
    }
    assert {name for name, pod in pods.items() if not pod.ready} == {
        "cart-0",
        "evicted-77",
        "job-28k4-done",
        "job-28k5-failed",
        "pulling-6c9-abcde",
        "unscheduled-1",
    }


def test_object_without_spec_and_status_is_a_pod() -> None:
    """What a server leaves out of an object is read as not there."""
    pod = made()
    assert (pod.node, pod.phase, pod.addresses, pod.created) == (None, "", (), "")
    assert (pod.ready, pod.terminating, pod.host_network) == (False, False, False)


@pytest.mark.parametrize(
    ("status", "addresses"),
    [
        ({"podIP": "10.0.0.1"}, ("10.0.0.1",)),
        ({"podIPs": [{"ip": "10.0.0.1"}]}, ("10.0.0.1",)),
        ({"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}, ("10.0.0.1",)),
        ({"podIP": "10.0.0.1", "podIPs": [{"ip": "fd00::1"}]}, ("10.0.0.1", "fd00::1")),
        ({"podIP": "", "podIPs": [{}]}, ()),
        ({"podIP": None, "podIPs": None}, ()),
    ],
)
def test_addresses_of_old_and_new_servers(status: Any, addresses: tuple[str, ...]) -> None:
    """Servers repeat podIP in podIPs, or know only one of them; none is poked twice."""
    assert made(status=status).addresses == addresses


@pytest.mark.parametrize("value", ["False", "Unknown", True, None])
def test_only_a_true_condition_is_ready(value: object) -> None:
    """Ready says "True", in text; other conditions do not count."""
    others = [{"type": "ContainersReady", "status": "True"}, {"type": "Ready", "status": value}]
    assert not made(status={"conditions": others}).ready
    assert made(status={"conditions": [*others, {"type": "Ready", "status": "True"}]}).ready


@pytest.mark.parametrize("part", ["uid", "namespace", "name"])
@pytest.mark.parametrize("value", [None, 5, ["x"]])
def test_pod_without_identity_is_garbled(part: str, value: object) -> None:
    """Uid, namespace and name are there and are text, or it is no pod."""
    metadata = {**MINIMAL["metadata"], part: value}
    with pytest.raises(GarbledError):
        pod_from_object({"metadata": metadata})


def paths(value: Any) -> list[tuple[Any, ...]]:
    """Where something stands in an object, but for the parts that nobody reads."""
    found: list[tuple[Any, ...]] = [()]
    items = list(value.items()) if isinstance(value, dict) else []
    items += enumerate(value) if isinstance(value, list) else []
    for key, child in items:
        if key not in ("managedFields", "containers", "containerStatuses", "volumes"):
            found += [(key, *rest) for rest in paths(child)]
    return found


@given(
    st.sampled_from(recorded_pods()),
    st.data(),
    st.sampled_from(
        [None, 0, 1, "", "text", True, 1.5, [], ["x"], [1], {}, {"a": 1}, [{}], [None]]
    ),
)
def test_object_with_a_wrong_part_is_a_pod_or_garbled(
    original: dict[str, Any], data: st.DataObject, wrong: object
) -> None:
    """Whatever part is of another type: a Pod of texts and flags, or GarbledError."""
    changed: Any = {"root": original}
    path = ("root", *data.draw(st.sampled_from(paths(original))))
    copy = replaced(changed, path, wrong)["root"]
    try:
        pod = pod_from_object(copy)
    except GarbledError:
        return
    texts = (pod.uid, pod.namespace, pod.name, pod.phase, pod.created, *pod.addresses)
    assert all(isinstance(text, str) for text in texts)
    assert isinstance(pod.node, str | None)
    assert {type(flag) for flag in (pod.ready, pod.terminating, pod.host_network)} == {bool}


def replaced(value: Any, path: tuple[Any, ...], wrong: object) -> Any:
    """A copy in which the part at this path is another."""
    if not path:
        return wrong
    key, *rest = path
    if isinstance(value, dict):
        return {**value, key: replaced(value[key], tuple(rest), wrong)}
    return [
        replaced(child, tuple(rest), wrong) if index == key else child
        for index, child in enumerate(value)
    ]


@pytest.mark.parametrize(
    "obj", [{}, {"metadata": None}, {"metadata": {"uid": 1}}, {"metadata": []}]
)
def test_deleted_object_without_a_uid_is_garbled(obj: Any) -> None:
    """Of a deleted object only the uid is needed, and it is checked."""
    with pytest.raises(GarbledError):
        uid_of(obj)
    assert uid_of({"metadata": {"uid": "u"}}) == "u"


@pytest.mark.parametrize(
    ("obj", "reason"),
    [
        (
            {"metadata": {"uid": None, "namespace": "n", "name": "p"}},
            "n/p: uid is null where text belongs",
        ),
        ({"metadata": {"uid": "u", "name": "p"}}, "?/p: no 'namespace'"),
        ({"metadata": {"uid": "u", "namespace": 5, "name": []}}, "?/?: namespace is a number"),
        ({"metadata": ["u"]}, "?/?: metadata is a list where an object belongs"),
        ({**MINIMAL, "status": {"hostIP": "x" * 254}}, "n/p: hostIP is longer than 253 bytes"),
        ({**MINIMAL, "spec": {"nodeName": "é" * 127}}, "n/p: nodeName is longer than 253 bytes"),
        ({**MINIMAL, "status": {"phase": "\ud800"}}, "n/p: phase holds half a pair"),
        ({**MINIMAL, "status": {"podIPs": [{"ip": "10.0.0.1"}] * 9}}, "n/p: podIPs are more"),
        ({**MINIMAL, "status": {"conditions": [5]}}, "n/p: conditions is a num"),
        ({**MINIMAL, "spec": True}, "n/p: spec is a boolean where an object belongs"),
        ({**MINIMAL, "status": {"podIPs": "x"}}, "n/p: podIPs is text where a list belongs"),
        (17, "?/?: the pod is a number where an object belongs"),
        ({"metadata": {**MINIMAL["metadata"], "name": "y" * 10**6}}, f"n/{'y' * 80}: name is"),
    ],
)
def test_the_reason_names_the_pod_and_the_part(obj: Any, reason: str) -> None:
    """What an operator looks for is named, in a few words whatever the object holds."""
    with pytest.raises(GarbledError) as raised:
        pod_from_object(obj)
    assert str(raised.value).startswith(reason)
    assert len(str(raised.value)) < 200


def test_the_longest_names_are_read() -> None:
    """A subdomain of RFC 1123 has 253 bytes; other letters than ASCII's are no trouble."""
    assert made(spec={"nodeName": "x" * 253}).node == "x" * 253
    assert made(spec={"nodeName": "é" * 126}).node == "é" * 126


def test_a_part_that_is_null_is_not_there() -> None:
    """As Go reads it."""
    parts = {"phase": None, "hostIP": None, "podIPs": None, "conditions": None}
    assert made(spec=None, status=parts) == made()
