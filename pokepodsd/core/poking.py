"""Every target's turns, probes and belief, by layer.

Owns that the three go together: what has a turn has a belief, and what is withdrawn has neither.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pokepodsd.core.config import Config
from pokepodsd.core.flights import Flights
from pokepodsd.core.health import HealthBook, Record
from pokepodsd.core.lanes import Lanes
from pokepodsd.core.model import (
    Channel,
    Draw,
    Layer,
    MonotonicNs,
    NodeName,
    Outcome,
    OutcomeKind,
    Send,
    Target,
    TargetId,
    Transition,
)
from pokepodsd.core.pacing import OPENING_OFFSETS_NS
from pokepodsd.core.shortage import Shortage
from pokepodsd.core.statistics import Ledger

# A tunnel or a node is down when nothing of a whole burst was answered: some 4 s after the first
# poke that was lost. Fewer would let one short outage of the network flap it.
BURST_LENGTH = len(OPENING_OFFSETS_NS)
# The nodes' own addresses are asked seldom, but beside each tunnel that fails: 5,000 of them are
# 17 packets a second, where the tunnels are 167.
UNDERLAY_INTERVALS = 10


@dataclass(frozen=True, slots=True)
class Held:
    """Targets that nothing is sent to: tunnels by their id, and every pod of some nodes."""

    tunnels: frozenset[TargetId] = frozenset()
    nodes: frozenset[NodeName] = frozenset()

    def __contains__(self, target: Target) -> bool:
        if target.layer is Layer.POD:
            return target.node in self.nodes
        return target.id in self.tunnels


class Poking:
    """The targets that are poked."""

    def __init__(
        self, config: Config, channels: Iterable[Channel], *, draw: Draw, now: MonotonicNs
    ) -> None:
        self._config = config
        self.flights = Flights(channels, draw=draw, timeout_ns=config.poke.timeout_ns)
        self.lanes = Lanes(_intervals(config), max_rate=config.poke.max_rate, now=now)
        self.books = {layer: HealthBook() for layer in Layer}
        self.ledger = Ledger()
        self.shortage = Shortage()
        self._held = Held()

    @property
    def max_rate(self) -> int:
        """The cap on all pokes, packets a second."""
        return self._config.poke.max_rate

    def reconfigure(self, config: Config) -> None:
        """Take new settings; every target and belief stays."""
        self._config = config
        self.lanes.set_limits(_intervals(config), max_rate=config.poke.max_rate)
        self.flights.set_timeout(config.poke.timeout_ns)

    def add(self, target: Target, now: MonotonicNs) -> None:
        """A new target: its first turn is now."""
        self.books[target.layer].add(target, now)
        if target in self._held:
            return
        if target.layer is Layer.UNDERLAY:
            # It has time: 5,000 of them at once would keep the first pokes of pods waiting.
            self.lanes[target.layer].join(target.id, now)
        else:
            self.lanes[target.layer].add(target.id)

    def change(self, target: Target) -> None:
        """The same target under another name, node or address."""
        self.books[target.layer].change(target)

    def remove(self, layer: Layer, target_id: TargetId) -> Record | None:
        """Forget a target; what was believed of it is returned."""
        self.lanes[layer].remove(target_id)
        return self.books[layer].remove(target_id)

    def get(self, layer: Layer, target_id: TargetId) -> Record | None:
        """The belief about a target, if it is poked."""
        return self.books[layer].get(target_id)

    def start_again(self, target: Target) -> None:
        """Poke it as if it were new."""
        if target not in self._held:
            self.lanes[target.layer].remove(target.id)
            self.lanes[target.layer].add(target.id)

    def burst(self, layer: Layer, target_id: TargetId) -> None:
        """Poke a target quickly until it answers; not one whose pokes are held."""
        self.lanes[layer].burst(target_id)

    def hold(self, held: Held) -> None:
        """Send nothing to these from now on, and to those before again, at once."""
        self._held = held
        for layer, book in self.books.items():
            lane = self.lanes[layer]
            for record in book.all():
                target = record.target
                if target in held:
                    lane.remove(target.id)
                elif target.id not in lane:
                    lane.add(target.id)

    def due(self, now: MonotonicNs) -> Iterator[Send]:
        """The echo requests that are to be sent now."""
        for layer, (target_id, is_new) in self.lanes.take(now):
            book = self.books[layer]
            record = book.get(target_id)
            if record is None:
                raise LookupError(f"a turn for {target_id}, which is no target")
            # A tunnel, and what is behind it, loses its first poke by design; a node does not.
            is_opening = is_new and layer is not Layer.UNDERLAY
            send = self.flights.open(record.target, now, opening=is_opening)
            if send is not None:
                book.sent(send.probe)
                yield send

    def note(self, outcome: Outcome) -> Outcome:
        """Count the end of one probe; the same, or what it is where this host lacks room."""
        self.ledger.note(outcome)
        return self.shortage.note(outcome)

    def judge(self, outcome: Outcome) -> Transition | None:
        """Take one Outcome; the change of belief that it causes, if any."""
        target = outcome.probe.target
        layer = target.layer
        if outcome.kind is OutcomeKind.REPLIED:
            self.lanes[layer].settle(target.id)
        fail_after = self._config.poke.fail_after if layer is Layer.POD else BURST_LENGTH
        return self.books[layer].judge(outcome, fail_after)


def _intervals(config: Config) -> dict[Layer, int]:
    tunnels_ns = config.tunnels.interval_ns
    return {
        Layer.TUNNEL: tunnels_ns,
        Layer.UNDERLAY: UNDERLAY_INTERVALS * tunnels_ns,
        Layer.POD: config.poke.interval_ns,
    }
