"""The peers at work: from the kernel's routes and the API's pods to pokes and verdicts.

Owns which tunnels and nodes are targets, and to which peer each belongs.
"""

from collections.abc import ValuesView

from pokepodsd.core import indexes
from pokepodsd.core.assessment import Assessment
from pokepodsd.core.bulletin import Bulletin
from pokepodsd.core.bursts import Bursts, is_futile
from pokepodsd.core.config import TunnelsConfig
from pokepodsd.core.entries import Entry
from pokepodsd.core.health import Record, Standing
from pokepodsd.core.inventory import Delta
from pokepodsd.core.kernel import KernelEvent
from pokepodsd.core.model import (
    SECOND_NS,
    Health,
    Layer,
    MonotonicNs,
    NodeName,
    Outcome,
    OutcomeKind,
    Target,
    TargetId,
    Transition,
)
from pokepodsd.core.peernews import Opening
from pokepodsd.core.peers import Peer, PeerBook, PeerId
from pokepodsd.core.peertargets import PeerTargets
from pokepodsd.core.poking import UNDERLAY_INTERVALS, Held, Poking
from pokepodsd.core.routes import RouteBook
from pokepodsd.core.sights import View, tunnel_target, view
from pokepodsd.core.traffic import Traffic

# While a long cut-off ends, one peer after the other answers.
_BURST_EVERY_NS = 10 * SECOND_NS
# One lost packet does not make a tunnel that had been shut.
_SHUT = 2
# Of many peers that change at once, as when the pods tell their names, so many in one turn: 15 ms.
_MOST_SETTLED = 150


