"""The words between the assessment of peers and the telling of it.

Owns what a decision carries, and the state that one peer's verdict has meanwhile.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from pokepodsd.core.kernel import Findings
from pokepodsd.core.model import MonotonicNs, NodeName
from pokepodsd.core.peers import Peer
from pokepodsd.core.sights import View
from pokepodsd.core.verdict import Verdict


class Mood(Enum):
    """What to do with changes of belief about a node's pods."""

    CLEAR = "tell them"
    WAIT = "a verdict on the peer is under way"
    MUFFLED = "the verdict on the peer says it all"


MoodOf = Callable[[NodeName | None, int], Mood]
"""The mood of a node, for what is believed by a poke that left at that time."""


@dataclass(slots=True)
class State:
    """What was told of a peer, and what is to be decided.

    ``findings`` are those of the first suspicion and those of the decision; ``excuse`` is why the
    API says that an alarm would be a false one; ``filtered_ns`` is since when only the node's own
    address does not answer, ``is_filtered`` whether that was told. ``node`` is the name that it
    last had: a drained node has no pod that tells it. ``told_ns`` is since when what is told holds:
    of a fault, since the first poke was lost.
    """

    added_ns: MonotonicNs
    failing_since_ns: MonotonicNs
    told_ns: MonotonicNs
    told: Verdict = Verdict.OPENING
    suspected_ns: MonotonicNs | None = None
    decide_ns: MonotonicNs | None = None
    findings: list[Findings] = field(default_factory=list)
    asked: int = 0
    filtered_ns: MonotonicNs | None = None
    is_filtered: bool = False
    recovered_ns: MonotonicNs | None = None
    node: NodeName | None = None
    looked_up_ns: MonotonicNs | None = None
    is_looked_up: bool = False
    excuse: str = ""
    is_quiet: bool = False

    def explains(self, since_ns: int) -> bool:
        """Whether an outage since then is, or was, told as that of the peer."""
        is_over = self.recovered_ns is not None and since_ns <= self.recovered_ns
        return is_over or self.told.is_fault

    def tell(self, verdict: Verdict, now: MonotonicNs) -> None:
        """This is the verdict from now on."""
        if verdict is not self.told:
            self.told_ns = self.failing_since_ns if verdict.is_fault else now
        self.told = verdict

    def forget(self) -> None:
        """What was asked about a suspicion that is over."""
        self.findings.clear()
        self.asked = 0
        self.looked_up_ns = None
        self.is_looked_up = False
        self.excuse = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict to tell, with what was told before and since when it fails or failed."""

    peer: Peer
    verdict: Verdict
    before: Verdict
    view: View
    since_ns: MonotonicNs
    findings: tuple[Findings, ...]
    excuse: str = ""
    is_quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOff:
    """This node is cut off, or no longer: so many of those that were asked fail."""

    is_over: bool
    failing: int
    asked: int
    since_ns: MonotonicNs
    views: tuple[View, ...]
