"""Owns measuring one leg: how soon every pair is open, what that costs, how many pods come up.

Refuses to judge.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.cluster import Cluster
from tests.lab import Node
from tests.rollout.legs import Leg
from tests.rollout.openness import seconds_until_open
from tests.rollout.timings import IDLE_SECONDS, TUNNELS_INTERVAL, Scale
from tests.rollout.workload import Workload

FLUSHES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One leg. None is never: not within `patience_seconds`.

    Seconds are those of the clock here; a minute is one of a cluster.
    """

    name: str
    what: str
    starts: int
    came_up: int
    open_after_boot_seconds: float | None
    open_after_flushes_seconds: list[float | None]
    packets_a_minute: float
    patience_seconds: float

    @property
    def rate(self) -> float:
        return self.came_up / self.starts

    @property
    def open_after_flush_seconds(self) -> float | None:
        """The longest time; never, if it was never once."""
        seconds = [one for one in self.open_after_flushes_seconds if one is not None]
        is_always = len(seconds) == len(self.open_after_flushes_seconds)
        return max(seconds) if is_always else None


def measure(cluster: Cluster, leg: Leg, workload: Workload, chance: random.Random) -> Result:
    """Run a leg: boot, idle, flush after flush at any moment, and then the workload."""
    nodes = cluster.lab.nodes
    # Three turns of what pokes the least often, and a loop on every node for its round.
    patience_seconds = 3 * TUNNELS_INTERVAL.seconds + len(nodes)
    cluster.lab.flush_conntrack()
    with leg.poking(cluster) as started_ns:
        after_boot = seconds_until_open(nodes, started_ns, patience_seconds)
        packets = _packets_a_minute(nodes)
        # What nobody opened, no flush shuts.
        after_flushes: list[float | None] = [None]
        if after_boot is not None:
            moments = [chance.uniform(0, TUNNELS_INTERVAL.seconds) for _ in range(FLUSHES)]
            after_flushes = [_flush_after(cluster, one, patience_seconds) for one in moments]
        outcomes = workload.play()
    return Result(
        name=leg.name,
        what=leg.what,
        starts=len(outcomes),
        came_up=sum(outcomes),
        open_after_boot_seconds=after_boot,
        open_after_flushes_seconds=after_flushes,
        packets_a_minute=packets,
        patience_seconds=patience_seconds,
    )


def _flush_after(cluster: Cluster, moment: float, patience_seconds: float) -> float | None:
    time.sleep(moment)
    cluster.lab.flush_conntrack()
    return seconds_until_open(cluster.lab.nodes, time.monotonic_ns(), patience_seconds)


def _packets_a_minute(nodes: Sequence[Node]) -> float:
    """What leaves a node into its tunnels while no pod starts, on average of all nodes."""
    before, begin = _left(nodes), time.monotonic()
    time.sleep(IDLE_SECONDS)
    packets, seconds = _left(nodes) - before, time.monotonic() - begin
    return packets / len(nodes) / (seconds * Scale.SECONDS) * 60


def _left(nodes: Sequence[Node]) -> int:
    return sum(node.tunnel.packets().left for node in nodes)
