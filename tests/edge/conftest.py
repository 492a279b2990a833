"""Owns the fixtures that the tests of the edges share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.podfactory import fleet
from tests.lab import Lab


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
