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
    Datagram,
    IcmpError,
    MonotonicNs,
    Outcome,
    OutcomeKind,
    Send,
    Target,
)

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


class Volley:
    """At most ``count`` pokes to one target; `pokes` are those that ended, in that order."""

    def __init__(
        self,
        target: Target,
        channels: Iterable[Channel],
        *,
        count: int,
        timeout_ns: int,
        cookie: int,
        now: MonotonicNs,
    ) -> None:
        self._target = target
        self._flights = Flights(channels, cookie=cookie, timeout_ns=timeout_ns)
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

    def send_failed(self, send: Send, errno_name: str, now: MonotonicNs) -> None:
        """The kernel did not take a packet."""
        self._take(self._flights.fail_send(send, errno_name, now))

    def receive(self, datagram: Datagram, now: MonotonicNs) -> None:
        """A datagram arrived."""
        self._take(self._flights.match_reply(datagram, now), datagram.ttl)

    def receive_error(self, error: IcmpError, now: MonotonicNs) -> None:
        """An ICMP error arrived."""
        self._take(self._flights.match_error(error, now))

    def tick(self, now: MonotonicNs) -> None:
        """Give up what is over."""
        for outcome in self._flights.expire(now):
            self._take(outcome)

    def next_wake(self) -> MonotonicNs | None:
        """When something is due; None when nothing is left to do."""
        times = (None if self._is_enough else self._next, self._flights.next_expiry())
        return min((time for time in times if time is not None), default=None)

    def _take(self, outcome: Outcome | None, ttl: int | None = None) -> None:
        if outcome is not None:
            number = outcome.probe.serial + 1
            self.pokes.append(Poke(number=number, outcome=outcome, ttl=ttl))
