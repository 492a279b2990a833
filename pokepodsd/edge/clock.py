"""Monotonic and wall time: the only place where the clocks are read."""

import time

from pokepodsd.core.model import MonotonicNs, WallNs


def monotonic_ns() -> MonotonicNs:
    """The time that all due times and expiries are on."""
    return MonotonicNs(time.monotonic_ns())


def wall_ns() -> WallNs:
    """The time that kernel receive stamps are on."""
    return WallNs(time.time_ns())


def asleep_ns() -> int:
    """How long this host was suspended since it booted: CLOCK_BOOTTIME goes on meanwhile."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
