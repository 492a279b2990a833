"""The beliefs about one peer's layers to one verdict.

Owns the table: what it means that the underlay, the tunnel or the pods answer or do not. Knows no
time and holds no state.
"""

from enum import Enum
from typing import Final


class Sight(Enum):
    """What is seen of one layer of one peer."""

    ANSWERS = "answers"
    SILENT = "does not answer"
    UNSURE = "being asked"
    UNKNOWN = "nothing there to ask"


class Verdict(Enum):
    """What is the matter with a peer."""

    OK = "ok"
    OPENING = "opening"
    TUNNEL_BROKEN = "tunnel broken"
    NODE_UNREACHABLE = "node unreachable"
    POD_ONLY = "pod only"
    UNDERLAY_FILTERED = "ICMP filtered on the underlay"

    @property
    def is_fault(self) -> bool:
        """Whether the peer is cut off from this node."""
        return self in _FAULTS


_FAULTS: Final = frozenset({Verdict.TUNNEL_BROKEN, Verdict.NODE_UNREACHABLE})


def judge(*, underlay: Sight, tunnel: Sight, pods: Sight) -> Verdict | None:
    """The verdict on a peer; None while the underlay of a silent tunnel is still being asked.

    ``tunnel`` is what is seen through the tunnel at all: a pod that answers shows that it passes,
    and where there is no address of a tunnel to ask, the pods stand for it.
    """
    if tunnel is Sight.SILENT:
        return _CUT_OFF[underlay]
    return judge_heard(underlay=underlay, tunnel=tunnel, pods=pods)


def judge_heard(*, underlay: Sight, tunnel: Sight, pods: Sight) -> Verdict:
    """The verdict on a peer whose tunnel is not silent, which waits for nothing."""
    match tunnel:
        case Sight.ANSWERS if underlay is Sight.SILENT:
            return Verdict.UNDERLAY_FILTERED
        case Sight.ANSWERS:
            return Verdict.POD_ONLY if pods is Sight.SILENT else Verdict.OK
        case Sight.UNSURE:
            return Verdict.OPENING
        case _:
            return _UNSEEN[underlay]


_CUT_OFF: Final[dict[Sight, Verdict | None]] = {
    Sight.ANSWERS: Verdict.TUNNEL_BROKEN,
    Sight.SILENT: Verdict.NODE_UNREACHABLE,
    Sight.UNSURE: None,
    # Nothing is known of the node itself: only that what goes through the tunnel is lost.
    Sight.UNKNOWN: Verdict.TUNNEL_BROKEN,
}
# Without tunnel and without pods, a silent address is no reason to alarm anybody.
_UNSEEN: Final[dict[Sight, Verdict]] = {
    Sight.ANSWERS: Verdict.OK,
    Sight.SILENT: Verdict.OPENING,
    Sight.UNSURE: Verdict.OPENING,
    Sight.UNKNOWN: Verdict.OPENING,
}
