"""Whether the way to a peer loses much, so that its pods fail and answer by turns.

Owns that this is told once of a peer, and once more when it is over, instead of each pod that
happens to lose some pokes in a row. A pod that is dead loses all of them, and a peer that is cut
off is a verdict's matter: the mark of a bad way is that several targets lose some, again and again,
while others are answered.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from pokepodsd.core.decisions import Mood, MoodOf
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.health import Standing
from pokepodsd.core.model import (
    SECOND_NS,
    Health,
    Layer,
    MonotonicNs,
    NodeName,
    Outcome,
    OutcomeKind,
    TargetId,
)
from pokepodsd.core.peers import Peer, PeerId
from pokepodsd.core.words import count, span

# So many targets that lost some and answered again, each so often, within so many intervals. With
# half of all pokes lost, each does so every fourth.
_TARGETS = 3
_SUSPECT = 2
_TIMES = 2
_INTERVALS = 10
# Of so many pokes there, one at least was such a return. Of a hundred pods a few come back at any
# time where one poke of a hundred is lost: that takes none down, and shall not hide one that is.
_TOLD_ONE_OF = 20
_SUSPECT_ONE_OF = 33
_OVER_ONE_OF = 40
# In so many intervals some pokes were lost and some answered. An outage has two such intervals, at
# its begin and its end: two outages are no bad way, and one hides no dead pod.
_MIXED = 6
_SUSPECT_MIXED = 3
# A suspicion is of so many intervals, the one that lasts included: what came back from an outage
# shall not hide for long a pod that dies after it.
_SUSPECT_INTERVALS = 4
_LOOK_EVERY_NS = SECOND_NS


@dataclass(slots=True)
class _Way:
    """What was lost on one way since a first loss, and which targets answered after one, when."""

    since_ns: MonotonicNs
    ended: int = 0
    lost: int = 0
    returns: deque[tuple[MonotonicNs, TargetId]] = field(default_factory=deque)
    marks: deque[tuple[MonotonicNs, int, int]] = field(default_factory=deque)
    """How many pokes had ended, and were lost, an interval apart; none before the first ended."""
    is_told: bool = False

    def count(self, at_ns: MonotonicNs, interval_ns: int, *, is_loss: bool) -> None:
        """A poke ended."""
        if not self.marks or at_ns - self.marks[-1][0] >= interval_ns:
            self.marks.append((at_ns, self.ended, self.lost))
        self.ended += 1
        self.lost += is_loss

    def forget(self, oldest_ns: int) -> None:
        """Look at what was from then on."""
        while self.returns and self.returns[0][0] < oldest_ns:
            self.returns.popleft()
        while len(self.marks) > 1 and self.marks[1][0] <= oldest_ns:
            self.marks.popleft()

    def lately(self) -> "_Way":
        """The same, of the last few intervals."""
        marks = deque(self.marks, maxlen=_SUSPECT_INTERVALS)
        returns = deque(one for one in self.returns if one[0] >= marks[0][0])
        return replace(self, marks=marks, returns=returns)

    def loses(self, one_of: int) -> bool:
        """Whether one of so many pokes, of late, was the return of a target."""
        return len(self.returns) * one_of >= max(1, self.ended - self.marks[0][1])

    def is_mixed(self, times: int) -> bool:
        """Whether in so many intervals, of late, some pokes were lost and some answered."""
        counts = [*((ended, lost) for _, ended, lost in self.marks), (self.ended, self.lost)]
        mixed = (
            0 < lost - lost_before < ended - ended_before
            for (ended_before, lost_before), (ended, lost) in pairwise(counts)
        )
        return sum(mixed) >= times

    def is_suspect(self) -> bool:
        """Whether news of single targets is to wait until more is known."""
        lately = self.lately()
        loses = lately.loses(_SUSPECT_ONE_OF) and lately.is_mixed(_SUSPECT_MIXED)
        return loses and lately.targets(times=1) >= _SUSPECT

    def is_bad(self) -> bool:
        """Whether it is to be told."""
        loses = self.loses(_TOLD_ONE_OF) and self.is_mixed(_MIXED)
        return loses and self.targets(_TIMES) >= _TARGETS

    def goes_on(self, oldest_ns: int) -> bool:
        """Whether more is waited for; what was told may end before all returns are forgotten."""
        is_losing = self.loses(_OVER_ONE_OF) if self.is_told else bool(self.returns)
        return is_losing or self.since_ns > oldest_ns

    def targets(self, times: int) -> int:
        """How many targets came back so often, of late."""
        return sum(n >= times for n in Counter(target for _, target in self.returns).values())


class Lossiness:
    """What is believed of the ways to all nodes; only of those that lost something of late."""

    def __init__(self) -> None:
        self._ways: dict[NodeName, _Way] = {}
        self._next_look = MonotonicNs(0)

    def note(self, outcome: Outcome, before: Standing, interval_ns: int) -> None:
        """Count the end of one probe to a target of which ``before`` was believed."""
        probe = outcome.probe
        node, layer = probe.target.node, probe.target.layer
        is_reply = outcome.kind is OutcomeKind.REPLIED
        if is_reply and node not in self._ways:
            return
        is_loss = outcome.kind is OutcomeKind.TIMED_OUT and not outcome.is_for_want_of_room
        if node is None or layer is Layer.UNDERLAY or probe.opening or not (is_reply or is_loss):
            return
        way = self._ways.get(node)
        if way is None:
            way = self._ways[node] = _Way(probe.sent_ns)
        way.count(outcome.at_ns, interval_ns, is_loss=is_loss)
        if is_reply and before.failures and before.health is Health.UP:
            way.returns.append((outcome.at_ns, probe.target.id))

    def mood(self, otherwise: MoodOf) -> MoodOf:
        """What to do with changes of belief about a node's pods, where the way is not to blame."""

        def of(node: NodeName | None, since_ns: int) -> Mood:
            way = None if node is None else self._ways.get(node)
            if way is None:
                return otherwise(node, since_ns)
            if way.is_told:
                return Mood.MUFFLED
            found = otherwise(node, since_ns)
            return Mood.WAIT if found is Mood.CLEAR and way.is_suspect() else found

        return of

    def is_bad(self, node: NodeName | None) -> bool:
        """Whether the way to this node was told to be a bad one."""
        way = None if node is None else self._ways.get(node)
        return way is not None and way.is_told

    def tick(
        self,
        now: MonotonicNs,
        *,
        interval_ns: int,
        peer_of: Callable[[PeerId], Peer | None],
        is_cut_off: Callable[[PeerId], bool],
    ) -> list[Entry]:
        """What is to be told now."""
        if now < self._next_look:
            return []
        self._next_look = MonotonicNs(now + _LOOK_EVERY_NS)
        entries = []
        oldest_ns = now - _INTERVALS * interval_ns
        for node, way in [*self._ways.items()]:
            way.forget(oldest_ns)
            peer = peer_of(PeerId(node))
            if peer is None:
                del self._ways[node]
            elif not way.is_told and way.is_bad():
                way.is_told = True
                entries.append(_tell(peer, way, now))
            elif way.goes_on(oldest_ns) or is_cut_off(peer.id):
                # That a peer which is cut off loses nothing any more is told when it is back.
                continue
            else:
                del self._ways[node]
                entries += [_tell_over(peer, way, now)] if way.is_told else []
        return entries


def _tell(peer: Peer, way: _Way, now: MonotonicNs) -> Entry:
    text = (
        f"the way to {peer} is bad for {span(now - way.since_ns)}: {_share(way)} were lost, and "
        f"{count(way.targets(times=1), 'target')} there failed and answered by turns; it is not "
        "its pods: check the links between the nodes, for errors and for congestion"
    )
    return Entry(kind=EventKind.WAY_BAD, level=Level.WARNING, text=text, fields=_fields(peer, way))


def _tell_over(peer: Peer, way: _Way, now: MonotonicNs) -> Entry:
    took = span(now - way.since_ns)
    text = f"the way to {peer} is good again after {took}: {_share(way)} were lost"
    return Entry(kind=EventKind.WAY_GOOD, level=Level.NOTICE, text=text, fields=_fields(peer, way))


def _share(way: _Way) -> str:
    return f"{round(100 * way.lost / way.ended)} % of {count(way.ended, 'poke')}"


def _fields(peer: Peer, way: _Way) -> dict[str, str]:
    fields = {"COUNT": str(way.lost)}
    if peer.address is not None:
        fields["PEER"] = peer.address
    return {**fields, "NODE": peer.node} if peer.node is not None else fields
