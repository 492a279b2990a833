"""The cap on all pokes together: a token bucket.

Owns ``max_rate``. The bucket is never deeper than `DEPTH_NS`; what the loop could not send in time
is skipped, not made up for in a burst.
"""

from pokepodsd.core.model import MILLISECOND_NS, SECOND_NS, MonotonicNs

# How far behind the loop may be and still catch up. With 90 ms no window of 100 ms holds more
# than (90 + 100) / 100 = 1.9 times its share.
DEPTH_NS = 90 * MILLISECOND_NS


class Bucket:
    """Tokens, one a packet; whoever wants to send takes one."""

    def __init__(self, *, max_rate: int, now: MonotonicNs) -> None:
        self.set_rate(max_rate)
        self._spent_until: int = now - self.depth_ns
        self._taken = 0

    def set_rate(self, max_rate: int) -> None:
        """Take a new cap, in packets a second."""
        self.max_rate = max_rate
        self.token_ns = SECOND_NS // max_rate
        self.depth_ns = max(DEPTH_NS, self.token_ns)

    def open(self, now: MonotonicNs) -> None:
        """A new round of taking begins at ``now``."""
        self._spent_until = max(self._spent_until, now - self.depth_ns)
        self._taken = 0

    def has_token(self, now: MonotonicNs) -> bool:
        """Whether a packet may be sent now."""
        return self._spent_until + self.token_ns <= now

    def room(self, now: MonotonicNs) -> int:
        """How many packets may be sent now."""
        return max(0, (now - self._spent_until) // self.token_ns)

    def take(self) -> None:
        """Use a token up."""
        self._spent_until += self.token_ns
        self._taken += 1

    def sent(self, now: MonotonicNs) -> None:
        """All that was taken has left by ``now``.

        A loop that was held up between taking and sending must not send the next packets as if
        these had left in time.
        """
        oldest = now - self.depth_ns
        self._spent_until = max(self._spent_until, oldest + self._taken * self.token_ns)

    def next_token(self) -> MonotonicNs:
        """When a packet may be sent, at the earliest."""
        return MonotonicNs(self._spent_until + self.token_ns)

    @property
    def spent_until(self) -> MonotonicNs:
        """Up to when the tokens are used."""
        return MonotonicNs(self._spent_until)
