"""The API server of the discovery tests, and a follower of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from pokepodsd.asker import Asker, Orders
from pokepodsd.core.config import validate
from pokepodsd.core.protocol import Timings
from tests.apiserver.client import ApiServer
from tests.apiserver.podfactory import PodArguments
from tests.discovery.follower import Follower

NODE = "node-a"
AskerStart = Callable[..., Asker]


@pytest.fixture
def api(api_server: ApiServer) -> ApiServer:
    """The server, empty, and with the rights of a cluster before Kubernetes 1.32."""
    api_server.control.reset()
    api_server.control.change_settings(node_selectors=False, bookmark_interval_seconds=0.3)
    return api_server


@pytest.fixture
def follow(api: ApiServer, tmp_path: Path) -> Iterator[Callable[..., Follower]]:
    """Start a follower with the kubelet's credentials; ``kubernetes`` settings by name."""
    with ExitStack() as stack:

        def start(kubeconfig: Path | None = None, **options: Any) -> Follower:
            path = kubeconfig or api.kubeconfig(NODE, tmp_path / "kubelet")
            return stack.enter_context(Follower(path, tmp_path, **options))

        yield start


@pytest.fixture
def connect(api: ApiServer, tmp_path: Path) -> AskerStart:
    """An asker that has read the kubelet's credentials, or those of another kubeconfig."""

    def make(kubeconfig: Path | None = None) -> Asker:
        path = kubeconfig or api.kubeconfig(NODE, tmp_path / "kubelet")
        tables = {"kubernetes": {"kubeconfig": str(path), "node_name": NODE}}
        config = validate(tables, source="the test").kubernetes
        orders = Orders(config=config, timings=Timings(), scratch=tmp_path / "scratch")
        asker = Asker(orders, allow=lambda _: None)
        asker.connect()
        return asker

    return make


def asked(api: ApiServer) -> list[str]:
    """The paths that were asked for, but by the administrator."""
    return [one.path for one in api.control.requests() if one.user != "kubernetes-admin"]


def pod(name: str, number: int, node: str = "node-b", **arguments: Any) -> PodArguments:
    """The arguments of a pod with the address of this number."""
    address = f"10.244.12.{number}"
    common = PodArguments(name=name, namespace="shop", node=node, addresses=[address])
    return cast(PodArguments, {**common, **arguments})
