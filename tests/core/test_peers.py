"""Checks how tunnels and pods become peers: either source alone, and both together."""

from dataclasses import replace

import pytest

from pokepodsd.core.kernel import Tunnel
from pokepodsd.core.model import NodeName, Target
from pokepodsd.core.peers import PeerId
from tests.core.peerfacts import (
    ADDRESS_B,
    ADDRESS_C,
    BLOCK_B,
    BLOCK_C,
    book_of,
    ids,
    make_peer,
    make_tunnel,
    pod_on,
    settled,
)

IPIP = make_tunnel(ADDRESS_B, BLOCK_B)
UNNAMED = make_tunnel(None, BLOCK_B, device="flannel.1", kind="vxlan")


def test_route_alone_makes_a_peer() -> None:
    """Without any API, by the far node's own address."""
    (peer,) = settled(IPIP).added
    assert peer == make_peer(None, ADDRESS_B, IPIP)
    assert str(peer) == ADDRESS_B


@pytest.mark.parametrize("host", ["127.0.0.1", "224.0.0.1", "fe80::1", "node-b.example", "::"])
def test_a_pods_word_for_its_nodes_address_is_checked(host: str) -> None:
    """Who writes a pod's status may write anything; a name would even be looked up."""
    (peer,) = settled(pod_on("node-b", 1, "10.244.2.7", host)).added
    assert (peer.node, peer.address) == ("node-b", None)


def test_route_without_a_far_end_makes_a_peer_too() -> None:
    """By the tunnel, where the kernel does not know the node."""
    (peer,) = settled(UNNAMED).added
    assert peer == make_peer(None, None, UNNAMED)
    assert str(peer) == f"the node behind {BLOCK_B}"


@pytest.mark.parametrize("host", ["", ADDRESS_B])
def test_pod_alone_makes_a_peer(host: str) -> None:
    """Without any route, by the node's name; its own address is known if the API tells it."""
    (peer,) = settled(pod_on("node-b", 1, "10.244.2.7", host)).added
    assert peer == make_peer("node-b", host or None)
    assert str(peer) == (f"node-b ({ADDRESS_B})" if host else "node-b")


def test_pod_without_a_node_makes_none() -> None:
    """It is scheduled nowhere yet."""
    assert settled(pod_on(None, 1, "10.244.2.7")).added == []


@pytest.mark.parametrize(
    ("tunnel", "pod"),
    [
        (IPIP, pod_on("node-b", 1, "10.244.99.1", ADDRESS_B)),
        (IPIP, pod_on("node-b", 1, "10.244.2.7")),
        (UNNAMED, pod_on("node-b", 1, "10.244.2.7")),
        (UNNAMED, pod_on("node-b", 1, "10.244.2.7", ADDRESS_B)),
    ],
    ids=["by the node's address", "by the block", "by the block alone", "block, address told"],
)
def test_route_and_pods_of_one_node_are_one_peer(tunnel: Tunnel, pod: Target) -> None:
    """Matched by the node's own address or, where that is not known, by the block."""
    address = tunnel.underlay or pod.host or None
    assert settled(tunnel, pod).added == [make_peer("node-b", address, tunnel)]
    assert settled(pod, tunnel).added == [make_peer("node-b", address, tunnel)]


def test_block_belongs_to_the_node_with_the_most_pods_in_it() -> None:
    """A pod that borrowed an address of another node's block does not move it."""
    guest = pod_on("node-a", 1, "10.244.2.1")
    owners = [pod_on("node-b", n, f"10.244.2.{n}") for n in (2, 3)]
    book = book_of(UNNAMED, guest)
    assert ids(book.settle().added) == ["node-a"]
    book.put_pods(owners)
    book.settle()
    owner = book.owner(UNNAMED.id)
    assert owner is not None
    assert owner.node == "node-b"
    assert book.get(PeerId("node-a")) == make_peer("node-a", None)


def test_address_of_the_node_counts_more_than_the_pods_in_the_block() -> None:
    """The far end of the tunnel is a fact; who has addresses in its block is a guess."""
    guests = [pod_on("node-c", n, f"10.244.2.{n}", ADDRESS_C) for n in range(1, 9)]
    book = book_of(IPIP, *guests, pod_on("node-b", 9, "10.244.9.9", ADDRESS_B))
    book.settle()
    owner = book.owner(IPIP.id)
    assert owner is not None
    assert owner.node == "node-b"


