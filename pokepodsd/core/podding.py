"""The pods at work: from the reader's records to pokes and entries.

Owns which of the known pods are poked, and the telling of what becomes of them.
"""

from collections.abc import Iterable, Iterator, Mapping

from pokepodsd.core.config import Config
from pokepodsd.core.decisions import MoodOf
from pokepodsd.core.entries import Entry
from pokepodsd.core.inventory import Delta
from pokepodsd.core.model import (
    SECOND_NS,
    Health,
    Layer,
    MonotonicNs,
    NodeName,
    Target,
    Transition,
)
from pokepodsd.core.narration import Narrator
from pokepodsd.core.pacebelief import PaceBelief
from pokepodsd.core.poking import Poking
from pokepodsd.core.population import Population
from pokepodsd.core.records import Record
from pokepodsd.core.scope import Chooser

# How long a change is held back while others of its node are about to change too: intervals, and
# a limit. A node's targets fail in a row within their turns of some intervals; they come back
# within one, and a target that stays down must not hold back the others for longer.
_HOLDS = {
    Health.DOWN: (3, 15 * SECOND_NS),
    Health.UP: (1, 5 * SECOND_NS),
}
# Each pod of a peer that is well again was poked within so many intervals, also where newcomers go
# first.
_AGAIN = 2
# With pods.scope "auto" all are poked while poke.max_rate carries them within so many intervals.
_STRETCH = 2


class Podding:
    """The pods that are known, and those that are poked."""

    def __init__(self, poking: Poking, config: Config, now: MonotonicNs) -> None:
        self._poking = poking
        self._config = config
        self.population = Population(config.kubernetes, poking.flights.families)
        pods = config.pods
        self._chooser = Chooser(
            setting=pods.scope, per_node=pods.per_node, most=_most(config), now=now
        )
        self._narrator = Narrator()
        self._pace = PaceBelief()
        self._entries: list[Entry] = []
        self.revision = 0
        """Grows with every change of the set of targets."""

    def reconfigure(self, config: Config) -> None:
        """Take a new configuration; every target and belief stays."""
        self._config = config
        self.population.set_config(config.kubernetes)
        pods = config.pods
        self._chooser.set_limits(setting=pods.scope, per_node=pods.per_node, most=_most(config))

    def restore(self, saved: Iterable[Target], now: MonotonicNs) -> Iterator[Delta]:
        """Take the last known targets; what changed."""
        for delta in self.population.restore(saved):
            self._apply(delta, now, is_new=False)
            yield delta

    def set_own_addresses(self, addresses: frozenset[str], now: MonotonicNs) -> Delta:
        """The addresses of this host; what changed."""
        delta = self.population.set_own_addresses(addresses)
        self._apply(delta, now, is_new=False)
        return delta

    def take(self, record: Record, now: MonotonicNs, *, is_new: bool) -> Iterator[Delta]:
        """Take one record of the reader; ``is_new`` if what it adds has just begun to exist."""
        for delta in self.population.take(record):
            self._apply(delta, now, is_new=is_new)
            yield delta
        self._chooser.set_node(self.population.selection.node)

    def withdraw_part(self, now: MonotonicNs) -> Iterator[Delta]:
        """Withdraw a part of what a list did not name, where that is much."""
        if self.population.is_withdrawing:
            delta = self.population.withdraw_part()
            self._apply(delta, now, is_new=False)
            yield delta

    def settle(self, uncovered: Mapping[NodeName, bool], now: MonotonicNs) -> None:
        """Let what was learnt have its effect on what is poked.

        ``uncovered`` are nodes for which a pod stands in, since no tunnel is known; or no longer.
        """
        for node, is_needed in uncovered.items():
            self._chooser.keep_one(node, is_needed)
        choice = self._chooser.settle(now)
        records = (self._poking.remove(Layer.POD, target_id) for target_id in choice.dropped)
        for record in filter(None, records):
            self._entries += self._narrator.withdraw(record.target, record, now)
        for target in choice.chosen:
            self._poking.add(target, now)

    def note(self, transition: Transition, mood: MoodOf) -> None:
        """A belief about a pod changed, and is worth telling."""
        node = transition.target.node
        counts = self._poking.books[Layer.POD].tally(node)
        hold_ns = self._hold_ns(transition.after)
        felt = mood(node, transition.outcome.probe.sent_ns)
        self._narrator.note(transition, counts, hold_ns=hold_ns, mood=felt)

    def tick(self, mood: MoodOf, now: MonotonicNs) -> None:
        """Tell what was held back for long enough."""
        tally = self._poking.books[Layer.POD].tally
        interval_ns = self._poking.lanes[Layer.POD].interval_ns
        hold_ns = max(self._hold_ns(Health.DOWN), _AGAIN * interval_ns)
        self._entries += self._narrator.flush(now, tally, mood, hold_ns=hold_ns)
        if not self.population.is_listing:
            lane = self._poking.lanes[Layer.POD]
            self._entries += self._pace.tick(lane, self._chooser, config=self._config)

    def finish(self) -> None:
        """Tell everything that is held back."""
        self._entries += self._narrator.flush_all(self._poking.books[Layer.POD].tally)

    def take_entries(self) -> list[Entry]:
        """The entries to write, each handed out once."""
        entries = self.population.entries + self._entries
        self.population.entries, self._entries = [], []
        return entries

    def next_due(self) -> MonotonicNs | None:
        """When `settle` or `tick` has something to do by the time alone."""
        if self.population.is_withdrawing:
            return MonotonicNs(0)
        times = (self._narrator.next_flush(), self._chooser.next_due())
        return min((time for time in times if time is not None), default=None)

    def _apply(self, delta: Delta, now: MonotonicNs, *, is_new: bool) -> None:
        if delta.added or delta.changed or delta.withdrawn:
            self.revision += 1
        for target in delta.withdrawn:
            self._chooser.remove(target.id)
        for target in delta.changed:
            self._chooser.change(target)
            if self._poking.get(Layer.POD, target.id) is not None:
                self._poking.change(target)
        for target in delta.added:
            self._chooser.add(target, now, is_new=is_new)

    def _hold_ns(self, health: Health) -> int:
        intervals, longest_ns = _HOLDS[health]
        return min(intervals * self._poking.lanes[Layer.POD].interval_ns, longest_ns)


def _most(config: Config) -> int:
    """How many targets are all poked with ``pods.scope`` "auto"."""
    return config.poke.max_rate * _STRETCH * config.poke.interval_ns // SECOND_NS
