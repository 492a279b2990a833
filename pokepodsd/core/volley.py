"""Some pokes to one address, one after the other: what `pokepodsd trace` sends at one layer.

Owns when the next one leaves, and when it is enough. Uses the daemon's own packets and matching.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pokepodsd.core.flights import Flights
from pokepodsd.core.model import (
    MILLISECOND_NS,
    Channel,
    Draw,
    MonotonicNs,
    Outcome,
    OutcomeKind,
    Send,
    Target,
)
from pokepodsd.core.sending import Sender

GAP_NS: Final = 200 * MILLISECOND_NS
# Of pokes that pass, so many show it.
ENOUGH: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Poke:
    """One poke that ended; ``number`` counts from 1, ``ttl`` is None where the reply shows none."""

    number: int
    outcome: Outcome
    ttl: int | None = None

    @property
    def is_answered(self) -> bool:
        """Whether it was replied to."""
        return self.outcome.kind is OutcomeKind.REPLIED


class Volley(Sender):
    """At most ``count`` pokes to one target; `pokes` are those that ended, in that order."""

    def __init__(
        self,
        target: Target,
        channels: Iterable[Channel],
        *,
        count: int,
        timeout_ns: int,
        draw: Draw,
        now: MonotonicNs,
    ) -> None:
        self._target = target
        super().__init__(Flights(channels, draw=draw, timeout_ns=timeout_ns))
        self._left = count
        self._next = now
        self.pokes: list[Poke] = []

    @property
    def is_done(self) -> bool:
        """Whether none is to be sent any more, and each that was sent has ended."""
        return self._is_enough and len(self.pokes) == self._flights.sent

    @property
    def _is_enough(self) -> bool:
        return self._left == 0 or sum(poke.is_answered for poke in self.pokes) >= ENOUGH

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        """The echo request that is to be sent now, if one is."""
        if self._is_enough or now < self._next:
            return
        self._left -= 1
        self._next = MonotonicNs(now + GAP_NS)
        if (send := self._flights.open(self._target, now, opening=False)) is not None:
            yield send

    def sent(self, now: MonotonicNs) -> None:
        """All that was due has been sent."""

    def next_wake(self) -> MonotonicNs | None:
        """When something is due; None when nothing is left to do."""
        times = (None if self._is_enough else self._next, self._flights.next_expiry())
        return min((time for time in times if time is not None), default=None)

    def _take(self, outcome: Outcome, ttl: int | None, /) -> None:
        self.pokes.append(Poke(number=outcome.probe.serial + 1, outcome=outcome, ttl=ttl))
