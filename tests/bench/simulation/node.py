"""One node of a simulated cluster: the daemon's engine with its reader, in virtual time.

Owns the node's own view: its routes, its address, its reader. Everything answers.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pokepodsd.core.config import Config
from pokepodsd.core.engine import TICK_NS, Engine
from pokepodsd.core.entries import EventKind
from pokepodsd.core.model import SECOND_NS, Layer, MonotonicNs
from tests.bench.simulation.reader import Reader, Usage
from tests.bench.simulation.server import Server
from tests.core.builders import T0, V4, draw_cookie, make_config
from tests.core.nodes import UPLINK, own_address, routes, tunnel_address
from tests.core.world import World

Tables = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one node did in a stretch of steady time, and what its daemon says of itself.

    ``most_in_second`` is the fullest second's number of pokes; it ``is_narrowed`` where the daemon
    told so in its journal.
    """

    seconds: float
    pokes: dict[Layer, int]
    own_pod_pokes: int
    most_in_second: int
    usage: Usage
    is_narrowed: bool
    interval_seconds: float
    first_list_bytes: int
    pods_known: int
    pods_poked: int


def make_reader(server: Server, number: int, config: Config | None = None) -> Reader:
    """The reader of a node, with dice of its own."""
    dice = random.Random(f"reader {number}")
    return Reader(server, number, (config or make_config()).kubernetes, dice.random)


class SimulatedNode:
    """A node of a cluster, from its daemon's start on."""

    def __init__(self, server: Server, number: int, tables: Tables | None = None) -> None:
        config = make_config(**(tables or {}))
        engine = Engine(config, (V4,), draw=draw_cookie, now=T0)
        self.world = World(engine=engine)
        self.reader = make_reader(server, number, config)
        self._own_pods = tunnel_address(number).removesuffix("0")
        engine.set_own_addresses(frozenset({own_address(number)}), T0)
        self.world.dump(UPLINK, *routes(*(n for n in range(server.nodes) if n != number)))

    def run(self, seconds: float) -> None:
        """Let time pass as in the daemon's loop: in ticks, and asleep while nothing is due."""
        world = self.world
        end = MonotonicNs(world.now + round(seconds * SECOND_NS))
        while world.now < end:
            for record in self.reader.turn(world.now - T0):
                world.engine.take(record, world.now)
            world.turn()
            wake = min(world.engine.next_wake(), T0 + self.reader.next_due(), end)
            world.now = MonotonicNs(max(world.now + TICK_NS, wake))

    def observe(self, seconds: float) -> Observed:
        """What happens in so many seconds from now on."""
        self.world.forget_sends()
        before = replace(self.reader.usage)
        self.run(seconds)
        stages = self.world.engine.stages
        snapshot = self.world.engine.snapshot()
        pods = self.world.by_layer[Layer.POD]
        a_second = Counter(int(when) for when, _ in self.world.sends)
        return Observed(
            seconds=seconds,
            pokes={layer: len(sends) for layer, sends in self.world.by_layer.items()},
            own_pod_pokes=sum(one.startswith(self._own_pods) for _, one in pods),
            most_in_second=max(a_second.values(), default=0),
            usage=self.reader.usage.less(before),
            is_narrowed=EventKind.SCOPE_NARROWED in self.world.told(),
            first_list_bytes=before.list_bytes,
            interval_seconds=snapshot.interval_ns / SECOND_NS,
            pods_known=snapshot.targets,
            pods_poked=len(stages.poking.lanes[Layer.POD]),
        )
