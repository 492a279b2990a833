"""What an operator may name: a node, a pod, an address or a block; and who is meant by it.

Owns the reading of that text, and the finding among peers and pods that are known.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address, ip_network

from pokepodsd.core.kernel import Tunnel
from pokepodsd.core.model import Target
from pokepodsd.core.peers import Peer

# RFC 1123, as namespaces and nodes are named.
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_MOST_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One of them: ``node``, or ``namespace`` with ``name``, or ``address``, or ``block``."""

    text: str
    node: str = ""
    namespace: str = ""
    name: str = ""
    address: str = ""
    block: str = ""

    def is_pod(self, pod: Target) -> bool:
        """Whether this pod is meant."""
        if self.address:
            return pod.address == self.address
        return self.name != "" and (pod.namespace, pod.name) == (self.namespace, self.name)

    def is_peer(self, peer: Peer) -> bool:
        """Whether this peer itself is meant, or the far end of a tunnel to it."""
        if self.block:
            return any(self.block in tunnel.blocks for tunnel in peer.tunnels)
        if self.address:
            return self.address == peer.address or any(
                self.address in tunnel.addresses for tunnel in peer.tunnels
            )
        return self.node != "" and self.node in {peer.id, peer.node}


def read_aim(text: str) -> Aim:
    """What is meant by a text; a name that can be none is an aim at nothing."""
    try:
        if "/" not in text:
            return Aim(text=text, address=str(ip_address(text.partition("%")[0])))
        return Aim(text=text, block=str(ip_network(text, strict=False)))
    except ValueError:
        pass
    namespace, slash, name = text.partition("/")
    if not slash:
        return Aim(text=text, node=text)
    return Aim(text=text, namespace=namespace, name=name) if name else Aim(text=text)


def is_namespace(text: str) -> bool:
    """Whether a namespace may be named so."""
    return _NAMESPACE.fullmatch(text) is not None


def is_traceable(address: str) -> bool:
    """Whether one host may have it, that packets are routed to: not multicast, not link-local."""
    parsed = ip_address(address)
    is_broadcast = parsed.version == 4 and int(parsed) == 2**32 - 1
    return not (
        parsed.is_multicast
        or parsed.is_unspecified
        or parsed.is_loopback
        or parsed.is_link_local
        or is_broadcast
    )


def peer_of(aim: Aim, peers: Iterable[Peer]) -> Peer | None:
    """The peer that is meant, or whose block the address is in."""
    there = sorted(peers, key=lambda peer: peer.id)
    meant = next((peer for peer in there if aim.is_peer(peer)), None)
    if meant is not None or not aim.address:
        return meant
    behind = [
        (_length(aim.address, tunnel), peer)
        for peer in there
        for tunnel in peer.tunnels
        if is_behind(aim.address, tunnel)
    ]
    return max(behind, key=lambda item: item[0])[1] if behind else None


def is_behind(address: str, tunnel: Tunnel) -> bool:
    """Whether the address is in a block of the tunnel."""
    return _length(address, tunnel) >= 0


def near(text: str, names: Iterable[str]) -> list[str]:
    """Names that may have been meant."""
    return get_close_matches(text, sorted(set(names)), _MOST_NEAR)


def _length(address: str, tunnel: Tunnel) -> int:
    """That of the longest prefix of the tunnel around the address; -1 if there is none."""
    parsed = ip_address(address)
    around = [ip_network(block) for block in tunnel.blocks]
    return max((one.prefixlen for one in around if parsed in one), default=-1)
