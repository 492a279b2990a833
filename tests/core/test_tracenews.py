"""Checks what is said of a trace, word for word."""

import pytest

from tests.core.test_tracing import CASES, trace

_NOT_TUNNELLED = (
    "goes out through eth0, so it is not tunnelled at all (Calico does this within one subnet with "
    "CrossSubnet, and where encapsulation is off): let the network between the nodes pass the "
    "pods' addresses (cloud: switch the source/destination check off), or have it tunnelled"
)
_CHECK_POD = "check the pod, and the network policies that select it"
SAID = {
    "a peer": ("node-b (10.9.0.2) answers at every layer that was asked", ""),
    "a dead pod": (
        "the tunnel passes, 10.244.2.7 through tunl0 (ipip) does not answer (timed out)",
        _CHECK_POD,
    ),
    "a broken tunnel": (
        "the tunnel to node-b (10.9.0.2) does not pass: 10.244.2.0 through tunl0 (ipip) does not "
        "answer (timed out), 10.9.0.2 itself does",
        "no answer comes back from 10.9.0.2 for IP protocol 4: allow protocol 4, not 94, between "
        "the nodes in its security group or firewall (Azure drops it always: use VXLAN there)",
    ),
    "a pod shows that the tunnel passes": (
        "the tunnel passes, as another address behind it shows; 10.244.2.0 does not answer",
        "",
    ),
    "a dead node": (
        "neither the own address of node-b (10.9.0.2) nor what is behind it answers",
        "check that the node is up, and the network between the nodes",
    ),
    "a filtered underlay": (
        "what is behind the node's own address answers, the node's own address itself does not",
        "ICMP to it is filtered, which is no fault",
    ),
    "pods without a tunnel": (
        "the tunnel to node-b (10.9.0.2) does not pass: 10.244.2.8 does not answer (timed out), "
        "10.9.0.2 itself does",
        f"10.244.2.8 {_NOT_TUNNELLED}",
    ),
    "a single pod without a tunnel": (
        "10.244.2.8 does not answer (timed out), 10.9.0.2 does",
        f"it may be this address alone, or the way to it: 10.244.2.8 {_NOT_TUNNELLED}; or "
        f"{_CHECK_POD}",
    ),
    "a pod beside one that answers": (
        "other pods on its node answer, 10.244.2.7 does not answer (timed out)",
        _CHECK_POD,
    ),
    "a node of which nothing else is known": (
        "10.9.0.2 does not answer (timed out), and nothing else of it is known that could be asked",
        "check that it is up, and the network on the way to it",
    ),
    "nothing behind a dead next hop": (
        "neither the next hop nor what is behind it answers",
        "check that the node is up, and the network between the nodes",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_the_verdict_as_a_sentence_and_why(name: str) -> None:
    """Each word is for an operator."""
    subject, answering, _, _ = CASES[name]
    _, conclusion = trace(subject, answering)
    assert (conclusion.text, conclusion.reason) == SAID[name]
