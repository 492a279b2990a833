"""Checks what a text may name, and who is meant by it."""

from dataclasses import replace

import pytest

from pokepodsd.core.aims import Aim, is_namespace, is_traceable, near, peer_of, read_aim
from tests.core.builders import make_target
from tests.core.peerfacts import ADDRESS_B, ADDRESS_C, BLOCK_B, BLOCK_C, make_peer, make_tunnel

B = make_peer("node-b", ADDRESS_B, make_tunnel(ADDRESS_B, BLOCK_B))
C = make_peer("node-c", ADDRESS_C, make_tunnel(ADDRESS_C, BLOCK_C, "10.244.2.48/28"))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("node-b", {"node": "node-b"}),
        ("shop/web-1", {"namespace": "shop", "name": "web-1"}),
        ("10.244.2.7", {"address": "10.244.2.7"}),
        ("FD00::0:7", {"address": "fd00::7"}),
        ("fe80::1%eth0", {"address": "fe80::1"}),
        ("10.244.2.0/26", {"block": BLOCK_B}),
        ("10.244.2.7/26", {"block": BLOCK_B}),
        ("10.244.2.999", {"node": "10.244.2.999"}),
        ("shop/", {}),
        ("", {"node": ""}),
    ],
)
def test_a_text_names_one_thing(text: str, parts: dict[str, str]) -> None:
    """A node, a pod, an address or a block, in the form that the kernel writes it."""
    assert read_aim(text) == Aim(text=text, **parts)


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("node-b", B),
        (ADDRESS_C, C),
        ("10.244.2.0", B),
        (BLOCK_C, C),
        ("10.244.2.7", B),
        # The longest prefix, as the kernel routes.
        ("10.244.2.50", C),
        ("10.244.9.1", None),
        ("node-z", None),
        ("", None),
        ("shop/", None),
    ],
)
def test_the_peer_that_is_meant(text: str, peer: object) -> None:
    """By its name, its address, its tunnel's, a block, or an address behind it."""
    assert peer_of(read_aim(text), [C, B]) is peer


def test_a_pod_is_meant_by_both_its_names_or_its_address() -> None:
    """The same name in another namespace is another pod."""
    pod = replace(make_target(1), namespace="shop", name="web", address="10.244.2.7")
    assert read_aim("shop/web").is_pod(pod)
    assert read_aim("10.244.2.7").is_pod(pod)
    assert not any(read_aim(text).is_pod(pod) for text in ("web", "other/web", "shop/", ""))


def test_what_may_have_been_meant() -> None:
    """Likely names, at most three, the likeliest first."""
    names = ["node-a", "node-b", "shop/web-1", "node-bb", "db"]
    assert near("node-b1", names)[0] in {"node-b", "node-bb"}
    assert len(near("node-", names)) <= 3
    assert near("quite-different", names) == []


@pytest.mark.parametrize(
    ("text", "holds"), [("shop", True), ("a,b=c", False), ("", False), ("Shop", False)]
)
def test_only_a_name_is_asked_of_the_api(text: str, holds: bool) -> None:
    """What is put into a selector can be a namespace."""
    assert is_namespace(text) is holds


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("10.244.2.7", True),
        ("fd00::7", True),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("169.254.1.1", False),
        ("fe80::1", False),
        ("255.255.255.255", False),
        ("::ffff:ffff", True),
    ],
)
def test_only_what_one_host_may_have_is_traced(address: str, may: bool) -> None:
    """Not what many hosts have, none, or every host on its own link."""
    assert is_traceable(address) is may
