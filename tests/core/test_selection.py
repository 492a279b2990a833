"""Checks the rule of selection, on the recorded pods and on hostile ones."""

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.model import Family, NodeName, Pod, Scope, Skip, Skipped, Target
from pokepodsd.core.selection import Selection, field_selector
from tests.apiserver.recordings import load_scene
from tests.core.builders import BOTH, make_pod, recorded_by_name, rule

NODE_A = NodeName("node-a")
WEB_A, WEB_B, PAY, CART = "10.244.11.5", "10.244.12.7", "fd00:10:244:13::2", "10.244.13.9"
WEB_B6 = "fd00:10:244:12::7"
ALL = {WEB_A, WEB_B, WEB_B6, PAY, CART}
COREDNS, NODE_B = "10.244.11.2", "192.168.10.12"


def chosen(pod: Pod, *, families: frozenset[Family] = BOTH, **settings: Any) -> list[object]:
    """What the rule says of a pod: addresses, and reasons for those left out."""
    own = frozenset(settings.pop("own", ()))
    selection = Selection(
        config=rule(**settings), node=NODE_A, families=families, own_addresses=own
    )
    return [
        item.address if isinstance(item, Target) else item.reason for item in selection.targets(pod)
    ]


@pytest.mark.parametrize(
    ("settings", "addresses"),
    [
        ({}, ALL),
        ({"exclude_namespaces": []}, {*ALL, COREDNS}),
        ({"exclude_namespaces": ["shop"]}, {COREDNS}),
        ({"include_namespaces": ["kube-system"]}, {COREDNS}),
        ({"include_namespaces": ["shop", "batch"]}, ALL),
        ({"include_namespaces": ["elsewhere"]}, set()),
        ({"host_network": True}, {*ALL, NODE_B}),
        ({"own_pods": False}, ALL - {WEB_A}),
        ({"skip_ready": True}, {CART}),
        ({"own": [WEB_A]}, ALL - {WEB_A}),
        ({"families": frozenset({Family.V4})}, {WEB_A, WEB_B, CART}),
        ({"families": frozenset({Family.V6})}, {WEB_B6, PAY}),
        ({"families": frozenset()}, set()),
    ],
    # A set's text has another order in each process.
    ids=lambda value: "" if isinstance(value, set) else str(value),
)
def test_recorded_pods_under_each_setting(settings: dict[str, Any], addresses: set[str]) -> None:
    """Exactly these addresses of the thirteen recorded pods are poked."""
    found = [one for pod in recorded_by_name().values() for one in chosen(pod, **settings)]
    assert {one for one in found if isinstance(one, str)} == addresses


def test_recorded_pods_that_are_left_out_have_their_reason() -> None:
    """Why the others are not poked, by the defaults."""
    said = {name: chosen(pod) for name, pod in recorded_by_name().items()}
    assert said == {
        "evicted-77": [Skip.FINISHED],
        "job-28k4-done": [Skip.FINISHED],
        "job-28k5-failed": [Skip.FINISHED],
        "calico-node-b": [Skip.NAMESPACE],
        "coredns-6f6b679f8f-aaaaa": [Skip.NAMESPACE],
        "hostnet-x1": [Skip.HOST_NETWORK],
        "leaving-1": [Skip.TERMINATING],
        "pulling-6c9-abcde": [Skip.NO_ADDRESS],
        "unscheduled-1": [Skip.NO_ADDRESS],
        "cart-0": [CART],
        "pay-5b7d-6fd00": [PAY],
        "web-7f9c5d8b6d-4xk2p": [WEB_A],
        "web-7f9c5d8b6d-9qz7m": [WEB_B, WEB_B6],
    }


@pytest.mark.parametrize(
    ("pod", "settings", "reason"),
    [
        (make_pod(namespace="kube-system"), {}, Skip.NAMESPACE),
        (make_pod(), {"include_namespaces": ["x"]}, Skip.NAMESPACE),
        (make_pod(phase="Succeeded"), {}, Skip.FINISHED),
        (make_pod(phase="Failed"), {}, Skip.FINISHED),
        (make_pod(terminating=True), {}, Skip.TERMINATING),
        (make_pod(host_network=True), {}, Skip.HOST_NETWORK),
        (make_pod(ready=True), {"skip_ready": True}, Skip.READY),
        (make_pod(node="node-a"), {"own_pods": False}, Skip.OWN_NODE),
        (make_pod(addresses=()), {}, Skip.NO_ADDRESS),
    ],
)
def test_each_rule_alone_leaves_a_pod_out(pod: Pod, settings: Any, reason: Skip) -> None:
    """One reason for the whole pod, not one an address."""
    assert chosen(pod, **settings) == [reason]


@pytest.mark.parametrize("phase", ["Pending", "Running", "Unknown", ""])
def test_pod_that_has_an_address_is_poked_in_any_living_phase(phase: str) -> None:
    """The origin's rule: an address, and not kube-system."""
    assert chosen(make_pod(phase=phase)) == ["10.244.1.1"]


def test_included_namespaces_overrule_excluded_ones() -> None:
    """With a list of what to poke, the list of what not to is not asked."""
    both = chosen(make_pod(), include_namespaces=["shop"], exclude_namespaces=["shop"])
    assert both == ["10.244.1.1"]


