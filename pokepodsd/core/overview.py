"""The verdict on this node: what the verdicts on all its peers come to, in one sentence.

Owns that sentence, and the counts that it rests on.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pokepodsd.core.model import SECOND_NS, Health, Layer, MonotonicNs
from pokepodsd.core.moment import Moment
from pokepodsd.core.peering import Peering
from pokepodsd.core.peers import PeerId
from pokepodsd.core.poking import Poking
from pokepodsd.core.verdict import Verdict
from pokepodsd.core.words import count

EVERY_NS = SECOND_NS // 5
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A peer that is cut off from this node, and since when."""

    peer: PeerId
    verdict: Verdict
    since_ns: MonotonicNs


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How many peers have which verdict, which are faults, and the verdict on this node.

    ``state`` is ok, starting, fault or cut-off; ``since_ns`` since when, as far as it is known.
    ``faults`` are without those that their Node objects excuse. ``unwell`` are all peers whose
    verdict is another than ok, faults first.
    """

    counts: Counter[Verdict]
    faults: tuple[Fault, ...]
    unwell: tuple[PeerId, ...]
    state: str
    text: str
    since_ns: MonotonicNs | None

    def document(self, moment: Moment) -> dict[str, str | None]:
        """As the status has it."""
        return {"state": self.state, "since": moment.text(self.since_ns), "text": self.text}


class Overlook:
    """The overview, made anew at most every `EVERY_NS`: to ask it often costs no more."""

    def __init__(self, peering: Peering, poking: Poking) -> None:
        self._peering = peering
        self._poking = poking
        self._seen: Overview | None = None
        self._seen_ns = MonotonicNs(0)

    def look(self, now: MonotonicNs) -> Overview:
        """The overview of now, or of a moment ago."""
        if self._seen is None or now - self._seen_ns >= EVERY_NS:
            self._seen, self._seen_ns = self._look(), now
        return self._seen

    def _look(self) -> Overview:
        counts: Counter[Verdict] = Counter()
        assessment = self._peering.assessment
        faults, excused, unwell = [], [], []
        changed_ns: MonotonicNs | None = None
        for peer, verdict, told_ns in assessment.told():
            counts[verdict] += 1
            changed_ns = max(changed_ns or told_ns, told_ns)
            if verdict.is_fault and assessment.excuse(peer):
                excused.append(peer)
            elif verdict.is_fault:
                faults.append(Fault(peer=peer, verdict=verdict, since_ns=told_ns))
            elif verdict is not Verdict.OK:
                unwell.append(peer)
        faults.sort(key=lambda one: (one.since_ns, one.peer))
        state, text, since_ns = self._judge(counts, faults, excused)
        return Overview(
            counts=counts,
            faults=tuple(faults),
            unwell=(*(one.peer for one in faults), *excused, *sorted(unwell)),
            state=state,
            text=text,
            since_ns=since_ns if state in {"cut-off", "fault"} else changed_ns,
        )

    def _judge(
        self, counts: Counter[Verdict], faults: Sequence[Fault], excused: Sequence[PeerId]
    ) -> tuple[str, str, MonotonicNs | None]:
        isolation = self._peering.assessment.isolation
        total, opening = counts.total(), counts[Verdict.OPENING]
        reached = _reached(total - opening - len(excused), total)
        down = self._poking.books[Layer.POD].counts[Health.DOWN] - self._down_of(excused)
        if isolation.is_on:
            text = "this node is cut off, it is not its peers: most of those that were asked fail"
            return "cut-off", text, isolation.since_ns
        if faults:
            return "fault", _fault_text(faults, total), faults[0].since_ns
        if down:
            silent = "1 pod does not" if down == 1 else f"{down} pods do not"
            return "fault", f"{reached}, {silent} answer", None
        if not total:
            return "starting", "no other node is known yet", None
        if opening:
            return "starting", f"{reached}, {opening} being asked", None
        named = self._say_excused(excused)
        return "ok", f"{reached}; no alarm: {named}" if named else reached, None

    def _down_of(self, peers: Iterable[PeerId]) -> int:
        """How many pods are down on these."""
        tally = self._poking.books[Layer.POD].tally
        found = (self._peering.get(one) for one in peers)
        nodes = {peer.node for peer in found if peer is not None and peer.node is not None}
        return sum(tally(node).down for node in nodes)

    def _say_excused(self, excused: Sequence[PeerId]) -> str:
        excuse = self._peering.assessment.excuse
        more = f" and {len(excused) - _NAMED} more" if len(excused) > _NAMED else ""
        return ", ".join(f"{one} ({excuse(one)})" for one in excused[:_NAMED]) + more


def _reached(number: int, total: int) -> str:
    if number < total:
        return f"this node reaches {number} of its {count(total, 'peer')}"
    return f"this node reaches its {count(total, 'peer')}" if total else "no other node is known"


def _fault_text(faults: Sequence[Fault], total: int) -> str:
    named = ", ".join(f"{one.peer} ({one.verdict.value})" for one in faults[:_NAMED])
    more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return f"this node does not reach {len(faults)} of its {count(total, 'peer')}: {named}{more}"
