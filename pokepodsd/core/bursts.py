"""When a peer's tunnel is asked at once, beside its turns.

Owns the bursts: whatever fails or comes back on one layer of a peer is a reason to ask its tunnel,
and where a tunnel fails, its node and some other peers are asked too.
"""

import heapq
from collections.abc import Iterable
from zlib import crc32

from pokepodsd.core.health import Record
from pokepodsd.core.model import SECOND_NS, Health, Layer, MonotonicNs
from pokepodsd.core.peers import Peer
from pokepodsd.core.poking import BURST_LENGTH, Poking
from pokepodsd.core.sights import tunnel_target, underlay_target

# Other peers that are asked when one falls silent, to see whether it is this node: enough to tell,
# and not a storm among 5,000.
WITNESSES = 20
_WITNESSES_EVERY_NS = 5 * SECOND_NS
# Of an address that did answer, another is tried when the fault has long been told.
_LONG = 3 * BURST_LENGTH


class Bursts:
    """Asks what there is reason to ask."""

    def __init__(self, poking: Poking, now: MonotonicNs) -> None:
        self._poking = poking
        self._next_witnesses = now
        self._times = 0

    def after_failure(self, peer: Peer, record: Record) -> None:
        """A target of the peer failed once more in a row."""
        target = record.target
        is_first = record.failures == 1
        match target.layer:
            case Layer.TUNNEL:
                if is_first:
                    self._poking.burst(Layer.TUNNEL, target.id)
                # Beside the first, and then one for one: a burst of five beside each fifth.
                if is_first or record.failures % BURST_LENGTH == 0:
                    self._ask_underlay(peer)
            case Layer.UNDERLAY if is_first:
                self._poking.burst(Layer.UNDERLAY, target.id)
                self._ask_tunnels(peer)
            case Layer.POD if is_first:
                self._ask_beneath(peer, record.unanswered_since_ns or 0)
            case _:
                pass

    def after_return(self, peer: Peer) -> None:
        """Something of the peer answers again: ask what else of it does not.

        What was never asked, as every node's own address at a start, does not go before pods that
        wait for their first poke.
        """
        are_pods_waiting = self._poking.lanes[Layer.POD].has_unpoked
        for record in (*self.records(peer), *self._underlay(peer)):
            if record.health is not Health.UP and (record.sent or not are_pods_waiting):
                self._poking.burst(record.target.layer, record.target.id)

    def ask_witnesses(self, peers: Iterable[Peer], now: MonotonicNs, *, is_cut_off: bool) -> None:
        """Ask some other peers, others each time.

        Not those that have their turns next: a rack's nodes stand together in the round too.
        """
        if now < self._next_witnesses:
            return
        self._next_witnesses = MonotonicNs(now + _WITNESSES_EVERY_NS)
        self._times += 1
        asked = heapq.nsmallest(
            WITNESSES,
            (
                record
                for peer in peers
                for record in self.records(peer)
                if is_cut_off or not record.failures
            ),
            key=lambda record: crc32(f"{self._times} {record.target.id}".encode()),
        )
        for record in asked:
            self._poking.burst(Layer.TUNNEL, record.target.id)

    def records(self, peer: Peer) -> list[Record]:
        """The beliefs about a peer's tunnels."""
        found = (
            self._poking.get(Layer.TUNNEL, tunnel_target(tunnel.id)) for tunnel in peer.tunnels
        )
        return [record for record in found if record is not None]

    def _ask_beneath(self, peer: Peer, since_ns: int) -> None:
        """A pod fails since then: ask its tunnel, or the node, unless that answered meanwhile."""
        for record in self.records(peer) or self._underlay(peer):
            if (record.replied_ns or 0) < since_ns:
                self._poking.burst(record.target.layer, record.target.id)

    def _underlay(self, peer: Peer) -> list[Record]:
        record = self._poking.get(Layer.UNDERLAY, underlay_target(peer.address or ""))
        return [] if record is None else [record]

    def _ask_tunnels(self, peer: Peer) -> None:
        for record in self.records(peer):
            self._poking.burst(Layer.TUNNEL, record.target.id)

    def _ask_underlay(self, peer: Peer) -> None:
        if peer.address is not None:
            self._poking.burst(Layer.UNDERLAY, underlay_target(peer.address))


def is_futile(record: Record, ordinal: int) -> bool:
    """Whether a burst was lost to an address that never answered, or does not for long."""
    if record.answered == 0:
        return ordinal % BURST_LENGTH == 0
    return record.failures >= _LONG and record.failures % BURST_LENGTH == 0
