"""Composes the stages; the only module that knows their order.

Owns the flow: facts in (records of the reader, saved targets, datagrams, the time), and out of it
what is to be done: packets to send, entries to write. Does none of it.
"""

from collections.abc import Iterable, Iterator, ValuesView

from pokepodsd.core.apibelief import ApiBelief
from pokepodsd.core.config import Config, duration_text
from pokepodsd.core.flights import Flights
from pokepodsd.core.health import HealthBook
from pokepodsd.core.inventory import Delta
from pokepodsd.core.liveness import reason_stuck
from pokepodsd.core.model import (
    MILLISECOND_NS,
    SECOND_NS,
    Channel,
    Datagram,
    Entry,
    EventKind,
    Health,
    IcmpError,
    Level,
    MonotonicNs,
    NodeName,
    Outcome,
    OutcomeKind,
    Send,
    Snapshot,
    Target,
)
from pokepodsd.core.narration import Narrator, merge_withdrawals, tell_failure, tell_reply
from pokepodsd.core.pacing import Pacing
from pokepodsd.core.population import Population
from pokepodsd.core.records import Lost, Record, Refused, Watching

# What is due goes out in ticks: a daemon's cost is its wake-ups, not its packets. 50 ms at 200
# pokes a second are 10 packets a tick.
TICK_NS = 50 * MILLISECOND_NS
# How long a change is held back while others of its node are about to change too: intervals, and
# a limit. A node's targets fail in a row within their turns of some intervals; they come back
# within one, and a target that stays down must not hold back the others for longer.
_HOLDS = {
    Health.DOWN: (3, 15 * SECOND_NS),
    Health.UP: (1, 5 * SECOND_NS),
}


