"""What went through the tunnels to each peer, and through all of them: losses and round trips.

Owns which poke counts as one through a tunnel: one to the tunnel's own address, or to a pod where
the kernel shows no tunnel.
"""

from dataclasses import dataclass, field

from pokepodsd.core.model import Layer, Outcome, OutcomeKind
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.statistics import PokeWindow

# The median over all peers is of so many round trips.
_RECENT_OF_ALL = 1_001


@dataclass(slots=True)
class PeerTraffic:
    """Of one peer: its pokes, and how many tunnels answered after having been shut."""

    window: PokeWindow = field(default_factory=PokeWindow)
    opened: int = 0


class Traffic:
    """Of every peer."""

    def __init__(self) -> None:
        self.all = PokeWindow(recent=_RECENT_OF_ALL)
        self._by_peer: dict[PeerId, PeerTraffic] = {}

    def of(self, peer_id: PeerId) -> PeerTraffic:
        """That of one peer."""
        traffic = self._by_peer.get(peer_id)
        if traffic is None:
            traffic = self._by_peer[peer_id] = PeerTraffic()
        return traffic

    def note(self, peer: Peer, outcome: Outcome) -> None:
        """Count the end of one probe to something of a peer."""
        probe = outcome.probe
        layer = probe.target.layer
        if layer is Layer.UNDERLAY or (layer is Layer.POD and peer.tunnels):
            return
        is_reply = outcome.kind is OutcomeKind.REPLIED
        if not is_reply and (probe.opening or outcome.is_for_want_of_room):
            # The first pokes through a tunnel are lost by design, and what found no room here was
            # not lost on the way.
            return
        rtt_ns = outcome.rtt_ns if is_reply else None
        at_ns = outcome.at_ns
        self.all.note(rtt_ns, at_ns)
        traffic = self._by_peer.get(peer.id) or self.of(peer.id)
        traffic.window.note(rtt_ns, at_ns)

    def rename(self, old: PeerId, new: PeerId) -> None:
        """A peer is known by another id from now on."""
        if old in self._by_peer:
            self._by_peer.setdefault(new, self._by_peer.pop(old))

    def drop(self, peer_id: PeerId) -> None:
        """A peer is gone."""
        self._by_peer.pop(peer_id, None)
