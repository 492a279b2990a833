"""The peers and the states of their verdicts, through renames and short absences.

Owns that no verdict is lost by a peer that gets another name, or is gone for a moment.
"""

from collections import Counter

from pokepodsd.core.decisions import State
from pokepodsd.core.model import MonotonicNs
from pokepodsd.core.patience import GONE_NS, START_NS, YOUNG_NS
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.verdict import Verdict


class Cases:
    """Each peer with its state."""

    def __init__(self, now: MonotonicNs) -> None:
        self._started_ns = now
        self.peers: dict[PeerId, Peer] = {}
        self.states: dict[PeerId, State] = {}
        self.counts: Counter[Verdict] = Counter()
        """How many peers have which verdict, so that whoever asks need not look at all."""
        self._renamed: set[PeerId] = set()
        self._parked: dict[PeerId, tuple[State, MonotonicNs]] = {}

    def put(self, peer: Peer, now: MonotonicNs) -> None:
        """A peer is new, is back, or is different."""
        self.peers[peer.id] = peer
        if peer.id in self._parked:
            self._set(peer.id, self._parked.pop(peer.id)[0])
        elif peer.id not in self.states:
            is_of_start = now - self._started_ns < START_NS
            added_ns = now - YOUNG_NS if is_of_start else now
            state = State(added_ns=MonotonicNs(added_ns), failing_since_ns=now, told_ns=now)
            self._set(peer.id, state)
        state = self.states[peer.id]
        state.node = peer.node or state.node

    def rename(self, old: PeerId, new: PeerId) -> bool:
        """Keep what was told under the new id; whether it is the old one's.

        Of two that turn out to be one, the fault that was told stays.
        """
        known, state = self.states.get(new), self.states[old]
        if known is not None and (known.told.is_fault or not state.told.is_fault):
            return False
        self._set(new, state)
        self._renamed.add(old)
        return True

    def drop(self, peer_id: PeerId, now: MonotonicNs) -> None:
        """A peer is gone; its state is kept for a while."""
        del self.peers[peer_id]
        state = self.states.pop(peer_id)
        self.counts[state.told] -= 1
        if peer_id in self._renamed:
            self._renamed.discard(peer_id)
            return
        # If it comes back, it is suspected anew.
        state.decide_ns = state.suspected_ns = None
        self._parked[peer_id] = (state, now)

    def tell(self, peer_id: PeerId, verdict: Verdict, now: MonotonicNs) -> None:
        """This is the verdict on a peer from now on."""
        state = self.states[peer_id]
        self.counts[state.told] -= 1
        state.tell(verdict, now)
        self.counts[state.told] += 1

    def _set(self, peer_id: PeerId, state: State) -> None:
        if (known := self.states.get(peer_id)) is not None:
            self.counts[known.told] -= 1
        self.states[peer_id] = state
        self.counts[state.told] += 1

    def forget(self, now: MonotonicNs) -> None:
        """Let go of those that stayed away."""
        for peer_id in [one for one, (_, at) in self._parked.items() if now - at > GONE_NS]:
            del self._parked[peer_id]