class Engine:
    """The whole thinking of the daemon, without its doing."""

    def __init__(
        self, config: Config, channels: Iterable[Channel], *, cookie: int, now: MonotonicNs
    ) -> None:
        poke = config.poke
        self._config = config
        self._flights = Flights(channels, cookie=cookie, timeout_ns=poke.timeout_ns)
        self._population = Population(config.kubernetes, self._flights.families)
        self._pacing = Pacing(interval_ns=poke.interval_ns, max_rate=poke.max_rate, now=now)
        self._health = HealthBook()
        self._narrator = Narrator()
        self._api = ApiBelief(now)
        self._entries: list[Entry] = []
        self.revision = 0
        """Grows with every change of the set of targets."""
        self._is_stretch_told = False
        self._last_tick = MonotonicNs(now - TICK_NS)

    @property
    def node(self) -> NodeName | None:
        """This node's own name, once the reader said it."""
        return self._population.selection.node

    @property
    def targets(self) -> ValuesView[Target]:
        """Every target there is."""
        return self._population.all()

    def reconfigure(self, config: Config) -> None:
        """Take a new configuration; every target and belief stays."""
        self._config = config
        self._population.set_config(config.kubernetes)
        self._pacing.set_limits(interval_ns=config.poke.interval_ns, max_rate=config.poke.max_rate)
        self._flights.set_timeout(config.poke.timeout_ns)

    def set_own_addresses(self, addresses: frozenset[str]) -> None:
        """The addresses of this host, which are never targets."""
        self._population.set_own_addresses(addresses)

    def restore(self, saved: Iterable[Target], now: MonotonicNs) -> None:
        """Poke the last known targets until the API server confirms or denies them."""
        for delta in self._population.restore(saved):
            self._apply(delta, now)

    def take(self, record: Record, now: MonotonicNs) -> None:
        """Take one record of the reader."""
        match record:
            case Watching(scope=scope):
                self._entries += self._api.watching(scope, now)
            case Lost(reason=reason):
                self._api.lost(reason, now)
            case Refused(message=message):
                self._entries += self._api.refused(message)
            case _:
                pass
        for delta in self._population.take(record):
            self._apply(delta, now)

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        """The echo requests that are to be sent now."""
        self._last_tick = now
        for turn in self._pacing.take(now):
            target = self._population.get(turn.id)
            if target is None:
                raise LookupError(f"a turn for {turn.id}, which is no target")
            send = self._flights.open(target, now, opening=turn.opening)
            if send is not None:
                self._health.sent(send.probe)
                yield send

    def sent(self, now: MonotonicNs) -> None:
        """All that was due has been sent by ``now``."""
        self._pacing.sent(now)

    def send_failed(self, send: Send, errno_name: str, now: MonotonicNs) -> None:
        """The kernel did not take a packet."""
        self._judge(self._flights.fail_send(send, errno_name, now))

    def receive(self, datagram: Datagram, now: MonotonicNs) -> None:
        """A datagram arrived."""
        outcome = self._flights.match_reply(datagram, now)
        if outcome is not None:
            self._judge(outcome)

    def receive_error(self, error: IcmpError, now: MonotonicNs) -> None:
        """An ICMP error arrived."""
        outcome = self._flights.match_error(error, now)
        if outcome is not None:
            self._judge(outcome)

    def tick(self, now: MonotonicNs) -> None:
        """Do what is due by the time alone: give up probes, tell what was held back."""
        for outcome in self._flights.expire(now):
            self._judge(outcome)
        self._entries += self._narrator.flush(now, self._health.tally)
        self._entries += self._api.tick(now)
        self._tell_stretch()

    def finish(self) -> None:
        """Tell what is still held back; the last act before the stop."""
        self._entries += self._narrator.flush_all(self._health.tally)

    def take_entries(self) -> list[Entry]:
        """The entries to write, which are handed out once."""
        entries = self._population.entries + self._entries
        self._population.entries, self._entries = [], []
        return merge_withdrawals(entries)

    def next_wake(self) -> MonotonicNs:
        """When the loop is to come back, if nothing happens before."""
        times = [self._pacing.next_due(), self._narrator.next_flush(), self._api.next_due()]
        times.append(self._flights.next_expiry())
        known = [time for time in times if time is not None]
        earliest = MonotonicNs(self._last_tick + TICK_NS)
        return max(min(known), earliest) if known else MonotonicNs(self._last_tick + 60 * TICK_NS)

    def reason_stuck(self, now: MonotonicNs) -> str | None:
        """Why no progress is made, or None if it is."""
        return reason_stuck(
            now, next_poke=self._pacing.next_due(), next_expiry=self._flights.next_expiry()
        )

    def snapshot(self) -> Snapshot:
        """The state as it is now."""
        counts = self._health.counts
        return Snapshot(
            targets=len(self._population),
            up=counts[Health.UP],
            down=counts[Health.DOWN],
            opening=counts[Health.OPENING],
            api=str(self._api),
            interval_ns=self._pacing.interval_ns,
            sent=self._flights.sent,
            received=self._flights.received,
            strays=self._flights.strays(),
        )

    def _apply(self, delta: Delta, now: MonotonicNs) -> None:
        self.revision += bool(delta.added or delta.changed or delta.withdrawn)
        for target in delta.withdrawn:
            self._pacing.remove(target.id)
            record = self._health.remove(target.id)
            if record is not None:
                self._entries += self._narrator.withdraw(target, record, now)
        for target in delta.changed:
            self._health.change(target)
        for target in delta.added:
            self._health.add(target, now)
            self._pacing.add(target.id)

    def _judge(self, outcome: Outcome) -> None:
        if outcome.kind is OutcomeKind.REPLIED:
            self._pacing.settle(outcome.probe.target.id)
            if self._config.log.level == "debug":
                self._entries.append(tell_reply(outcome))
        elif self._config.log.failures == "each" and outcome.probe.target.id in self._population:
            self._entries.append(tell_failure(outcome))
        transition = self._health.judge(outcome, self._config.poke.fail_after)
        if transition is not None:
            counts = self._health.tally(transition.target.node)
            intervals, longest_ns = _HOLDS[transition.after]
            hold_ns = min(intervals * self._pacing.interval_ns, longest_ns)
            self._narrator.note(transition, counts, hold_ns=hold_ns)

    def _tell_stretch(self) -> None:
        is_stretched = self._pacing.is_stretched
        is_settled = not (self._population.is_listing or self._pacing.has_unpoked)
        if not is_settled or is_stretched == self._is_stretch_told:
            return
        self._is_stretch_told = is_stretched
        asked = duration_text(self._config.poke.interval_ns)
        if is_stretched:
            kept = duration_text(round(self._pacing.interval_ns, -6))
            text = (
                f"{len(self._pacing)} targets at {self._config.poke.max_rate} packets a second: "
                f"each is poked every {kept} instead of every {asked}. Raise poke.max_rate, or "
                "select fewer pods"
            )
            kind, level = EventKind.INTERVAL_STRETCHED, Level.WARNING
        else:
            text = f"each target is poked every {asked} again"
            kind, level = EventKind.INTERVAL_RESTORED, Level.INFO
        self._entries.append(Entry(kind=kind, level=level, text=text))
