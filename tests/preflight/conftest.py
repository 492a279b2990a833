"""A small cluster with tunnels, the desk of who runs the check on its first node, and a host."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.edge.clock import wall_ns
from pokepodsd.preflight.world import World
from tests.apiserver.client import ApiServer
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


@pytest.fixture
def world(api_server: ApiServer, tmp_path: Path) -> World:
    """A host without systemd, with a kubelet's credentials."""
    config = tmp_path / "pokepodsd.toml"
    config.write_text(f'[state]\ndirectory = "{tmp_path}"\n')
    kubeconfig = api_server.kubeconfig("node-a", tmp_path / "kubelet")
    return World(
        config_path=config,
        overrides={"kubernetes": {"kubeconfig": str(kubeconfig)}},
        control_path=tmp_path / "control.sock",
        unit=None,
        is_booted=False,
        is_root=True,
        wall_ns=wall_ns,
    )
