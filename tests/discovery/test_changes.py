"""Following a cluster through its normal API: the same tests for the test server and a real one.

`make test-apiserver` runs them against the kube-apiserver that KUBEBUILDER_ASSETS names.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.core.records import Refused
from tests.apiserver import podfactory
from tests.apiserver.client import ApiServer
from tests.discovery.conftest import NODE
from tests.discovery.follower import Follower
from tests.discovery.real import RealServer

pytestmark = pytest.mark.real
Server = ApiServer | RealServer


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Server]:
    """An empty cluster of its own for each test, with the Node authorizer of Kubernetes 1.32."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    server: Server = RealServer(Path(assets), tmp_path) if assets else ApiServer(tmp_path / "api")
    with server:
        yield server


@pytest.fixture
def follower(cluster: Server, tmp_path: Path) -> Iterator[Follower]:
    with Follower(cluster.kubeconfig(NODE, tmp_path / "kubelet"), tmp_path) as started:
        yield started


def create(cluster: Server, name: str, number: int, node: str = NODE, **status: Any) -> None:
    """A pod as a kubelet reports it: created first, with its status after that."""
    pod = podfactory.pod(name, "shop", node=node, addresses=[f"10.244.12.{number}"])
    cluster.admin.create_pod(pod)
    cluster.admin.replace_status("shop", name, {**pod["status"], **status})


def test_a_pod_from_its_address_to_its_deletion(cluster: Server, follower: Follower) -> None:
    """Created without an address it is no target; with one it is; deleted it is none."""
    cluster.admin.create_pod(podfactory.pod("web", "shop", node=NODE))
    create(cluster, "other", 2)
    follower.wait_names("other")
    cluster.admin.patch_status("shop", "web", {"podIP": "10.244.12.1"})
    follower.wait_names("other", "web")
    cluster.admin.delete_pod("shop", "other", 0)
    follower.wait_names("web")


def test_a_pod_that_finishes(cluster: Server, follower: Follower) -> None:
    """Succeeded and Failed pods leave the field selector, and so the targets."""
    create(cluster, "job", 1)
    create(cluster, "web", 2)
    follower.wait_names("job", "web")
    cluster.admin.patch_status("shop", "job", {"phase": "Succeeded"})
    follower.wait_names("web")


def test_the_cluster_is_refused_until_it_is_granted(cluster: Server, follower: Follower) -> None:
    """Own pods only; a ClusterRole for system:nodes opens the others, without a restart."""
    create(cluster, "own", 1)
    create(cluster, "other", 2, node="node-b")
    follower.wait_names("own")
    assert follower.count(Refused) >= 1
    cluster.admin.grant()
    follower.wait_names("own", "other")
