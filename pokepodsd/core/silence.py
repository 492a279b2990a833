"""One tunnel that nobody pokes for a while: does it still pass?

Owns the judgement of ``pokepodsd need``. Any packet, either way, keeps a tunnel open, so that only
the first one after a silence that is longer than conntrack's timeout says anything: whether what
came from the far node got through this host's filter, or whether what this host sent is answered.
"""

from dataclasses import dataclass
from enum import Enum

from pokepodsd.core.model import SECOND_NS, MonotonicNs

# Beyond the timeout: what a busy kernel may be late to forget.
MARGIN_NS = SECOND_NS
# Two hosts that are asked at the same time heard the same last packet. If both poked at once, each
# poke would open the way for the other: one of them waits for twice as long.
STAGGER_NS = 2 * SECOND_NS
# From the wire through this host's filter and out of the tunnel device.
_PASSAGE_NS = SECOND_NS // 2


class Sound(Enum):
    """A packet that was overheard."""

    CAME = "the far node's, still in its tunnel"
    EMERGED = "the far node's, out of the tunnel"
    OTHER = "anything else that the tunnel carries"


class Answer(Enum):
    """Whether a tunnel needs to be poked."""

    NOT_NEEDED = "not needed: it passes after the silence"
    NEEDED = "needed: it was shut after the silence"
    UNKNOWN = "unknown: other traffic kept it open"
    BROKEN = "unknown: it did not pass before the silence either"


@dataclass(slots=True, kw_only=True)
class Trial:
    """One tunnel under test; ``heard_ns`` is when something last passed, ``packets`` how many.

    ``is_second`` is whether the far node pokes first, if it is asked too.
    """

    timeout_ns: int
    is_second: bool = False
    heard_ns: MonotonicNs
    packets: int = 0
    came_ns: MonotonicNs | None = None
    answer: Answer | None = None

    def hear(self, sound: Sound, now: MonotonicNs) -> None:
        """A packet was overheard."""
        if self.answer is not None:
            return
        is_first = now - self.heard_ns >= self.timeout_ns + MARGIN_NS
        if sound is Sound.EMERGED and (is_first or self.came_ns is not None):
            self.answer = Answer.NOT_NEEDED
        elif sound is Sound.CAME and is_first:
            self.came_ns = self.came_ns or now
        elif self.came_ns is None:
            self.heard_ns = now
            self.packets += 1

    def settle(self, now: MonotonicNs) -> bool:
        """Answer what time alone answers; whether there is an answer, or silence enough to poke."""
        if self.answer is None and self.came_ns is not None and now - self.came_ns >= _PASSAGE_NS:
            self.answer = Answer.NEEDED
        return self.answer is not None or (self.came_ns is None and self.left_ns(now) <= 0)

    def left_ns(self, now: MonotonicNs) -> int:
        """How much silence is left."""
        stagger_ns = 2 * STAGGER_NS if self.is_second else STAGGER_NS
        return self.timeout_ns + MARGIN_NS + stagger_ns - (now - self.heard_ns)
