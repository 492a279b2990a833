"""The verdict on this node: what the verdicts on all its peers come to, in one sentence.

Owns that sentence, and the counts that it rests on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pokepodsd.core.model import Health, Layer, MonotonicNs
from pokepodsd.core.moment import Moment
from pokepodsd.core.peering import Peering
from pokepodsd.core.peers import PeerId
from pokepodsd.core.poking import Poking
from pokepodsd.core.verdict import Verdict
from pokepodsd.core.words import count

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
    """

    counts: Counter[Verdict]
    faults: tuple[Fault, ...]
    state: str
    text: str
    since_ns: MonotonicNs | None

    def document(self, moment: Moment) -> dict[str, str | None]:
        """As the status has it."""
        return {"state": self.state, "since": moment.text(self.since_ns), "text": self.text}


def overview(peering: Peering, poking: Poking) -> Overview:
    """Look at the verdicts on all peers."""
    counts: Counter[Verdict] = Counter()
    faults = []
    changed_ns: MonotonicNs | None = None
    for peer, verdict, since_ns in peering.assessment.told():
        counts[verdict] += 1
        changed_ns = max(changed_ns or since_ns, since_ns)
        if verdict.is_fault:
            faults.append(Fault(peer=peer, verdict=verdict, since_ns=since_ns))
    down = poking.books[Layer.POD].counts[Health.DOWN]
    total, opening = counts.total(), counts[Verdict.OPENING]
    isolation = peering.assessment.isolation
    if isolation.is_on:
        state, changed_ns = "cut-off", isolation.since_ns
        text = "this node is cut off, it is not its peers: most of those that were asked are silent"
    elif faults:
        state, changed_ns = "fault", min(one.since_ns for one in faults)
        text = _fault_text(faults, total)
    elif down:
        state, changed_ns = "fault", None
        silent = "1 pod does not" if down == 1 else f"{down} pods do not"
        text = f"{_reached(total, total)}, {silent} answer"
    elif opening or not total:
        state = "starting"
        text = f"{_reached(total - opening, total)}, {opening} being asked"
        text = text if total else "no other node is known yet"
    else:
        state, text = "ok", _reached(total, total)
    return Overview(
        counts=counts, faults=tuple(faults), state=state, text=text, since_ns=changed_ns
    )


def _reached(number: int, total: int) -> str:
    if number < total:
        return f"this node reaches {number} of its {count(total, 'peer')}"
    return f"this node reaches its {count(total, 'peer')}" if total else "no other node is known"


def _fault_text(faults: Sequence[Fault], total: int) -> str:
    named = ", ".join(f"{one.peer} ({one.verdict.value})" for one in faults[:_NAMED])
    more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
    return f"this node does not reach {len(faults)} of its {count(total, 'peer')}: {named}{more}"
