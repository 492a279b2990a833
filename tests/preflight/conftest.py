"""A small cluster with tunnels, and the desk of whoever runs the check on its first node."""

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.daemon.nodes import register
from tests.lab import Encapsulation, Lab, TunnelFilter
from tests.preflight.desk import Desk


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("preflight")
    with Cluster(folder, nodes=2, tunnels=Encapsulation.IPIP) as started:
        register(started, *started.lab.nodes)
        for node in started.lab.nodes:
            node.tunnel.set_filter(TunnelFilter.OPEN)
            node.set_sysctl("net.ipv4.ping_group_range", "0 2147483647")
        started.make_pods(started.lab.nodes[1], 1)
        yield started


@pytest.fixture
def lab(cluster: Cluster) -> Lab:
    return cluster.lab


@pytest.fixture
def desk(cluster: Cluster, lab: Lab) -> Desk:
    """Everything is well, as far as the lab can have it."""
    made = Desk(cluster)
    made.configure()
    made.socket.parent.mkdir(exist_ok=True)
    return made
