"""One sweep over a fixed set of targets: each is poked until it answers or its tries are over.

Owns the results of ``pokepodsd once``. Uses the daemon's own cap, packets and matching, and
believes nothing: one answer, or none, is the result.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from pokepodsd.core.bucket import Bucket
from pokepodsd.core.config import PokeConfig
from pokepodsd.core.flights import Flights
from pokepodsd.core.model import (
    Channel,
    Draw,
    MonotonicNs,
    Outcome,
    OutcomeKind,
    Send,
    Target,
    TargetId,
)
from pokepodsd.core.sending import Sender


class Sweep(Sender):
    """The targets of a sweep, and what became of them."""

    def __init__(
        self,
        targets: Iterable[Target],
        channels: Iterable[Channel],
        poke: PokeConfig,
        *,
        tries: int,
        draw: Draw,
        now: MonotonicNs,
    ) -> None:
        super().__init__(Flights(channels, draw=draw, timeout_ns=poke.timeout_ns))
        self._targets = {target.id: target for target in targets}
        self._left = dict.fromkeys(self._targets, tries)
        self._bucket = Bucket(max_rate=poke.max_rate, now=now)
        self._waiting = deque(self._targets)
        self.results: dict[TargetId, Outcome] = {}

    @property
    def is_done(self) -> bool:
        """Whether every target has its result."""
        return len(self.results) == len(self._targets)

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        """The echo requests that are to be sent now."""
        self._bucket.open(now)
        for _ in range(self._bucket.room(now)):
            if not self._waiting:
                return
            self._bucket.take()
            target_id = self._waiting.popleft()
            send = self._flights.open(self._targets[target_id], now, opening=False)
            if send is None:
                self._waiting.append(target_id)
            else:
                self._left[target_id] -= 1
                yield send

    def sent(self, now: MonotonicNs) -> None:
        """All that was due has been sent by ``now``."""
        self._bucket.sent(now)

    def next_wake(self) -> MonotonicNs | None:
        """When something is due; None when nothing is left to do."""
        turn = self._bucket.next_token() if self._waiting else None
        times = (turn, self._flights.next_expiry())
        return min((time for time in times if time is not None), default=None)

    def _take(self, outcome: Outcome, _: int | None, /) -> None:
        target_id = outcome.probe.target.id
        if outcome.kind is not OutcomeKind.REPLIED and self._left[target_id] > 0:
            self._waiting.append(target_id)
        else:
            self.results[target_id] = outcome
