"""How long what the API server tells may gather before it is read.

Owns that pause, which moderates wake-ups as a network card moderates interrupts. To wake up for one
event costs several times what the event costs. So while few come, each is read at once; of what
comes faster than `AT_ONCE` a second for a time, as much as comes within a rest is read together.
"""

from pokepodsd.core.model import SECOND_NS, MonotonicNs

# Some 15 % of a core, at 1 ms an event that is read alone. 1,000 nodes have some 10 a second.
AT_ONCE = 150
# A fifth of a second at that rate: a deployment of 30 pods is told at once.
DEPTH = 30


class Gathering:
    """Events drain from it at `AT_ONCE` a second; there is a rest while more than `DEPTH` stand."""

    def __init__(self, *, rest_ns: int) -> None:
        self._rest_ns = rest_ns
        self._level = 0.0
        self._at = MonotonicNs(0)

    def note(self, count: int, now: MonotonicNs) -> int:
        """So many events were read; for how many nanoseconds no more are to be read."""
        drained = (now - self._at) * AT_ONCE / SECOND_NS
        self._level = min(max(0.0, self._level - drained) + count, 2 * DEPTH)
        self._at = now
        return self._rest_ns if self._level > DEPTH else 0
