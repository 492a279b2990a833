"""One sweep over a fixed set of targets: each is poked until it answers or its tries are over.

Owns the results of ``pokepodsd once``. Uses the daemon's own pacing, packets and matching, and
believes nothing: one answer, or none, is the result.
"""

from collections.abc import Iterable, Iterator, Mapping

from pokepodsd.core.config import PokeConfig
from pokepodsd.core.inflight import InFlight
from pokepodsd.core.model import (
    Channel,
    Datagram,
    Family,
    IcmpError,
    MonotonicNs,
    Outcome,
    OutcomeKind,
    Send,
    Target,
    TargetId,
)
from pokepodsd.core.pacing import Pacing


class Sweep:
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
        self._targets = {target.id: target for target in targets}
        self._left = dict.fromkeys(self._targets, tries)
        self._pacing = Pacing(interval_ns=poke.interval_ns, max_rate=poke.max_rate, now=now)
        for target_id in self._targets:
            self._pacing.add(target_id)
        self._in_flight: Mapping[Family, InFlight] = {
            channel.family: InFlight(channel, cookie=cookie, timeout_ns=poke.timeout_ns)
            for channel in channels
        }
        self.results: dict[TargetId, Outcome] = {}

    @property
    def is_done(self) -> bool:
        """Whether every target has its result."""
        return len(self.results) == len(self._targets)

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        """The echo requests that are to be sent now."""
        for turn in self._pacing.take(now):
            # One turn for each try: the quick pokes of the daemon's newcomers are not wanted.
            self._pacing.remove(turn.id)
            target = self._targets[turn.id]
            opened = self._in_flight[target.family].open(target, now, opening=False)
            if opened is None:
                self._pacing.add(turn.id)
            else:
                self._left[turn.id] -= 1
                yield Send(probe=opened[0], packet=opened[1])

    def sent(self, now: MonotonicNs) -> None:
        """All that was due has been sent by ``now``."""
        self._pacing.sent(now)

    def send_failed(self, send: Send, errno_name: str, now: MonotonicNs) -> None:
        """The kernel did not take a packet."""
        in_flight = self._in_flight[send.probe.target.family]
        self._take(in_flight.fail_send(send.probe, errno_name, now))

    def receive(self, datagram: Datagram, now: MonotonicNs) -> None:
        """A datagram arrived."""
        self._take(self._in_flight[datagram.family].match_reply(datagram, now))

    def receive_error(self, error: IcmpError, now: MonotonicNs) -> None:
        """An ICMP error arrived."""
        self._take(self._in_flight[error.family].match_error(error, now))

    def tick(self, now: MonotonicNs) -> None:
        """Give up what is over."""
        for in_flight in self._in_flight.values():
            for outcome in in_flight.expire(now):
                self._take(outcome)

    def next_wake(self) -> MonotonicNs | None:
        """When something is due; None when nothing is left to do."""
        times = [self._pacing.next_due()]
        times += [in_flight.next_expiry() for in_flight in self._in_flight.values()]
        return min((time for time in times if time is not None), default=None)

    def _take(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        target_id = outcome.probe.target.id
        if outcome.kind is not OutcomeKind.REPLIED and self._left[target_id] > 0:
            self._pacing.add(target_id)
        else:
            self.results[target_id] = outcome
