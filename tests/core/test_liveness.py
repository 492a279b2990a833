"""Checks what the watchdog follows."""

import pytest

from pokepodsd.core.liveness import PATIENCE_NS, reason_stuck
from pokepodsd.core.model import MonotonicNs
from tests.core.builders import T0


@pytest.mark.parametrize("poke", [None, T0, MonotonicNs(T0 + 1)])
@pytest.mark.parametrize("expiry", [None, T0, MonotonicNs(T0 + 1)])
def test_nothing_overdue_is_progress(poke: MonotonicNs | None, expiry: MonotonicNs | None) -> None:
    """Nothing due, or due only now or later, is no stuck loop: neither is a cluster of no pods."""
    assert reason_stuck(T0, next_poke=poke, next_expiry=expiry) is None


@pytest.mark.parametrize(("late", "is_stuck"), [(PATIENCE_NS, False), (PATIENCE_NS + 1, True)])
def test_patience_ends_at_its_limit(late: int, is_stuck: bool) -> None:
    """A loaded host may be late; a poke or a probe left for longer is a stuck loop."""
    due = MonotonicNs(T0 - late)
    for_poke = reason_stuck(T0, next_poke=due, next_expiry=None)
    for_expiry = reason_stuck(T0, next_poke=None, next_expiry=due)
    assert (for_poke is not None, for_expiry is not None) == (is_stuck, is_stuck)


def test_reason_says_what_is_stuck_and_for_how_long() -> None:
    """The journal entry names the work that was left, in whole seconds."""
    due = MonotonicNs(T0 - 75_900_000_000)
    poke = reason_stuck(T0, next_poke=due, next_expiry=None)
    expiry = reason_stuck(T0, next_poke=None, next_expiry=due)
    assert poke == "a poke is due since 1m15s, and nothing was done about it"
    assert expiry == "a probe is over since 1m15s, and nothing was done about it"
