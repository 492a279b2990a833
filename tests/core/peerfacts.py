"""Tunnels, nodes and peers, made from as few words as a test of them needs.

Owns their making. Refuses: to judge.
"""

from dataclasses import replace

from pokepodsd.core.kernel import Tunnel, TunnelId
from pokepodsd.core.model import Family, NodeName, Target
from pokepodsd.core.peers import Peer, PeerBook, PeerDelta, PeerId
from tests.core.builders import make_target

ADDRESS_B, ADDRESS_C = "10.9.0.2", "10.9.0.3"
BLOCK_B, BLOCK_C = "10.244.2.0/26", "10.244.3.0/26"


def make_tunnel(
    underlay: str | None = ADDRESS_B,
    *blocks: str,
    device: str = "tunl0",
    kind: str = "ipip",
) -> Tunnel:
    """A tunnel to the node of this address; through one without, the first block names it."""
    inside = blocks or (BLOCK_B,)
    network, _, _ = inside[0].partition("/")
    return Tunnel(
        id=TunnelId(f"{device}/{underlay or inside[0]}"),
        family=Family.V6 if ":" in inside[0] else Family.V4,
        device=device,
        kind=kind,
        gateway=underlay,
        blocks=inside,
        addresses=(network,),
        underlay=underlay,
    )


def pod_on(node: str | None, number: int, address: str, host: str = "") -> Target:
    """A pod by its number, on a node of this own address."""
    return replace(make_target(number, node=node, address=address), host=host)


def make_peer(
    node: str | None = "node-b", address: str | None = ADDRESS_B, *tunnels: Tunnel
) -> Peer:
    """A peer as the book makes it."""
    first = tunnels[0].id if tunnels else ""
    return Peer(
        id=PeerId(node or address or first),
        node=None if node is None else NodeName(node),
        address=address,
        tunnels=tunnels,
    )


def ids(peers: list[Peer]) -> list[str]:
    return [peer.id for peer in peers]


def book_of(*facts: Tunnel | Target) -> PeerBook:
    """A book that was told these, and has not settled yet."""
    book = PeerBook()
    for fact in facts:
        if isinstance(fact, Tunnel):
            book.put_tunnel(fact)
        else:
            book.put_pods([fact])
    return book


def settled(*facts: Tunnel | Target) -> PeerDelta:
    return book_of(*facts).settle()
