"""Now, on both clocks, to say a time of the monotonic one as people and Prometheus do.

Owns that conversion.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from pokepodsd.core.model import SECOND_NS, MonotonicNs
from pokepodsd.core.shape import Time, time_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now; ``wall_ns`` is since 1970."""

    now: MonotonicNs
    wall_ns: int

    def seconds(self, at_ns: int) -> float:
        """A time of the monotonic clock as seconds since 1970."""
        return (self.wall_ns - self.now + at_ns) / SECOND_NS

    def text(self, at_ns: int | None) -> Time | None:
        """A time of the monotonic clock in UTC, as RFC 3339 writes it."""
        if at_ns is None:
            return None
        return time_text(datetime.fromtimestamp(self.seconds(at_ns), UTC))
