"""One sweep over a fixed set of targets: each is poked until it answers or its tries are over.

Owns the results of ``pokepodsd once``. Uses the daemon's own pacing, packets and matching, and
believes nothing: one answer, or none, is the result.
"""

from collections.abc import Iterable, Iterator

from pokepodsd.core.bucket import Bucket
from pokepodsd.core.config import PokeConfig
from pokepodsd.core.flights import Flights
from pokepodsd.core.model import (
    Channel,
    MonotonicNs,
    Outcome,
    OutcomeKind,
    Send,
    Target,
    TargetId,
)
from pokepodsd.core.pacing import Pacing
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
        cookie: int,
        now: MonotonicNs,
    ) -> None:
        super().__init__(Flights(channels, cookie=cookie, timeout_ns=poke.timeout_ns))
        self._targets = {target.id: target for target in targets}
        self._left = dict.fromkeys(self._targets, tries)
        self._bucket = Bucket(max_rate=poke.max_rate, now=now)
        self._pacing = Pacing(self._bucket, interval_ns=poke.interval_ns, now=now)
        for target_id in self._targets:
            self._pacing.add(target_id)
        self.results: dict[TargetId, Outcome] = {}

    @property
    def is_done(self) -> bool:
        """Whether every target has its result."""
        return len(self.results) == len(self._targets)

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        """The echo requests that are to be sent now."""
        self._bucket.open(now)
        for turn in self._pacing.take(now):
            # One turn for each try: the quick pokes of the daemon's newcomers are not wanted.
            self._pacing.remove(turn.id)
            target = self._targets[turn.id]
            send = self._flights.open(target, now, opening=False)
            if send is None:
                self._pacing.add(turn.id)
            else:
                self._left[turn.id] -= 1
                yield send

    def sent(self, now: MonotonicNs) -> None:
        """All that was due has been sent by ``now``."""
        self._bucket.sent(now)
        self._pacing.sent(now)

    def next_wake(self) -> MonotonicNs | None:
        """When something is due; None when nothing is left to do."""
        times = (self._pacing.next_due(), self._flights.next_expiry())
        return min((time for time in times if time is not None), default=None)

    def _take(self, outcome: Outcome, _: int | None, /) -> None:
        target_id = outcome.probe.target.id
        if outcome.kind is not OutcomeKind.REPLIED and self._left[target_id] > 0:
            self._pacing.add(target_id)
        else:
            self.results[target_id] = outcome
