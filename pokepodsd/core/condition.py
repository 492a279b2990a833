"""The condition of this node's Node object: what it is to say, and when it is written.

Owns its words and its times. Nothing is said before the first verdicts are in. It is written when
its status changes, when its text changes (at most once a minute), and every five minutes as a
heartbeat, which is how often node-problem-detector and the kubelet write where nothing changes
(--k8s-exporter-heartbeat-period, nodeStatusReportFrequency).

The load: every write of a Node is sent to all who watch Nodes. 5,000 nodes make 17 heartbeats a
second, as many as their kubelets do, and where all of them lose one peer, some 100 writes a second
for 50 s. So the text holds no number that another node's coming or going would change.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pokepodsd.core.errands import ConditionReport, Status, cut
from pokepodsd.core.escaping import escape
from pokepodsd.core.model import SECOND_NS, MonotonicNs, WallNs
from pokepodsd.core.reports import spread
from pokepodsd.core.words import count

HEARTBEAT_NS = 300 * SECOND_NS
# Peers that do not answer at a start are told by then.
SETTLING_NS = 60 * SECOND_NS
# Between two writes, however often a verdict changes, and between two of the same status.
APART_NS = 10 * SECOND_NS
TEXT_APART_NS = 60 * SECOND_NS
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the condition is made of; ``faults`` are peers with their verdicts, in words."""

    peers: int
    opening: int
    is_cut_off: bool
    faults: tuple[tuple[str, str], ...]


class Condition:
    """What is to be written, and what was."""

    def __init__(self, now: MonotonicNs, roll: Callable[[], float]) -> None:
        self._roll = roll
        self._settled_ns: int = now + SETTLING_NS
        self._is_settled = False
        self._wanted: ConditionReport | None = None
        self._sent: ConditionReport | None = None
        self._sent_ns: MonotonicNs | None = None
        self._due: MonotonicNs | None = None
        self._written: Status | None = None

    @property
    def is_on_the_node(self) -> bool:
        """Whether the Node may carry a status that somebody believes: one was handed out."""
        return self._sent is not None

    def look(self, outlook: Outlook, now: MonotonicNs, wall: WallNs) -> None:
        """See how things are; `due` says what is to be written of it."""
        if not self._is_settled:
            is_in = outlook.peers > 0 and not outlook.opening
            self._is_settled = is_in or bool(outlook.faults) or now >= self._settled_ns
            if not self._is_settled:
                return
        status, reason, text = _words(outlook)
        before = self._wanted
        since = before.since_ns if before is not None and before.status is status else wall
        self._wanted = ConditionReport(status=status, reason=reason, text=text, since_ns=since)
        if self._wanted == before:
            return
        if self._sent is None or self._sent.status is not status:
            self._hurry(now + spread(outlook.peers, self._roll), APART_NS)
        elif (self._sent.reason, self._sent.text) != (reason, text):
            self._hurry(now, TEXT_APART_NS)
        else:
            # It is again what was said: as if nothing had been.
            self._wanted, self._due = self._sent, self._heartbeat()

    def due(self, now: MonotonicNs) -> ConditionReport | None:
        """What is to be written now, if anything."""
        if self._due is None or now < self._due or self._wanted is None:
            return None
        self._sent, self._sent_ns, self._written = self._wanted, now, None
        self._due = self._heartbeat()
        return self._sent

    def next_due(self) -> MonotonicNs | None:
        """When `due` has something."""
        return self._due

    def written(self, status: str) -> None:
        """The API server took one of this status."""
        self._written = Status(status)

    def repeat(self, now: MonotonicNs) -> None:
        """Another reader reads: what its predecessor did not write is lost."""
        if self._sent is not None and self._written is not self._sent.status:
            self._due = now

    def end(self, wall: WallNs) -> ConditionReport:
        """What the Node is to say from now on: nobody looks any more."""
        self._due = None
        self._written = None
        self._sent = ConditionReport(
            status=Status.UNKNOWN,
            reason="PokePodsStopped",
            text="pokepodsd was stopped on this node, or reports its condition no longer",
            since_ns=wall,
        )
        return self._sent

    @property
    def is_ended(self) -> bool:
        """Whether the API server took what `end` said."""
        return self._written is Status.UNKNOWN

    def _hurry(self, at_ns: int, apart_ns: int) -> None:
        """Write it then, but not sooner after the last one; or earlier, if that was planned."""
        if self._sent_ns is not None:
            at_ns = max(at_ns, self._sent_ns + apart_ns)
        self._due = MonotonicNs(at_ns if self._due is None else min(at_ns, self._due))

    def _heartbeat(self) -> MonotonicNs:
        return MonotonicNs((self._sent_ns or 0) + HEARTBEAT_NS)


def _words(outlook: Outlook) -> tuple[Status, str, str]:
    if outlook.is_cut_off:
        text = "this node is cut off from its peers: it is this node, not they"
        return Status.FALSE, "NodeCutOff", text
    if outlook.faults:
        shown = ", ".join(f"{escape(name)} ({what})" for name, what in outlook.faults[:_NAMED])
        more = len(outlook.faults) - _NAMED
        end = f" and {more} more" if more > 0 else ""
        head = f"{count(len(outlook.faults), 'peer')} not reachable from this node: "
        return Status.FALSE, "PeersNotReachable", cut(f"{head}{shown}{end}")
    if not outlook.peers:
        return Status.TRUE, "NoPeers", "there is no other node to reach"
    return Status.TRUE, "PeersReachable", "the tunnels to all other nodes pass"
