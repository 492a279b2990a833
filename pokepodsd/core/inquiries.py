"""What is asked about a peer before an alarm: the kernel about its tunnel, the API about its node.

Owns when, and that it is asked once: the kernel at the first suspicion and at the decision, so that
its counters can be compared, the API at the decision alone.
"""

from pokepodsd.core.decisions import State
from pokepodsd.core.kernel import Inspect
from pokepodsd.core.model import SECOND_NS, Layer, MonotonicNs, NodeName
from pokepodsd.core.peers import Peer
from pokepodsd.core.records import NodeGone, NodeSeen
from pokepodsd.core.sights import View

SAMPLES = 2
# How long the API server has to say what it knows of a node.
LOOKUP_NS = 3 * SECOND_NS


def excuse_of(node: NodeSeen | NodeGone) -> str:
    """Why an alarm about this node would be a false one, or ""."""
    if isinstance(node, NodeGone):
        return "the node is gone from the cluster"
    reasons = (
        (node.deleting, "the node is being deleted"),
        (node.unschedulable, "the node is cordoned"),
        (not node.ready, "the node is not Ready"),
    )
    return next((reason for holds, reason in reasons if holds), "")


class Inquiries:
    """Questions to hand out, each once."""

    def __init__(self) -> None:
        self.inspections: list[Inspect] = []
        self.lookups: list[NodeName] = []
        self.is_api_there = False
        """Whether the API server can be asked at the moment."""
        self.are_nodes_refused = False
        """Whether it refused Node objects when it was last asked."""

    def inspect(self, peer: Peer, state: State, view: View, *, is_decision: bool = False) -> None:
        """Ask the kernel about the way to the peer, with conntrack for a decision."""
        if state.asked and not is_decision:
            return
        state.asked += 1
        if (target := view.example) is None:
            return
        inspection = Inspect(
            peer=peer.id,
            address=target.address,
            device=target.name if target.layer is Layer.TUNNEL else "",
            node=peer.address,
            with_conntrack=is_decision,
        )
        self.inspections.append(inspection)

    def look_up(self, state: State, now: MonotonicNs) -> bool:
        """Ask the API about the peer's Node object; whether its answer is still awaited."""
        if state.node is None or not self.is_api_there:
            return False
        # Asked even after a refusal: that a right was granted shows in no other way.
        if state.looked_up_ns is None:
            state.looked_up_ns = now
            self.lookups.append(state.node)
        is_awaited = not state.is_looked_up and not self.are_nodes_refused
        return is_awaited and now < state.looked_up_ns + LOOKUP_NS
