"""Owns the stage of the scenes that verdicts come from: three nodes, and the daemon on one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import Cluster
from tests.daemon.journalled import JournalledDaemon, daemon_under_a_journal
from tests.daemon.nodes import register
from tests.lab import Encapsulation, Node, TunnelFilter

TABLES = {
    "poke": {"interval": "1s", "timeout": "500ms"},
    "tunnels": {"interval": "1s"},
}
WELL = r"2 peers: 2 ok; 6 targets: 6 up, 0 down, 0 opening; API: watching"


@contextmanager
def three_nodes(folder: Path) -> Iterator[Cluster]:
    """Three nodes with tunnels, for all scenes: each undoes what it did."""
    with Cluster(folder, nodes=3, tunnels=Encapsulation.IPIP) as started:
        register(started, *started.lab.nodes)
        for node in started.lab.nodes[1:]:
            node.tunnel.set_filter(TunnelFilter.OPEN)
            started.make_pods(node, 3)
        yield started


@contextmanager
def watched(cluster: Cluster, here: Node) -> Iterator[JournalledDaemon]:
    """The daemon of one scene, with all peers well."""
    with daemon_under_a_journal(cluster, here, TABLES) as started:
        started.settle(WELL)
        yield started
