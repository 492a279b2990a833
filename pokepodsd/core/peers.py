"""Tunnels by the kernel and pods by the API, folded into one set of peers.

Owns which nodes are peers, and what is known of each: its name, its own address, the tunnels to
it. Either source alone is enough. A tunnel belongs to the node whose own address is at its far
end; where that is not known, to the node with the most pods in its blocks. The peers are a
function of what is known at the moment, whatever came first.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, ValuesView
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NewType

from pokepodsd.core import indexes
from pokepodsd.core.addresses import numbered, pod_address
from pokepodsd.core.kernel import Tunnel, TunnelId
from pokepodsd.core.model import NodeName, Target, TargetId

PeerId = NewType("PeerId", str)
_Block = tuple[int, int, int]
"""IP version, prefix length, and the leading bits as a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another node.

    Its ``id`` is the node's name, else its own address, else that of its tunnel: what is known.
    ``address`` is the node's own one, for the underlay.
    """

    id: PeerId
    node: NodeName | None
    address: str | None
    tunnels: tuple[Tunnel, ...]

    def __str__(self) -> str:
        if self.node is not None:
            return f"{self.node} ({self.address})" if self.address else str(self.node)
        if self.address is not None:
            return self.address
        return f"the node behind {self.tunnels[0].blocks[0]}"


@dataclass(slots=True)
class PeerDelta:
    """What changed: ``renamed`` are peers that are known by another id from now on, old to new."""

    added: list[Peer] = field(default_factory=list)
    changed: list[Peer] = field(default_factory=list)
    withdrawn: list[Peer] = field(default_factory=list)
    renamed: dict[PeerId, PeerId] = field(default_factory=dict)


class PeerBook:
    """The peers there are."""

    def __init__(self) -> None:
        self._own_node: NodeName | None = None
        self._own_addresses: frozenset[str] = frozenset()
        self._tunnels: dict[TunnelId, Tunnel] = {}
        self._pods: dict[TargetId, Target] = {}
        self._hosts: dict[NodeName, Counter[str]] = {}
        self._nodes_at: dict[str, Counter[NodeName]] = {}
        self._population: dict[_Block, Counter[NodeName]] = {}
        self._lengths: Counter[tuple[int, int]] = Counter()
        # Tuples, since nearly all are of one, for which a set takes four times the memory.
        self._far_ends: dict[str, tuple[TunnelId, ...]] = {}
        self._behind: dict[_Block, tuple[TunnelId, ...]] = {}
        self._owner: dict[TunnelId, PeerId] = {}
        self._members: dict[PeerId, tuple[TunnelId, ...]] = {}
        self._peers: dict[PeerId, Peer] = {}
        self._dirty_tunnels: set[TunnelId] = set()
        self._dirty_peers: set[PeerId] = set()

    def __len__(self) -> int:
        return len(self._peers)

    def get(self, peer_id: PeerId) -> Peer | None:
        """The peer, if it exists."""
        return self._peers.get(peer_id)

    def all(self) -> ValuesView[Peer]:
        """Every peer there is."""
        return self._peers.values()

    def owner(self, tunnel_id: TunnelId) -> Peer | None:
        """The peer that a tunnel leads to."""
        owner = self._owner.get(tunnel_id)
        return self._peers.get(owner) if owner is not None else None

    def set_own(self, node: NodeName | None, addresses: frozenset[str]) -> None:
        """This host itself, which is no peer."""
        if (node, addresses) == (self._own_node, self._own_addresses):
            return
        others = addresses ^ self._own_addresses
        names = {name for name in (node, self._own_node) if name is not None}
        names.update(name for address in others for name in self._nodes_at.get(address, ()))
        self._own_node, self._own_addresses = node, addresses
        for address in others:
            self._dirty_tunnels.update(self._far_ends.get(address, ()))
        self._doubt_owners(names)

    def put_tunnel(self, tunnel: Tunnel) -> None:
        """A tunnel is new or different."""
        blocks = [_block(prefix) for prefix in tunnel.blocks]
        for version, length, _ in blocks:
            self._count_length(version, length, 1)
        self.drop_tunnel(tunnel.id)
        self._tunnels[tunnel.id] = tunnel
        if tunnel.underlay is not None:
            indexes.insert(self._far_ends, tunnel.underlay, tunnel.id)
        for block in blocks:
            indexes.insert(self._behind, block, tunnel.id)

    def drop_tunnel(self, tunnel_id: TunnelId) -> None:
        """A tunnel is gone."""
        self._dirty_tunnels.add(tunnel_id)
        tunnel = self._tunnels.pop(tunnel_id, None)
        if tunnel is None:
            return
        if tunnel.underlay is not None:
            indexes.discard(self._far_ends, tunnel.underlay, tunnel_id)
        for block in map(_block, tunnel.blocks):
            indexes.discard(self._behind, block, tunnel_id)
            self._count_length(block[0], block[1], -1)

    def put_pods(self, targets: Iterable[Target]) -> None:
        """Pods that are new, or different."""
        for target in targets:
            self._forget(target.id)
            if target.node is not None:
                self._pods[target.id] = target
                self._count(target, target.node, 1)

    def drop_pods(self, targets: Iterable[Target]) -> None:
        """Pods that are gone."""
        for target in targets:
            self._forget(target.id)

    @property
    def has_news(self) -> bool:
        """Whether `settle` has something to do."""
        return bool(self._dirty_tunnels or self._dirty_peers)

    def settle(self, most: int | None = None) -> PeerDelta:
        """What changed since the last time; of many tunnels and peers so many at a time."""
        delta = PeerDelta()
        moved: dict[PeerId, set[PeerId]] = defaultdict(set)
        later = indexes.cut(self._dirty_tunnels, most)
        # A peer is looked at with its tunnels, so that its new name is known for the old one's.
        peers_later = set(self._dirty_peers) if later else indexes.cut(self._dirty_peers, most)
        self._dirty_peers -= peers_later
        for tunnel_id in self._dirty_tunnels:
            before, after = self._owner.pop(tunnel_id, None), self._find_owner(tunnel_id)
            if before is not None:
                indexes.discard(self._members, before, tunnel_id)
                self._dirty_peers.add(before)
            if after is not None:
                self._owner[tunnel_id] = after
                indexes.insert(self._members, after, tunnel_id)
                self._dirty_peers.add(after)
                if before is not None and before != after:
                    moved[before].add(after)
        for peer_id in sorted(self._dirty_peers):
            self._settle_peer(peer_id, delta)
        gone = {peer.id for peer in delta.withdrawn}
        delta.renamed = {old: min(new) for old, new in sorted(moved.items()) if old in gone}
        self._dirty_tunnels, self._dirty_peers = later, peers_later - self._dirty_peers
        return delta

    def _settle_peer(self, peer_id: PeerId, delta: PeerDelta) -> None:
        before, after = self._peers.get(peer_id), self._make(peer_id)
        if before == after:
            return
        if after is None:
            # It is different from what was, so that there was one.
            delta.withdrawn.append(self._peers.pop(peer_id))
            return
        self._peers[peer_id] = after
        (delta.added if before is None else delta.changed).append(after)

    def _make(self, peer_id: PeerId) -> Peer | None:
        tunnels = [self._tunnels[one] for one in sorted(self._members.get(peer_id, ()))]
        name = NodeName(peer_id)
        node = name if name in self._hosts else None
        if not tunnels and (node is None or self._is_own(node)):
            return None
        far_ends = [tunnel.underlay for tunnel in tunnels if tunnel.underlay is not None]
        # What a pod's status names as its node's address is anybody's who may write that.
        known = far_ends or [host for host in self._hosts.get(name, ()) if pod_address(host)]
        address = min(known, key=_by_family, default=None)
        return Peer(id=peer_id, node=node, address=address, tunnels=tuple(tunnels))

    def _is_own(self, node: NodeName) -> bool:
        return node == self._own_node or not self._own_addresses.isdisjoint(
            self._hosts.get(node, ())
        )

    def _find_owner(self, tunnel_id: TunnelId) -> PeerId | None:
        tunnel = self._tunnels.get(tunnel_id)
        if tunnel is None or tunnel.underlay in self._own_addresses:
            return None
        there = self._nodes_at.get(tunnel.underlay or "", Counter())
        name = min(there, default=None)
        if name is None:
            inside: Counter[NodeName] = Counter()
            for block in map(_block, tunnel.blocks):
                inside.update(self._population.get(block, {}))
            name = _leader({node: n for node, n in inside.items() if not self._is_own(node)})
        return PeerId(name or tunnel.underlay or tunnel_id)

    def _forget(self, target_id: TargetId) -> None:
        target = self._pods.pop(target_id, None)
        if target is not None and target.node is not None:
            self._count(target, target.node, -1)

    def _count(self, target: Target, node: NodeName, by: int) -> None:
        if indexes.shift(self._hosts, node, target.host, by):
            self._dirty_peers.add(PeerId(node))
            if target.host in self._own_addresses:
                # Whose name it is shows only now: none of its pods names a peer.
                self._doubt_owners({node})
        if target.host and indexes.shift(self._nodes_at, target.host, node, by):
            self._dirty_tunnels.update(self._far_ends.get(target.host, ()))
        version, bits, number = numbered(target.address)
        for among, length in self._lengths:
            if among == version:
                block = (version, length, number >> (bits - length))
                indexes.shift(self._population, block, node, by)
                self._dirty_tunnels.update(filter(self._hangs_on_pods, self._behind.get(block, ())))

    def _doubt_owners(self, names: AbstractSet[NodeName]) -> None:
        """Whether these are this host's own has changed, and so whose pods count for a tunnel."""
        self._dirty_peers |= {PeerId(name) for name in names}
        for block, there in self._population.items():
            if not names.isdisjoint(there):
                self._dirty_tunnels.update(self._behind.get(block, ()))

    def _hangs_on_pods(self, tunnel_id: TunnelId) -> bool:
        """Whether a tunnel's node is the one of the pods behind it: its far end is no node's."""
        return self._tunnels[tunnel_id].underlay not in self._nodes_at

    def _count_length(self, version: int, length: int, by: int) -> None:
        """Pods are counted by the lengths of prefix that there are: one or two."""
        before = self._lengths[version, length]
        self._lengths[version, length] += by
        if before == 0:
            for target in self._pods.values():
                among, bits, number = numbered(target.address)
                if target.node is not None and among == version:
                    block = (version, length, number >> (bits - length))
                    indexes.shift(self._population, block, target.node, 1)
        elif before + by == 0:
            del self._lengths[version, length]
            for block in [one for one in self._population if one[:2] == (version, length)]:
                del self._population[block]


def _leader(counter: Mapping[NodeName, int]) -> NodeName | None:
    """The most frequent, of several the first by name."""
    return min(counter, key=lambda name: (-counter[name], name), default=None)


def _by_family(address: str) -> tuple[bool, str]:
    return (":" in address, address)


def _block(prefix: str) -> _Block:
    address, _, length = prefix.partition("/")
    version, bits, number = numbered(address)
    return (version, int(length), number >> (bits - int(length)))
