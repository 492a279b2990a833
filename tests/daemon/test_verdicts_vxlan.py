"""What is said of a broken VXLAN tunnel, which no poke can open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import daemon_under_a_journal, fields, filtered, kinds
from tests.daemon.nodes import register
from tests.lab import Encapsulation, Node

TABLES = {"poke": {"interval": "1s", "timeout": "500ms"}, "tunnels": {"interval": "1s"}}
WELL = "2 peers: 2 ok; 3 targets: 3 up, 0 down, 0 opening; API: watching"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, nodes=3, tunnels=Encapsulation.VXLAN) as started:
        register(started, *started.lab.nodes)
        yield started


def test_a_vxlan_tunnel_that_is_broken_is_promised_no_repair(
    cluster: Cluster, here: Node, there: Node
) -> None:
    """The port that is to be allowed, and that pokes detect this and no more; no protocol 4."""
    cluster.make_pods(there, 3)
    with daemon_under_a_journal(cluster, here, TABLES) as daemon:
        daemon.settle(WELL)
        with filtered(there):
            broken = daemon.wait_entry(EventKind.TUNNEL_BROKEN)
        daemon.wait_entry(EventKind.PEER_BACK)
        daemon.wait_status(WELL)
        assert kinds(daemon.finish()) == ["TUNNEL_BROKEN", "PEER_BACK"]
    wanted = {
        "LAYER": "tunnel",
        "VERDICT": "tunnel broken",
        "PEER": there.address,
        "NODE": "node-b",
        "DEVICE": "vxlan.calico",
        "KIND": "vxlan",
    }
    assert fields(broken).items() >= wanted.items()
    text = broken["MESSAGE"]
    assert "allow VXLAN's UDP port (Calico 4789, flannel 8472)" in text
    assert "pokes detect this, they cannot open it" in text
    assert "protocol 4" not in text
