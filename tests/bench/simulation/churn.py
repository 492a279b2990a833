"""What changes in a simulated cluster: pods that are replaced, one after the other.

Owns how often and when. The same cluster changes in the same way each time.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from pokepodsd.core.model import SECOND_NS
from tests.bench.simulation.lives import END, START, Life, Stage, lean_object, line, sizes

PODS_A_NODE = 30
# Kubernetes keeps its service levels up to 20 creations, updates and deletions of pods a second
# in the cluster (kubernetes/community, sig-scalability/slos/slos.md), and up to 150,000 pods
# (kubernetes.io, "Considerations for large clusters"). So at most 10 of 150,000 are replaced a
# second there: 0.4 % of the pods a minute. Smaller clusters are taken to change as fast a pod.
REPLACED_A_MINUTE = 60 * 10 / 150_000
# Seconds from a pod's creation, or from its deletion. The recorded ones are closer, since no image
# was pulled; the grace of a deletion is used up by few.
_STARTING = (0.0, 0.1, 1.0, 1.5, 4.0, 10.0)
_ENDING = (0.0, 3.0, 4.0)
# The recorded server's version where the simulated one begins.
FIRST_VERSION = 1_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """One event of one pod, as of so many nanoseconds after the beginning."""

    at_ns: int
    version: int
    node: int
    stage: Stage
    life: Life

    @property
    def size(self) -> int:
        """Bytes on a watch's connection, before TLS."""
        return sizes().lines[self.stage]

    def line(self, *, for_own_node: bool) -> bytes:
        """As a watch sees it: one of a node's pods first sees a pod when it is scheduled."""
        kind = self.stage.value.split()[0]
        if for_own_node and self.stage is Stage.SCHEDULED:
            kind = "ADDED"
        return line(kind, lean_object(self.life, self.stage, self.version))

    def is_seen(self, *, for_own_node: bool) -> bool:
        """Whether a watch of this kind is told of it."""
        return not (for_own_node and self.stage is Stage.CREATED)


def first_lives(nodes: int) -> Iterator[Life]:
    """The pods that there are at the beginning."""
    return (Life(node, index) for node in range(nodes) for index in range(PODS_A_NODE))


def changes(nodes: int, seconds: float, *, seed: int = 0) -> list[Change]:
    """What happens in so many seconds: as many replacements as the rate says.

    Each falls somewhere in its own share of the time, so that a short stretch shows the rate. A
    pod's successor is on the same node, so that every node keeps its number of pods. No pod is
    replaced twice, which bounds the seconds: 250 minutes' worth.
    """
    dice = random.Random(f"{nodes} {seed}")
    pods = nodes * PODS_A_NODE
    count = round(pods * REPLACED_A_MINUTE * seconds / 60)
    found: list[tuple[float, Life, Stage]] = []
    for place, number in enumerate(dice.sample(range(pods), count)):
        moment = (place + dice.random()) * seconds / count
        node, index = divmod(number, PODS_A_NODE)
        old, new = Life(node, index), Life(node, index, generation=1)
        found += [(moment + t, old, stage) for t, stage in zip(_ENDING, END, strict=True)]
        found += [(moment + t, new, stage) for t, stage in zip(_STARTING, START, strict=True)]
    found.sort(key=lambda one: one[0])
    return [
        Change(round(at * SECOND_NS), FIRST_VERSION + number, life.node, stage, life)
        for number, (at, life, stage) in enumerate(found, 1)
        if at <= seconds
    ]
