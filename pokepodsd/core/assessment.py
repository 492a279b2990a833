"""One verdict a peer: when it is certain, told once; and when it is this node instead.

Owns the state of each peer's verdict and the time that it takes. A fault is decided some seconds
after a tunnel fell silent, so that the underlay and the other peers have been asked meanwhile:
where most of them fail too, this node is cut off, and no peer is blamed.
"""

from collections.abc import Callable, Iterator

from pokepodsd.core.decisions import Decision, Mood, State
from pokepodsd.core.inquiries import SAMPLES, Inquiries
from pokepodsd.core.isolation import Isolation
from pokepodsd.core.kernel import Findings
from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.sights import View
from pokepodsd.core.verdict import Sight, Verdict, judge

# The other peers are asked when one falls silent; their answers, or a second of silence, are there
# by then.
DECIDE_NS = 2 * SECOND_NS + SECOND_NS // 2
# The underlay's burst is over by then, whatever came of it.
PATIENCE_NS = 10 * SECOND_NS
# A node that has just joined is not ready for a while; peers of the start are no such nodes.
YOUNG_NS = 60 * SECOND_NS
START_NS = 30 * SECOND_NS
# How long another verdict on a peer that is told to be cut off must last: while a node comes back,
# its underlay answers first.
CHANGE_NS = 12 * SECOND_NS
# The findings of an inspection are there with the next turn of the loop.
INSPECTION_NS = SECOND_NS // 10
# A route that a network plugin lays anew is gone for a moment.
GONE_NS = 10 * SECOND_NS
# Decisions are made together: each looks at all peers, and 5,000 take some 20 ms.
DECISIONS_NS = SECOND_NS // 2


