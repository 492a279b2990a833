"""A node that is known not to be well raises no alarm: what the API says of it is in the entry."""

from collections.abc import Iterator

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import daemon_under_a_journal, fields, filtered, kinds
from tests.daemon.nodes import NOT_READY, register
from tests.lab import Encapsulation, Node, TunnelFilter

TABLES = {"poke": {"interval": "1s", "timeout": "500ms"}, "tunnels": {"interval": "1s"}}
WELL = "4 peers: 4 ok; 8 targets: 8 up, 0 down, 0 opening; API: watching"
CORDONED, NOT_READY_ONE, GONE, FINE = range(1, 5)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Five nodes with tunnels: the one that looks, three that are excused, and one that is not."""
    folder = tmp_path_factory.mktemp("excuses")
    with Cluster(folder, nodes=5, tunnels=Encapsulation.IPIP) as started:
        nodes = started.lab.nodes
        register(started, nodes[CORDONED], spec={"unschedulable": True})
        register(started, nodes[NOT_READY_ONE], status=NOT_READY)
        register(started, nodes[0], nodes[FINE])
        for node in nodes[1:]:
            node.tunnel.set_filter(TunnelFilter.OPEN)
            started.make_pods(node, 2)
        yield started


@pytest.mark.parametrize(
    ("number", "level", "excuse"),
    [
        (CORDONED, "6", "the node is cordoned"),
        (NOT_READY_ONE, "6", "the node is not Ready"),
        (GONE, "6", "the node is gone from the cluster"),
        (FINE, "4", None),
    ],
)
def test_what_the_api_knows_of_a_node_is_asked_before_an_alarm(
    cluster: Cluster, here: Node, number: int, level: str, excuse: str | None
) -> None:
    """One entry with the verdict all the same, at info where the node is excused."""
    there = cluster.lab.nodes[number]
    with daemon_under_a_journal(cluster, here, TABLES) as daemon:
        daemon.settle(WELL)
        with filtered(there):
            broken = daemon.wait_entry(EventKind.TUNNEL_BROKEN)
        daemon.wait_entry(EventKind.PEER_BACK)
        daemon.wait_status(WELL)
        assert kinds(daemon.finish()) == ["TUNNEL_BROKEN", "PEER_BACK"]
    assert fields(broken)["NODE"] == there.name
    assert broken["PRIORITY"] == level
    assert ("No alarm: " in broken["MESSAGE"]) == (excuse is not None)
    assert (excuse or "") in broken["MESSAGE"]
