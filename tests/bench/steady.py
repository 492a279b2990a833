"""A daemon that pokes pods at a steady rate, and how much it has sent.

Owns that world: two nodes, the pods of the one behind the other's cable, all of them answering.
Measures nothing but the number of pokes, as the kernel counts them.
"""

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.bench.accounting import cpu_ns_of
from tests.cluster import Cluster, Daemon
from tests.lab import Node

INTERVAL_SECONDS = 5
# Room for 10,000 pods and those that come later.
POD_PREFIX = 18
# Above every steady rate, so that the newcomers of the start are soon through.
MAX_RATE = 4_000
TABLES: dict[str, dict[str, Any]] = {
    "poke": {"interval": f"{INTERVAL_SECONDS}s", "max_rate": MAX_RATE}
}
# The reader has to list them, and each answers before it is counted as up.
PATIENCE_SECONDS = 60.0
# After the last first poke, the turns of the start have gone round once.
SETTLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one process did in a while: its processor time, its pokes, the seconds."""

    cpu_ns: int
    pokes: int
    seconds: float

    @property
    def cpu_a_poke_ns(self) -> float:
        return self.cpu_ns / self.pokes


class Ground:
    """The cluster that daemons are started on, with so many pods on the other node."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.here, self.there = cluster.lab.nodes
        self.pods = 0

    def grow(self, pods: int) -> Self:
        """Have so many pods."""
        self.cluster.make_pods(self.there, pods - self.pods, first=self.pods + 1)
        self.pods = pods
        return self

    def daemon(self) -> AbstractContextManager[Daemon]:
        """The daemon on the first node."""
        return self.cluster.daemon(self.here, TABLES)

    def wait_steady(self, daemon: Daemon) -> None:
        """Wait until all pods are up and the pokes go round."""
        daemon.wait_status(f"{self.pods} targets: {self.pods} up", PATIENCE_SECONDS)
        time.sleep(SETTLE_SECONDS)

    def work(self, pid: int, seconds: float) -> Work:
        """What a process does in the next seconds, if nobody else here sends echo requests."""
        cpu, pokes, begin = cpu_ns_of(pid), sent(self.here), time.monotonic()
        time.sleep(seconds)
        return Work(
            cpu_ns=cpu_ns_of(pid) - cpu,
            pokes=sent(self.here) - pokes,
            seconds=time.monotonic() - begin,
        )


@contextmanager
def ground(folder: Path, *, pods: int) -> Iterator[Ground]:
    """Two nodes, and pods on the second one; the folder is made."""
    folder.mkdir()
    with Cluster(folder, pod_prefix=POD_PREFIX) as cluster:
        yield Ground(cluster).grow(pods)


def sent(node: Node) -> int:
    """How many echo requests a node has sent by IPv4 (the kernel's IcmpMsgOutType8)."""
    with node.inside():
        lines = Path("/proc/thread-self/net/snmp").read_text().splitlines()
    # Two lines each: the names, and the numbers below them.
    names, numbers = (line.split() for line in lines if re.match("IcmpMsg:", line))
    return int(dict(zip(names, numbers, strict=True)).get("OutType8", "0"))