class Peering:
    """The peers, their targets, and what is believed of them."""

    def __init__(self, poking: Poking, config: TunnelsConfig, now: MonotonicNs) -> None:
        self._poking = poking
        self._round_ns = UNDERLAY_INTERVALS * config.interval_ns
        self._routes = RouteBook(config.devices)
        self._book = PeerBook()
        self._wanted: dict[PeerId, dict[TargetId, Target]] = {}
        self._claims: dict[TargetId, tuple[PeerId, ...]] = {}
        self._targets = PeerTargets(poking.flights.families)
        self._opened: set[TargetId] = set()
        self._bursts = Bursts(poking, now)
        self._next_burst: int = now
        self._uncovered: dict[NodeName, bool] = {}
        self._on_hold: frozenset[PeerId] = frozenset()
        self._has_news = self._has_other_addresses = False
        self._is_first = True
        self.assessment = Assessment(self._look, now)
        self.bulletin = Bulletin()
        self.traffic = Traffic()

    def all(self) -> ValuesView[Peer]:
        """Every peer there is."""
        return self._book.all()

    def get(self, peer_id: PeerId) -> Peer | None:
        """The peer, if it exists."""
        return self._book.get(peer_id)

    def reconfigure(self, config: TunnelsConfig) -> None:
        """Take another pace, and other devices that count as tunnels."""
        self._round_ns = UNDERLAY_INTERVALS * config.interval_ns
        self._routes.set_devices(config.devices)
        self._has_news = True

    def set_own(self, node: NodeName | None, addresses: frozenset[str]) -> None:
        """This host itself."""
        if addresses != self._targets.own_addresses:
            self._targets.own_addresses = addresses
            self._has_other_addresses = True
        self._book.set_own(node, addresses)
        self._has_news = True

    def take(self, event: KernelEvent, now: MonotonicNs) -> None:
        """Take one thing that the kernel said."""
        self._routes.take(event)
        self.bulletin.take_link(event, now)
        self._has_news = True

    def take_pods(self, delta: Delta) -> None:
        """Take a change of the pods that there are, poked or not."""
        self._book.drop_pods(delta.withdrawn)
        self._book.put_pods((*delta.changed, *delta.added))
        self._has_news = True

    def settle(self, now: MonotonicNs) -> None:
        """Let what was taken have its effect on what is poked."""
        if not self._has_news:
            return
        self._has_news = False
        tunnels = self._routes.settle()
        for tunnel in tunnels.withdrawn:
            self._book.drop_tunnel(tunnel.id)
        for tunnel in (*tunnels.added, *tunnels.changed):
            self._book.put_tunnel(tunnel)
        self._settle_peers(now)
        for tunnel in (*tunnels.changed, *tunnels.revived):
            self._poking.burst(Layer.TUNNEL, tunnel_target(tunnel.id))

    def _settle_peers(self, now: MonotonicNs) -> None:
        peers = self._book.settle(None if self._is_first else _MOST_SETTLED)
        self._is_first = False
        self._has_news = self._book.has_news
        for old, new in peers.renamed.items():
            self.assessment.rename(old, new)
            self.traffic.rename(old, new)
        # What may be poked of a peer depends on the addresses of this host.
        different = (*peers.added, *peers.changed)
        for peer in self._book.all() if self._has_other_addresses else different:
            self._put_peer(peer, now)
        self._has_other_addresses = False
        for peer in peers.withdrawn:
            self._drop_peer(peer, now)
            if peer.id not in peers.renamed:
                self.bulletin.note_gone(peer, now)
        if self._on_hold:
            self.hold(frozenset(peers.renamed.get(one, one) for one in self._on_hold))

    def burst_all(self) -> None:
        """Poke every tunnel at once, under the cap: this host slept, or was cut off."""
        for tunnel in self._routes.all():
            self._poking.burst(Layer.TUNNEL, tunnel_target(tunnel.id))

    def judged(
        self, outcome: Outcome, record: Record, before: Standing, transition: Transition | None
    ) -> None:
        """One Outcome changed ``record`` from ``before``: what it means for its peer."""
        peer = self._peer_of(record.target)
        if peer is None:
            return
        self.traffic.note(peer, outcome)
        if outcome.kind is OutcomeKind.REPLIED:
            self._note_reply(peer, outcome, before, transition)
            if before.failures or transition is not None:
                self.assessment.touch(peer.id)
            return
        if record.target.layer is Layer.TUNNEL and is_futile(record, outcome.probe.ordinal):
            self._try_next(peer, record)
        if record.failures > before.failures:
            self._bursts.after_failure(peer, record)
            self.assessment.touch(peer.id)

    def tick(self, now: MonotonicNs) -> list[Entry]:
        """Decide what is due, and tell it."""
        self.assessment.tick(now)
        if self.assessment.are_all_wanted and now >= self._next_burst:
            self.assessment.are_all_wanted = False
            self._next_burst = now + _BURST_EVERY_NS
            self.burst_all()
        if self.assessment.are_witnesses_wanted:
            self.assessment.are_witnesses_wanted = False
            is_cut_off = self.assessment.isolation.is_on
            self._bursts.ask_witnesses(self._book.all(), now, is_cut_off=is_cut_off)
        entries = []
        if self._routes.is_complete and not self._has_news:
            entries += self.bulletin.tunnels_found(self._book.all())
        return entries + self.bulletin.flush(self.assessment, now, round_ns=self._round_ns)

    def take_uncovered(self) -> dict[NodeName, bool]:
        """Nodes to which no tunnel is known any more (True), or is again; each told once."""
        uncovered, self._uncovered = self._uncovered, {}
        return uncovered

    def has_tunnel(self, node: NodeName | None) -> bool:
        """Whether the kernel shows a tunnel to this node."""
        peer = self._book.get(PeerId(node or ""))
        return peer is not None and bool(peer.tunnels)

    def finish(self, now: MonotonicNs) -> list[Entry]:
        """Everything that is held back, whatever its time."""
        return self.bulletin.flush(self.assessment, now, round_ns=None)

    def next_due(self) -> MonotonicNs | None:
        """When `tick` or `settle` has something to do."""
        if self._has_news:
            return MonotonicNs(0)
        times = (self.assessment.next_due(), self.bulletin.next_due())
        return min((time for time in times if time is not None), default=None)

    def hold(self, peers: frozenset[PeerId]) -> None:
        """Send nothing through the tunnels to these peers, and through all others again."""
        self._on_hold = self.assessment.on_hold = peers
        found = [peer for one in peers if (peer := self._book.get(one)) is not None]
        tunnels = (tunnel_target(tunnel.id) for peer in found for tunnel in peer.tunnels)
        nodes = (peer.node for peer in found if peer.node is not None)
        self._poking.hold(Held(frozenset(tunnels), frozenset(nodes)))

    def find(self, text: str) -> list[Peer]:
        """The peers that a person means: by name, by address, or "all"."""
        return [
            peer
            for peer in self._book.all()
            if text == "all"
            or text in {peer.id, peer.node, peer.address}
            or any(text in {*one.addresses, *one.blocks} for one in peer.tunnels)
        ]

    def _look(self, peer: Peer) -> View:
        return view(peer, self._poking.books)

    def _peer_of(self, target: Target) -> Peer | None:
        if target.layer is Layer.POD:
            return self._book.get(PeerId(target.node or ""))
        owner = min(self._claims.get(target.id, ()), default=None)
        return None if owner is None else self._book.get(owner)

    def _put_peer(self, peer: Peer, now: MonotonicNs) -> None:
        self.bulletin.note_back(peer.id)
        self._want(peer.id, {target.id: target for target in self._targets.of(peer)}, now)
        if peer.node is not None:
            self._uncovered[peer.node] = not peer.tunnels
        self.assessment.put(peer, now)

    def _drop_peer(self, peer: Peer, now: MonotonicNs) -> None:
        self._want(peer.id, {}, now)
        if peer.node is not None:
            self._uncovered[peer.node] = False
        self.assessment.drop(peer.id, now)
        self.traffic.drop(peer.id)

    def _want(self, peer_id: PeerId, wanted: dict[TargetId, Target], now: MonotonicNs) -> None:
        """Take what is to be poked of a peer; several may want one address for a while."""
        before = self._wanted.pop(peer_id, {})
        if wanted:
            self._wanted[peer_id] = wanted
        for target_id, target in before.items():
            if target_id not in wanted:
                indexes.discard(self._claims, target_id, peer_id)
                self._settle_target(target.layer, target_id, now)
        for target_id, target in wanted.items():
            indexes.insert(self._claims, target_id, peer_id)
            self._settle_target(target.layer, target_id, now)

    def _settle_target(self, layer: Layer, target_id: TargetId, now: MonotonicNs) -> None:
        """Poke it as the first of those who want it does, or not any more."""
        owner = min(self._claims.get(target_id, ()), default=None)
        record = self._poking.get(layer, target_id)
        if owner is None:
            self._targets.forget(target_id)
            self._opened.discard(target_id)
            self._poking.remove(layer, target_id)
            return
        target = self._wanted[owner][target_id]
        if record is None:
            self._poking.add(target, now)
        elif record.target != target:
            self._poking.change(target)

    def _try_next(self, peer: Peer, record: Record) -> None:
        before = record.target
        another = self._targets.try_next(peer, before.id, sent=record.sent)
        if another is None or another == before:
            return
        self._wanted[peer.id][before.id] = another
        self._poking.change(another)
        if record.answered == 0 and self._targets.is_untried(peer, before.id):
            self._poking.start_again(another)

    def _note_reply(
        self, peer: Peer, outcome: Outcome, before: Standing, transition: Transition | None
    ) -> None:
        target = outcome.probe.target
        if transition is not None:
            self._bursts.after_return(peer)
        if target.layer is not Layer.TUNNEL:
            return
        # Pokes that were lost to another address, which is nobody's, shut nothing.
        others = self._targets.sent_to_others(target.id)
        lost = max(0, outcome.probe.ordinal - max(before.answered, others) - 1)
        is_new = before.health is not Health.UP and lost > 0
        was_shut = before.failures >= _SHUT or is_new
        if was_shut:
            since_ns = before.unanswered_since_ns or outcome.at_ns
            opening = Opening(
                peer=peer,
                device=target.name,
                pokes=lost,
                took_ns=outcome.at_ns - since_ns,
                is_first=target.id not in self._opened,
            )
            self._opened.add(target.id)
            self.traffic.of(peer.id).opened += 1
            is_told = self.assessment.explains(peer.id, since_ns)
            self.bulletin.note_opening(opening, outcome.at_ns, is_told=is_told)
