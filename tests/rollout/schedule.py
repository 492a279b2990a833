"""Owns what rolls out when: the same seed gives the same pods at the same addresses in every leg.

Pure; refuses to know whether a pod came up.
"""

import collections
import random
from dataclasses import dataclass

from tests.rollout.timings import ROLLOUT

# The pods of each node that are there all the time: the first serves a deployment, the last is
# dead: the API knows it, and it never answers.
LIVING_PODS = 3
DEAD_POD = LIVING_PODS + 1
STORE_POD = 1
# A block of Calico's has 62 more addresses than the tunnel's own and the last.
LAST_POD = 62

PODS = 14
FEWEST_ROLLOUTS = 8
# Shares of the average time between two roll-outs. The shortest is longer than a pod's patience.
GAPS = (0.6, 1.4)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPod:
    """A pod of a roll-out: the index of its node, and which of the node's addresses it has."""

    name: str
    node: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """New pods of a deployment, all of which need the store on one node, and those they replace."""

    at_seconds: float
    store: int
    pods: tuple[NewPod, ...]
    replaced: tuple[NewPod, ...]


def plan(nodes: int, starts: int, seed: int) -> list[Rollout]:
    """Return roll-outs with at least so many pods, at the times since the first that they begin.

    Each node has a store, and a deployment that needs it, whose pods are on all other nodes.
    """
    chance = random.Random(seed)
    size = min(PODS, -(-starts // FEWEST_ROLLOUTS))
    free = [collections.deque(range(DEAD_POD + 1, LAST_POD + 1)) for _ in range(nodes)]
    running: dict[int, tuple[NewPod, ...]] = {}
    rollouts: list[Rollout] = []
    at_seconds = 0.0
    for revision in range(1, -(-starts // size) + 1):
        store = chance.randrange(nodes)
        others = [index for index in range(nodes) if index != store]
        chance.shuffle(others)
        pods = tuple(
            NewPod(
                name=f"web-{store}-{revision}-{place}",
                node=others[place % len(others)],
                number=free[others[place % len(others)]].popleft(),
            )
            for place in range(size)
        )
        replaced = running.get(store, ())
        for pod in replaced:
            free[pod.node].append(pod.number)
        running[store] = pods
        rollouts.append(Rollout(at_seconds=at_seconds, store=store, pods=pods, replaced=replaced))
        at_seconds += ROLLOUT.seconds * chance.uniform(*GAPS)
    return rollouts


def remaining(rollouts: list[Rollout]) -> list[NewPod]:
    """Return the pods that nothing has replaced at the end."""
    gone = {pod.name for rollout in rollouts for pod in rollout.replaced}
    return [pod for rollout in rollouts for pod in rollout.pods if pod.name not in gone]
