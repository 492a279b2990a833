"""Owns the fixtures that the tests of the edges share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.model import Family
from pokepodsd.edge.icmp import open_sockets
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.podfactory import fleet
from tests.edge.pinger import Pinger
from tests.lab import Lab

RANGE = "net.ipv4.ping_group_range"
ANYBODY, NOBODY = "0 2147483647", "1 0"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as standing:
        yield standing


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterServer]:
    with ClusterServer(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture
def server(running: ClusterServer) -> ClusterServer:
    """An API server with three pods, which every node may list."""
    running.control.reset()
    running.control.make_pods(fleet(3))
    running.admin.grant()
    running.control.clear_log()
    return running


@pytest.fixture
def kubelet(server: ClusterServer, tmp_path: Path) -> Path:
    """The kubeconfig of node-a's kubelet."""
    return server.kubeconfig("node-a", tmp_path / "kubelet")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


@pytest.fixture(params=["datagram", "raw"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of the `pinger`'s socket."""
    return str(request.param)


@pytest.fixture(params=list(Family))
def pinger(request: pytest.FixtureRequest, lab: Lab, kind: str) -> Iterator[Pinger]:
    """A socket of each kind and family, from node-a."""
    lab.nodes[0].set_sysctl(RANGE, ANYBODY if kind == "datagram" else NOBODY)
    with lab.nodes[0].inside():
        sockets = open_sockets("auto")
    try:
        assert [one.is_raw for one in sockets] == [kind == "raw"] * 2
        yield Pinger(next(one for one in sockets if one.channel.family is request.param))
    finally:
        for one in sockets:
            one.close()
