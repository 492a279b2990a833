"""One verdict a peer: when it is certain, told once; and when it is this node instead.

Owns the state of each peer's verdict and the time that it takes. A fault is decided some seconds
after a tunnel fell silent, so that the underlay and the other peers have been asked meanwhile:
where most of them fail too, this node is cut off, and no peer is blamed.
"""

from collections.abc import Callable, Iterator

from pokepodsd.core.cases import Cases
from pokepodsd.core.decisions import Decision, Mood, State
from pokepodsd.core.inquiries import SAMPLES, Inquiries
from pokepodsd.core.isolation import Isolation
from pokepodsd.core.kernel import Findings
from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName
from pokepodsd.core.patience import (
    CHANGE_NS,
    DECIDE_NS,
    DECISIONS_NS,
    INSPECTION_NS,
    PATIENCE_NS,
    RECONSIDER_NS,
    REVIEWS,
    UNDERLAY_NS,
    YOUNG_NS,
    is_node_back,
    judge_peer,
)
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.sights import View
from pokepodsd.core.verdict import Sight, Verdict, judge_heard


class Assessment:
    """The verdicts on all peers; ``counts`` is how many have which."""

    def __init__(self, look: Callable[[Peer], View], now: MonotonicNs) -> None:
        self._look = look
        self._cases = Cases(now)
        self.counts = self._cases.counts
        self._touched: dict[PeerId, None] = {}
        self._pending: set[PeerId] = set()
        self._next_decisions: int = now
        self._has_answered = False
        self.isolation = Isolation()
        self.decisions: list[Decision] = []
        self.inquiries = Inquiries()
        self.on_hold: frozenset[PeerId] = frozenset()
        """Peers that are not poked, because somebody asked."""
        self.are_all_wanted = False
        """Whether every tunnel is to be asked: this node was cut off."""
        self.are_witnesses_wanted = False
        """Whether the other peers are to be asked, to see who is to blame."""

    def explains(self, peer_id: PeerId, since_ns: MonotonicNs) -> bool:
        """Whether an outage since then is, or was, told as that of the peer or of this node."""
        return self._cases.states[peer_id].explains(since_ns) or self.isolation.explains(since_ns)

    def told_of(self, peer_id: PeerId) -> tuple[Verdict, MonotonicNs]:
        """The verdict on one peer, and since when it holds."""
        state = self._cases.states[peer_id]
        return state.told, state.told_ns

    def told(self) -> Iterator[tuple[PeerId, Verdict, MonotonicNs]]:
        """The verdicts on all peers, with since when each holds."""
        for peer_id, state in self._cases.states.items():
            yield peer_id, state.told, state.told_ns

    def excuse(self, peer_id: PeerId) -> str:
        """Why, as the API says, what was told of this peer is no alarm, or ""."""
        state = self._cases.states[peer_id]
        return state.excuse if state.is_quiet and state.told.is_fault else ""

    def put(self, peer: Peer, now: MonotonicNs) -> None:
        """A peer is new, or different."""
        self._cases.put(peer, now)
        self.touch(peer.id)

    def rename(self, old: PeerId, new: PeerId) -> None:
        """A peer is known by another id from now on; what was told of it stays."""
        if self._cases.rename(old, new) and old in self._pending:
            self._pending.add(new)

    def drop(self, peer_id: PeerId, now: MonotonicNs) -> None:
        """A peer is gone; if it is back within `GONE_NS`, what was told of it stays."""
        self._cases.drop(peer_id, now)
        self._pending.discard(peer_id)
        self._touched.pop(peer_id, None)

    def touch(self, peer_id: PeerId) -> None:
        """Something about a peer's layers has changed."""
        self._touched.setdefault(peer_id)

    def inspected(self, peer_id: PeerId, findings: Findings) -> None:
        """What the kernel says, as it was asked for."""
        if (state := self._cases.states.get(peer_id)) is not None:
            state.findings.append(findings)

    def looked_up(self, node: NodeName, excuse: str) -> None:
        """What the API says of a node: why an alarm about it would be a false one, or ""."""
        for state in self._cases.states.values():
            if state.node == node:
                state.is_looked_up = True
                state.excuse = excuse

    def mood(self, node: NodeName | None, since_ns: int) -> Mood:
        """What to do with changes of belief about a node's pods, by a poke that left then."""
        peer_id = PeerId(node or "")
        state = self._cases.states.get(peer_id)
        if state is None:
            return Mood.CLEAR
        view = self._look(self._cases.peers[peer_id])
        passes = view.tunnel is Sight.ANSWERS and not view.is_doubtful
        is_explained = state.explains(since_ns) or self.isolation.is_past(since_ns)
        if is_explained or (self.isolation.is_on and not passes):
            return Mood.MUFFLED
        is_opening = view.tunnel is Sight.UNSURE and view.record is not None
        if state.suspected_ns is not None or view.is_doubtful or is_opening:
            return Mood.WAIT
        return Mood.CLEAR

    def tick(self, now: MonotonicNs) -> None:
        """Review what was touched, and decide what is due."""
        for peer_id in sorted([*self._touched][:REVIEWS]):
            del self._touched[peer_id]
            self._review(peer_id, now)
        self._cases.forget(now)
        if now < self._next_decisions:
            return
        self._next_decisions = now + (RECONSIDER_NS if self.isolation.is_on else DECISIONS_NS)
        if self.isolation.is_on:
            self._reconsider(now)
        else:
            self._decide_all(now)

    def next_due(self) -> MonotonicNs | None:
        """When `tick` has something to decide."""
        if self._touched:
            return MonotonicNs(0)
        if not self._pending:
            return None
        earliest = min(self._cases.states[one].decide_ns or 0 for one in self._pending)
        return MonotonicNs(max(earliest, self._next_decisions))

    def _reconsider(self, now: MonotonicNs) -> None:
        """This node is cut off: see whether it is over; whoever answers has all others asked."""
        self.are_all_wanted |= self._has_answered
        self._has_answered = False
        if self.isolation.end(self._untold(now), now):
            self.are_all_wanted = True
            for peer_id in list(self._pending):
                self._schedule(peer_id, now + DECIDE_NS)

    def _decide_all(self, now: MonotonicNs) -> None:
        due = self._due(now)
        if new := [one for one in due if self._is_new_fault(one, now)]:
            since_ns = min(self._cases.states[one].failing_since_ns for one in new)
            if self.isolation.begin(self._untold(now), since_ns, now):
                return
        for peer_id in due:
            self._decide(self._cases.peers[peer_id], self._cases.states[peer_id], now)

    def _is_new_fault(self, peer_id: PeerId, now: MonotonicNs) -> bool:
        state = self._cases.states[peer_id]
        is_young = now < state.added_ns + YOUNG_NS
        return state.suspected_ns is not None and not state.told.is_fault and not is_young

    def _due(self, now: MonotonicNs) -> list[PeerId]:
        states = self._cases.states
        return sorted(one for one in self._pending if (states[one].decide_ns or 0) <= now)

    def _review(self, peer_id: PeerId, now: MonotonicNs) -> None:
        peer = self._cases.peers.get(peer_id)
        if peer is None:
            return
        state, view = self._cases.states[peer_id], self._look(peer)
        if view.is_doubtful or view.tunnel is Sight.SILENT:
            self.inquiries.inspect(peer, state, view)
        seen = view.tunnel
        if seen is Sight.SILENT:
            self._suspect(peer, state, view, now)
        elif seen is Sight.ANSWERS or (seen is Sight.UNKNOWN and is_node_back(state, view)):
            self._acquit(peer, state, view, now)

    def _suspect(self, peer: Peer, state: State, view: View, now: MonotonicNs) -> None:
        if not state.told.is_fault:
            if state.suspected_ns is None:
                state.suspected_ns = now
                state.filtered_ns = None
                self._schedule(peer.id, None)
                state.failing_since_ns = view.failing_since_ns or now
                self.are_witnesses_wanted = not self.isolation.is_on
            if state.decide_ns is None:
                self._schedule(peer.id, now + DECIDE_NS)
        elif judge_peer(state, view) in {None, state.told}:
            self._schedule(peer.id, None)
        elif state.decide_ns is None:
            self._schedule(peer.id, now + CHANGE_NS)

    def _acquit(self, peer: Peer, state: State, view: View, now: MonotonicNs) -> None:
        self._has_answered = True
        verdict = judge_heard(underlay=view.underlay, tunnel=view.tunnel, pods=view.pods)
        state.suspected_ns = None
        if not view.is_doubtful:
            state.forget()
        if view.underlay is Sight.ANSWERS:
            state.is_filtered = False
        if verdict is Verdict.UNDERLAY_FILTERED and not state.is_filtered:
            if state.filtered_ns is None:
                state.filtered_ns = now
                self._schedule(peer.id, now + PATIENCE_NS)
            verdict = Verdict.OK
        else:
            state.filtered_ns = None
            self._schedule(peer.id, None)
        is_filtered = verdict is Verdict.UNDERLAY_FILTERED
        if state.told.is_fault:
            self._tell(peer, state, Verdict.OK if is_filtered else verdict, view, now)
        elif state.told is Verdict.UNDERLAY_FILTERED and not is_filtered:
            self._tell(peer, state, verdict, view, now)
        self._cases.tell(peer.id, verdict, now)

    def _decide(self, peer: Peer, state: State, now: MonotonicNs) -> None:
        view = self._look(peer)
        verdict = judge_peer(state, view)
        if verdict is None:
            if now < (state.suspected_ns or now) + UNDERLAY_NS:
                self._schedule(peer.id, now + INSPECTION_NS)
                return
            verdict = Verdict.TUNNEL_BROKEN
        if verdict is Verdict.UNDERLAY_FILTERED:
            if view.contrasts_since(state.filtered_ns or now):
                self._tell(peer, state, verdict, view, now)
            else:
                self._schedule(peer.id, now + PATIENCE_NS)
        elif not verdict.is_fault or verdict is state.told:
            self._schedule(peer.id, None)
        elif now < state.added_ns + YOUNG_NS:
            self._schedule(peer.id, state.added_ns + YOUNG_NS)
        elif peer.id in self.on_hold or not self.isolation.is_news(view.failed_ns):
            # Not poked, or not since this node was cut off: it may pass meanwhile.
            self._schedule(peer.id, now + SECOND_NS)
        elif verdict is Verdict.TUNNEL_BROKEN and state.asked < SAMPLES:
            self.inquiries.inspect(peer, state, view, is_decision=True)
            self.inquiries.look_up(state, now)
            self._schedule(peer.id, now + INSPECTION_NS)
        elif self.inquiries.look_up(state, now):
            self._schedule(peer.id, now + INSPECTION_NS)
        else:
            self._tell(peer, state, verdict, view, now)

    def _tell(
        self, peer: Peer, state: State, verdict: Verdict, view: View, now: MonotonicNs
    ) -> None:
        decision = Decision(
            peer=peer,
            verdict=verdict,
            before=state.told,
            view=view,
            since_ns=state.failing_since_ns,
            findings=tuple(state.findings),
            excuse=state.excuse,
            is_quiet=state.is_quiet,
        )
        self.decisions.append(decision)
        state.is_filtered |= verdict is Verdict.UNDERLAY_FILTERED
        if verdict.is_fault:
            state.is_quiet = bool(state.excuse)
        elif state.told.is_fault:
            state.recovered_ns = now
        self._cases.tell(peer.id, verdict, now)
        state.suspected_ns = None
        self._schedule(peer.id, None)

    def _schedule(self, peer_id: PeerId, at_ns: int | None) -> None:
        state = self._cases.states[peer_id]
        if at_ns is None:
            state.decide_ns = None
            self._pending.discard(peer_id)
        else:
            state.decide_ns = MonotonicNs(at_ns)
            self._pending.add(peer_id)

    def _untold(self, now: MonotonicNs) -> Iterator[View]:
        """What is seen of the peers that say something of this node.

        Not of those that are told to be cut off, that have just joined, or that nobody pokes.
        """
        for peer_id, peer in self._cases.peers.items():
            state = self._cases.states[peer_id]
            is_young = now < state.added_ns + YOUNG_NS
            if not (state.told.is_fault or is_young or peer_id in self.on_hold):
                yield self._look(peer)
