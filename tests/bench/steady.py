"""A daemon that pokes pods at a steady rate, and how much it has sent.

Owns that world: the pods of one node, all of which answer, poked from another, and by whoever it is
compared with from a third. Counts pokes as the kernel does, and the processor time beside them.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.bench.accounting import cpu_ns_of, icmp_count
from tests.bench.cable import allow_datagram_sockets
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
class Reading:
    """The processor time of one process until now, and the echo requests of its node."""

    cpu_ns: int
    pokes: int

    @classmethod
    def of(cls, pid: int, node: Node) -> "Reading":
        """What a process has used, that alone sends echo requests on a node."""
        return cls(cpu_ns=cpu_ns_of(pid), pokes=sent(node))

    def since(self, before: "Reading") -> float:
        """The processor time of a poke, in ns."""
        return (self.cpu_ns - before.cpu_ns) / (self.pokes - before.pokes)


class Ground:
    """The cluster that daemons are started on, with so many pods on the other node."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.here, self.there, self.elsewhere = cluster.lab.nodes
        for node in (self.here, self.elsewhere):
            allow_datagram_sockets(node)
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


@contextmanager
def ground(folder: Path, *, pods: int) -> Iterator[Ground]:
    """Three nodes, and pods on the second one; the folder is made."""
    folder.mkdir()
    with Cluster(folder, nodes=3, pod_prefix=POD_PREFIX) as cluster:
        yield Ground(cluster).grow(pods)


def sent(node: Node) -> int:
    """How many echo requests a node has sent by IPv4 (the kernel's IcmpMsgOutType8)."""
    with node.inside():
        return icmp_count(Path("/proc/thread-self/net/snmp").read_text(), "IcmpMsg", "OutType8")