class Assessment:
    """The verdicts on all peers."""

    def __init__(self, look: Callable[[Peer], View], now: MonotonicNs) -> None:
        self._look = look
        self._started_ns = now
        self._peers: dict[PeerId, Peer] = {}
        self._states: dict[PeerId, State] = {}
        self._parked: dict[PeerId, tuple[State, MonotonicNs]] = {}
        self._touched: set[PeerId] = set()
        self._pending: set[PeerId] = set()
        self._next_decisions: int = now
        self._has_answered = False
        self.isolation = Isolation()
        self.decisions: list[Decision] = []
        self.inquiries = Inquiries()
        self.are_witnesses_wanted = False
        """Whether the other peers are to be asked, to see who is to blame."""

    def explains(self, peer_id: PeerId, since_ns: MonotonicNs) -> bool:
        """Whether an outage since then is, or was, told as that of the peer or of this node."""
        state = self._states[peer_id]
        is_over = state.recovered_ns is not None and since_ns <= state.recovered_ns
        return is_over or state.told.is_fault or self.isolation.explains(since_ns)

    def verdicts(self) -> Iterator[Verdict]:
        """Those of all peers."""
        return (state.told for state in self._states.values())

    def put(self, peer: Peer, now: MonotonicNs) -> None:
        """A peer is new, or different."""
        self._peers[peer.id] = peer
        if peer.id in self._parked:
            self._states[peer.id] = self._parked.pop(peer.id)[0]
        elif peer.id not in self._states:
            is_of_start = now - self._started_ns < START_NS
            added_ns = now - YOUNG_NS if is_of_start else now
            self._states[peer.id] = State(added_ns=MonotonicNs(added_ns), failing_since_ns=now)
        self.touch(peer.id)

    def rename(self, old: PeerId, new: PeerId) -> None:
        """A peer is known by another id from now on; what was told of it stays.

        Of two that turn out to be one, the fault that was told does.
        """
        known, state = self._states.get(new), self._states[old]
        if known is not None and (known.told.is_fault or not state.told.is_fault):
            return
        self._states[new] = state
        if old in self._pending:
            self._pending.add(new)

    def drop(self, peer_id: PeerId, now: MonotonicNs) -> None:
        """A peer is gone; if it is back within `GONE_NS`, what was told of it stays."""
        del self._peers[peer_id]
        self._parked[peer_id] = (self._states.pop(peer_id), now)
        self._pending.discard(peer_id)
        self._touched.discard(peer_id)

    def touch(self, peer_id: PeerId) -> None:
        """Something about a peer's layers has changed."""
        self._touched.add(peer_id)

    def inspected(self, peer_id: PeerId, findings: Findings) -> None:
        """What the kernel says, as it was asked for."""
        if (state := self._states.get(peer_id)) is not None:
            state.findings.append(findings)

    def looked_up(self, node: NodeName, excuse: str) -> None:
        """What the API says of a node: why an alarm about it would be a false one, or ""."""
        if (state := self._states.get(PeerId(node))) is not None:
            state.is_looked_up = True
            state.excuse = excuse

    def mood(self, node: NodeName | None) -> Mood:
        """What to do with changes of belief about a node's pods."""
        peer_id = PeerId(node or "")
        state = self._states.get(peer_id)
        if state is None:
            return Mood.CLEAR
        if state.told.is_fault or self.isolation.is_on:
            return Mood.MUFFLED
        if state.suspected_ns is not None or self._look(self._peers[peer_id]).is_doubtful:
            return Mood.WAIT
        return Mood.CLEAR

    def tick(self, now: MonotonicNs) -> None:
        """Review what was touched, and decide what is due."""
        touched, self._touched = self._touched, set()
        for peer_id in sorted(touched):
            self._review(peer_id, now)
        for peer_id in [one for one, (_, at) in self._parked.items() if now - at > GONE_NS]:
            del self._parked[peer_id]
        if now < self._next_decisions:
            return
        self._next_decisions = now + DECISIONS_NS
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
        times = (self._states[one].decide_ns or MonotonicNs(0) for one in self._pending)
        return MonotonicNs(max(min(times), self._next_decisions))

    def _reconsider(self, now: MonotonicNs) -> None:
        """This node is cut off: see whether it is over, when a peer has answered."""
        if self._peers and not self._has_answered:
            return
        self._has_answered = False
        self.are_witnesses_wanted = True
        if self.isolation.end(self._untold(), now):
            for peer_id in list(self._pending):
                self._schedule(peer_id, now + DECIDE_NS)

    def _decide_all(self, now: MonotonicNs) -> None:
        due = self._due(now)
        new = [one for one in due if self._is_new_fault(one, now)]
        if new:
            since_ns = min(self._states[one].failing_since_ns for one in new)
            if self.isolation.begin(self._untold(), since_ns):
                return
        for peer_id in due:
            self._decide(self._peers[peer_id], self._states[peer_id], now)

    def _is_new_fault(self, peer_id: PeerId, now: MonotonicNs) -> bool:
        state = self._states[peer_id]
        is_young = now < state.added_ns + YOUNG_NS
        return state.suspected_ns is not None and not state.told.is_fault and not is_young

    def _due(self, now: MonotonicNs) -> list[PeerId]:
        return sorted(one for one in self._pending if (self._states[one].decide_ns or 0) <= now)

    def _review(self, peer_id: PeerId, now: MonotonicNs) -> None:
        peer = self._peers.get(peer_id)
        if peer is None:
            return
        state, view = self._states[peer_id], self._look(peer)
        if view.is_doubtful or view.tunnel is Sight.SILENT:
            self.inquiries.inspect(peer, state, view)
        match view.tunnel:
            case Sight.SILENT:
                self._suspect(peer, state, view, now)
            case Sight.ANSWERS:
                self._acquit(peer, state, view, now)
            case Sight.UNSURE | Sight.UNKNOWN:
                pass

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
        elif _judge(state, view) in {None, state.told}:
            self._schedule(peer.id, None)
        elif state.decide_ns is None:
            self._schedule(peer.id, now + CHANGE_NS)

    def _acquit(self, peer: Peer, state: State, view: View, now: MonotonicNs) -> None:
        self._has_answered = True
        verdict = _judge(state, view)
        state.suspected_ns = None
        if not view.is_doubtful:
            state.forget()
        if verdict is None:
            return
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
        state.told = verdict

    def _decide(self, peer: Peer, state: State, now: MonotonicNs) -> None:
        view = self._look(peer)
        verdict = _judge(state, view)
        if verdict is None:
            if now < (state.suspected_ns or now) + PATIENCE_NS:
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
        elif verdict is Verdict.TUNNEL_BROKEN and state.asked < SAMPLES:
            self.inquiries.inspect(peer, state, view, is_decision=True)
            self.inquiries.look_up(peer, state, now)
            self._schedule(peer.id, now + INSPECTION_NS)
        elif self.inquiries.look_up(peer, state, now):
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
        state.told = verdict
        state.suspected_ns = None
        self._schedule(peer.id, None)

    def _schedule(self, peer_id: PeerId, at_ns: int | None) -> None:
        state = self._states[peer_id]
        if at_ns is None:
            state.decide_ns = None
            self._pending.discard(peer_id)
        else:
            state.decide_ns = MonotonicNs(at_ns)
            self._pending.add(peer_id)

    def _untold(self) -> Iterator[View]:
        """What is seen of the peers that are not told to be cut off."""
        for peer_id, peer in self._peers.items():
            if not self._states[peer_id].told.is_fault:
                yield self._look(peer)


def _judge(state: State, view: View) -> Verdict | None:
    """The verdict; an address that never answers pings says nothing of a tunnel that fails."""
    is_mute = state.is_filtered and view.tunnel is view.underlay is Sight.SILENT
    underlay = Sight.UNKNOWN if is_mute else view.underlay
    return judge(underlay=underlay, tunnel=view.tunnel, pods=view.pods)
