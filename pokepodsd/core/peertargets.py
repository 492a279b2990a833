"""What is poked of a peer: an address behind each tunnel, and the node's own.

Owns the choice among the addresses that a tunnel has: after a burst without an answer, the next.
"""

from collections.abc import Iterator

from pokepodsd.core.addresses import pod_address
from pokepodsd.core.kernel import Tunnel
from pokepodsd.core.model import Family, Layer, Target, TargetId
from pokepodsd.core.peers import Peer
from pokepodsd.core.sights import tunnel_target, underlay_target


class PeerTargets:
    """The targets of peers, by what this host can and may poke."""

    def __init__(self, families: frozenset[Family]) -> None:
        self._families = families
        self._tries: dict[TargetId, int] = {}
        self._sent_to_others: dict[TargetId, int] = {}
        self.own_addresses: frozenset[str] = frozenset()
        """The addresses of this host, which are never targets."""

    def of(self, peer: Peer) -> Iterator[Target]:
        """One for each tunnel that has an address to poke, and one for the node."""
        for tunnel in peer.tunnels:
            if (address := self._address(tunnel)) is not None:
                yield Target(
                    id=tunnel_target(tunnel.id),
                    name=tunnel.device,
                    node=peer.node,
                    address=address,
                    family=tunnel.family,
                    host=peer.address or "",
                    layer=Layer.TUNNEL,
                )
        if peer.address is not None and self._may_poke(peer.address):
            yield Target(
                id=underlay_target(peer.address),
                node=peer.node,
                address=peer.address,
                family=Family.of(peer.address),
                host=peer.address,
                layer=Layer.UNDERLAY,
            )

    def try_next(self, peer: Peer, target_id: TargetId, *, sent: int) -> Target | None:
        """The tunnel's target with another address: a block's first need not be anybody's.

        ``sent`` is how many pokes left for those that it had until now.
        """
        self._tries[target_id] = self._tries.get(target_id, 0) + 1
        self._sent_to_others[target_id] = sent
        return next((one for one in self.of(peer) if one.id == target_id), None)

    def sent_to_others(self, target_id: TargetId) -> int:
        """How many pokes left for addresses that it had before."""
        return self._sent_to_others.get(target_id, 0)

    def is_untried(self, peer: Peer, target_id: TargetId) -> bool:
        """Whether the address that it has now was not tried before."""
        tries = self._tries.get(target_id, 0)
        return any(
            tries < len(tunnel.addresses)
            for tunnel in peer.tunnels
            if tunnel_target(tunnel.id) == target_id
        )

    def forget(self, target_id: TargetId) -> None:
        """A target is withdrawn."""
        self._tries.pop(target_id, None)
        self._sent_to_others.pop(target_id, None)

    def _address(self, tunnel: Tunnel) -> str | None:
        usable = [address for address in tunnel.addresses if self._may_poke(address)]
        tries = self._tries.get(tunnel_target(tunnel.id), 0)
        return usable[tries % len(usable)] if usable else None

    def _may_poke(self, address: str) -> bool:
        found = pod_address(address)
        return (
            found is not None and address not in self.own_addresses and found[1] in self._families
        )