def test_tunnels_of_both_families_are_one_peer() -> None:
    """A node has a tunnel a family, and one address to ask, of IPv4 where there is one."""
    six = make_tunnel("fd09::2", "fd00:2::/122", device="tun6", kind="sit")
    pods = [
        pod_on("node-b", 1, "10.244.2.7", ADDRESS_B),
        pod_on("node-b", 2, "fd00:2::7", "fd09::2"),
    ]
    (peer,) = settled(six, IPIP, *pods).added
    assert (peer.tunnels, peer.address) == ((six, IPIP), ADDRESS_B)


@pytest.mark.parametrize(("node", "address"), [("node-b", ""), ("", ADDRESS_B)])
def test_own_node_is_never_a_peer(node: str, address: str) -> None:
    """By its name or by an address of this host: neither for its pods nor for a route to it."""
    book = book_of(pod_on("node-b", 1, "10.244.2.7", ADDRESS_B), UNNAMED)
    book.set_own(NodeName(node) if node else None, frozenset({address} - {""}))
    assert book.settle().added == [make_peer(None, None, UNNAMED)]
    book.drop_tunnel(UNNAMED.id)
    assert ids(book.settle().withdrawn) == [UNNAMED.id]
    assert len(book) == 0


def test_route_back_to_this_host_is_no_peer() -> None:
    """Its far end is one of our own addresses."""
    book = book_of(IPIP)
    book.set_own(None, frozenset({ADDRESS_B}))
    assert book.settle().added == []


def test_learning_the_own_name_withdraws_the_peer() -> None:
    """The reader says who we are after the saved pods were restored."""
    book = book_of(pod_on("node-b", 1, "10.244.2.7"))
    assert ids(book.settle().added) == ["node-b"]
    book.set_own(NodeName("node-b"), frozenset())
    assert ids(book.settle().withdrawn) == ["node-b"]


def test_pod_that_shows_whose_address_it_is_withdraws_the_peer() -> None:
    """A tunnel is not the own node's, also where its pods were known before its address was."""
    book = book_of(UNNAMED, pod_on("node-b", 1, "10.244.2.7"))
    book.set_own(None, frozenset({ADDRESS_B}))
    assert ids(book.settle().added) == ["node-b"]
    book.put_pods([pod_on("node-b", 2, "10.244.9.9", ADDRESS_B)])
    delta = book.settle()
    assert (ids(delta.added), ids(delta.withdrawn)) == ([UNNAMED.id], ["node-b"])


@pytest.mark.parametrize("tunnel", [IPIP, UNNAMED])
def test_peer_that_gets_its_name_is_renamed(tunnel: Tunnel) -> None:
    """The routes come at once and the pods later: what is known of the peer is not to be lost."""
    book = book_of(tunnel)
    (before,) = book.settle().added
    book.put_pods([pod_on("node-b", 1, "10.244.2.7")])
    delta = book.settle()
    assert (ids(delta.added), ids(delta.withdrawn)) == (["node-b"], [before.id])
    assert delta.renamed == {before.id: "node-b"}


def test_peer_that_loses_its_name_is_renamed() -> None:
    """The last pod of a node that is still there goes: it is known by its route again."""
    pod = pod_on("node-b", 1, "10.244.2.7", ADDRESS_B)
    book = book_of(IPIP, pod)
    book.settle()
    book.drop_pods([pod])
    delta = book.settle()
    assert (ids(delta.added), ids(delta.withdrawn)) == ([ADDRESS_B], ["node-b"])
    assert delta.renamed == {"node-b": ADDRESS_B}


def test_peer_that_is_gone_is_not_renamed() -> None:
    """Its route and its pods went."""
    pod = pod_on("node-b", 1, "10.244.2.7")
    book = book_of(IPIP, pod)
    book.settle()
    book.drop_pods([pod])
    book.drop_tunnel(IPIP.id)
    delta = book.settle()
    assert (ids(delta.withdrawn), delta.added, delta.renamed) == (["node-b"], [], {})


def test_tunnel_that_differs_changes_its_peer() -> None:
    """Another block behind the same far end."""
    book = book_of(IPIP)
    book.settle()
    wider = replace(IPIP, blocks=(BLOCK_B, BLOCK_C))
    book.put_tunnel(wider)
    assert book.settle().changed == [make_peer(None, ADDRESS_B, wider)]


def test_same_again_changes_nothing() -> None:
    """A list that is told anew is no news."""
    pod = pod_on("node-b", 1, "10.244.2.7", ADDRESS_B)
    book = book_of(IPIP, pod)
    book.settle()
    book.put_tunnel(IPIP)
    book.put_pods([pod])
    delta = book.settle()
    assert (delta.added, delta.changed, delta.withdrawn, delta.renamed) == ([], [], [], {})