def test_own_pods_need_a_known_node() -> None:
    """While nobody knows which node this is, no pod is taken for its own."""
    selection = Selection(config=rule(own_pods=False), node=None, families=BOTH)
    found = list(selection.targets(make_pod(node=None)))
    assert [type(item) for item in found] == [Target]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "::1",
        "224.0.0.1",
        "ff02::1",
        "0.0.0.0",
        "::",
        "169.254.1.1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1%eth0",
        "255.255.255.255",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "",
        "pod.example",
        "10.0.0.1/24",
        "10.0.0.01",
        "10.0.0",
        " 10.0.0.1",
        "10.0.0.1\n",
        "٣.0.0.1",
    ],
)
def test_hostile_address_is_refused_with_its_reason(address: str) -> None:
    """No packet goes to this host itself, to a group, to a link, or to what is no address."""
    pod = make_pod(addresses=(address, "10.0.0.9"))
    selection = Selection(config=rule(), node=None, families=BOTH)
    first, second = selection.targets(pod)
    assert first == Skipped(uid=pod.uid, address=address, reason=Skip.NOT_A_POD_ADDRESS)
    assert isinstance(second, Target)
    assert second.address == "10.0.0.9"


@pytest.mark.parametrize("written", ["fd00:0:0:0:0:0:0:1", "FD00::1", "fd00::0001"])
def test_own_address_is_known_however_it_is_written(written: str) -> None:
    """The comparison is of addresses, not of texts."""
    assert chosen(make_pod(addresses=(written,)), own=["fd00::1"]) == [Skip.OWN_ADDRESS]


def test_host_network_pod_of_this_host_is_still_left_out() -> None:
    """With host_network, the pods of this very host would be the host poking itself."""
    pod = make_pod(host_network=True, addresses=("192.168.1.1",))
    assert chosen(pod, host_network=True, own=["192.168.1.1"]) == [Skip.OWN_ADDRESS]


def test_one_target_a_family() -> None:
    """The first usable address of each family is the one."""
    addresses = ("127.0.0.1", "10.0.0.1", "fd00::1", "10.0.0.2", "fd00::2")
    found = chosen(make_pod(addresses=addresses))
    assert found == [Skip.NOT_A_POD_ADDRESS, "10.0.0.1", "fd00::1"]


@given(st.lists(st.ip_addresses().map(str) | st.text(max_size=12), max_size=4))
def test_any_addresses_give_sound_targets(addresses: list[str]) -> None:
    """At most one a family, canonical, unicast, identified by pod and address."""
    pod = make_pod(addresses=tuple(addresses))
    selection = Selection(config=rule(), node=None, families=BOTH)
    targets = [item for item in selection.targets(pod) if isinstance(item, Target)]
    assert len({target.family for target in targets}) == len(targets) <= 2
    for target in targets:
        parsed = ipaddress.ip_address(target.address)
        assert str(parsed) == target.address
        assert parsed.version == target.family.value
        assert not any((parsed.is_multicast, parsed.is_loopback, parsed.is_unspecified))
        assert target.id == f"{pod.uid}/{target.address}"
        assert (target.uid, target.name, target.node) == (pod.uid, pod.name, pod.node)


def test_field_selector_asks_for_what_was_recorded() -> None:
    """By the defaults the terms are those of scene 18, which a real server understood."""
    recorded = load_scene("18")["request"]["path"]
    selector = field_selector(rule(), Scope.CLUSTER, NODE_A)
    encoded = selector.replace("!", "%21").replace("=", "%3D")
    wanted = recorded.split("fieldSelector=")[1].split("%2C")
    assert sorted(encoded.split(",")) == sorted(wanted)


def test_field_selector_leaves_out_no_target() -> None:
    """What the server left out of scene 18 is nothing that the rule would poke."""
    items = load_scene("18")["response"]["body"]["items"]
    listed = {item["metadata"]["name"] for item in items}
    for name, pod in recorded_by_name().items():
        assert name in listed or not any(isinstance(one, str) for one in chosen(pod))


@pytest.mark.parametrize(
    ("settings", "scope", "portable", "terms"),
    [
        ({}, Scope.CLUSTER, False, {"spec.hostNetwork=false", "metadata.namespace!=kube-system"}),
        ({}, Scope.CLUSTER, True, {"metadata.namespace!=kube-system"}),
        ({"host_network": True}, Scope.CLUSTER, False, {"metadata.namespace!=kube-system"}),
        (
            {"exclude_namespaces": ["a", "b"], "host_network": True},
            Scope.CLUSTER,
            False,
            {"metadata.namespace!=a", "metadata.namespace!=b"},
        ),
        ({"include_namespaces": ["a"]}, Scope.CLUSTER, True, {"metadata.namespace=a"}),
        ({"include_namespaces": ["a", "b"]}, Scope.CLUSTER, True, set()),
        (
            {"own_pods": False, "exclude_namespaces": []},
            Scope.CLUSTER,
            True,
            {"spec.nodeName!=node-a"},
        ),
        (
            {"own_pods": False, "exclude_namespaces": []},
            Scope.NODE,
            True,
            {"spec.nodeName=node-a"},
        ),
    ],
)
def test_field_selector_follows_the_settings(
    settings: Any, scope: Scope, portable: bool, terms: set[str]
) -> None:
    """Each setting has its term; several included namespaces cannot be said and are sorted here."""
    selector = field_selector(rule(**settings), scope, NODE_A, portable=portable)
    always = {"status.phase!=Succeeded", "status.phase!=Failed"}
    assert set(selector.split(",")) == always | terms
