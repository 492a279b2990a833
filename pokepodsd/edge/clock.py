"""Monotonic and wall time: the only place where the clocks are read."""

import ctypes
import time

from pokepodsd.core.model import MonotonicNs, WallNs

_TIME_ERROR = 5  # linux/timex.h: "clock not synchronized"


def monotonic_ns() -> MonotonicNs:
    """The time that all due times and expiries are on."""
    return MonotonicNs(time.monotonic_ns())


def wall_ns() -> WallNs:
    """The time that kernel receive stamps are on."""
    return WallNs(time.time_ns())


def asleep_ns() -> int:
    """How long this host was suspended since it booted: CLOCK_BOOTTIME goes on meanwhile."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()


def is_synchronised() -> bool | None:
    """Whether the kernel takes the wall clock for synchronised (adjtimex(2)); None: unknown."""
    # Modes of 0 change nothing; struct timex has 208 bytes on 64 bits.
    buffer = ctypes.create_string_buffer(512)
    try:
        state: int = ctypes.CDLL(None).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR
