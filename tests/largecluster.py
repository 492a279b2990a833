"""A cluster at Kubernetes' own limits, as one of its nodes meets it: 150,000 pods on 5,000 nodes.

Owns its addresses, the routes to all nodes with somebody at the far end of each, and the pods, as
the API server tells them and as they were saved. Measures nothing.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pokepodsd.core.model import Family, NodeName, Target, TargetId, Uid
from pokepodsd.edge import statefile
from tests.apiserver.stamping import Stamp
from tests.cluster import Cluster
from tests.lab import Node, Process
from tests.lab.launch import ip_batch

NAMESPACE = "shop"
DEVICE = "tunl0"
TABLES: dict[str, dict[str, Any]] = {"tunnels": {"devices": [DEVICE]}}


@dataclass(frozen=True, slots=True)
class Size:
    """So many pods, spread over so many nodes."""

    peers: int = 5_000
    pods: int = 150_000

    def targets(self) -> Iterator[Target]:
        """The pods, as the daemon saves them."""
        for number in range(self.pods):
            node, address = number % self.peers, _address(self, number)
            yield Target(
                id=TargetId(f"uid-{number}/{address}"),
                uid=Uid(f"uid-{number}"),
                namespace=NAMESPACE,
                name=f"pod-{number}",
                node=NodeName(f"node-{node:04}"),
                address=address,
                family=Family.V4,
                created="2026-01-01T00:00:00Z",
                host=_gateway(node),
            )

    def stamps(self) -> Iterator[Stamp]:
        """The pods, as the API server makes them; in their order two neighbours share no node."""
        for number in range(self.pods):
            node = number % self.peers
            name = f"web-5d4f7c9b8-{number:06}"
            yield Stamp(name, f"node-{node:04}", _gateway(node), _address(self, number))


LIMITS = Size()


def _gateway(node: int) -> str:
    return f"172.20.{node // 250}.{node % 250 + 1}"


def _block(node: int) -> str:
    return f"10.{100 + node // 256}.{node % 256}"


def _address(size: Size, number: int) -> str:
    return f"{_block(number % size.peers)}.{number // size.peers + 1}"


@contextmanager
def tunnels_up(here: Node, size: Size) -> Iterator[Process]:
    """A tunnel to every other node; the far end of all, which answers whatever it is sent."""
    far_end = here.command(sys.executable, "-m", "tests.lab.answerer", DEVICE)
    with Process(far_end) as answering:
        answering.wait_for_line("up")
        routes = [
            f"route add {_block(node)}.0/26 via {_gateway(node)} dev {DEVICE} onlink"
            for node in range(size.peers)
        ]
        ip_batch(here.namespace, [f"route add 172.20.0.0/16 dev {DEVICE}", *routes])
        yield answering


def save_pods(cluster: Cluster, here: Node, size: Size) -> Path:
    """Leave the pods as a daemon that ran before did; the file."""
    folder = cluster.folder / f"state-{here.name}"
    folder.mkdir(exist_ok=True)
    statefile.Writer(folder, size.targets()).finish()
    return folder / statefile.NAME
