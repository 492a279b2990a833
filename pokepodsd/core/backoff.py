"""Retry delays that grow and are jittered.

Owns the arithmetic only: the caller waits, and hands in the dice.
"""

from collections.abc import Callable

Roll = Callable[[], float]


class Backoff:
    """Delays of ``first``, twice that, and so on up to ``longest`` seconds.

    Each is drawn from its upper half ("equal jitter", AWS Architecture Blog, Exponential Backoff
    And Jitter, 2015), so that nodes that lost the API server together do not return together.
    """

    def __init__(self, *, first: float, longest: float, roll: Roll) -> None:
        self._first = first
        self._longest = longest
        self._roll = roll
        self.attempts = 0

    def next(self) -> float:
        """The delay before the next attempt, in seconds."""
        # Beyond 2**30 the doubling has long passed any sensible limit.
        full = min(self._longest, self._first * 2.0 ** min(self.attempts, 30))
        self.attempts += 1
        return full * (0.5 + self._roll() / 2)

    def reset(self) -> None:
        """Start over: the last attempt worked."""
        self.attempts = 0
