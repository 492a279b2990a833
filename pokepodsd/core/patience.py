"""How long a verdict on a peer takes, and what it rests on.

Owns these times, and the two exceptions to the table of verdicts that need a peer's history.
"""

from pokepodsd.core.decisions import State
from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.sights import View
from pokepodsd.core.verdict import Sight, Verdict, judge

# The other peers are asked when one falls silent; their answers, or a second of silence, are there
# by then.
DECIDE_NS = 2 * SECOND_NS + SECOND_NS // 2
# The underlay's burst is over by then, whatever came of it.
PATIENCE_NS = 10 * SECOND_NS
# Where hundreds of nodes fail at once, their underlays wait for their turns under the cap.
UNDERLAY_NS = 60 * SECOND_NS
# A node that has just joined is not ready for a while; peers of the start are no such nodes.
YOUNG_NS = 60 * SECOND_NS
START_NS = 30 * SECOND_NS
# How long another verdict on a peer that is told to be cut off must last: while a node comes back,
# its underlay answers first, and a network plugin takes most of a minute to start.
CHANGE_NS = 60 * SECOND_NS
# The findings of an inspection are there with the next turn of the loop.
INSPECTION_NS = SECOND_NS // 10
# A route that a network plugin lays anew is gone for a moment.
GONE_NS = 10 * SECOND_NS
# Decisions are made together: each looks at all peers, and 5,000 take some 20 ms.
DECISIONS_NS = SECOND_NS // 2
RECONSIDER_NS = 2 * SECOND_NS
# Of peers that change at once, as 5,000 do at the start, so many are looked at in a turn: 5 ms.
REVIEWS = 250


def is_node_back(state: State, view: View) -> bool:
    """Whether a node that was unreachable answers, and nothing else of it can be asked."""
    return state.told is Verdict.NODE_UNREACHABLE and view.underlay is Sight.ANSWERS


def judge_peer(state: State, view: View) -> Verdict | None:
    """The verdict; an address that never answers pings says nothing of a tunnel that fails."""
    is_mute = state.is_filtered and view.tunnel is view.underlay is Sight.SILENT
    underlay = Sight.UNKNOWN if is_mute else view.underlay
    return judge(underlay=underlay, tunnel=view.tunnel, pods=view.pods)
