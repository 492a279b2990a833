"""`pokepodsd trace` beside the real daemon, on real IP-in-IP: both sides of the socket."""

from collections.abc import Iterator

import pytest

from tests.cli.tracer import Tracer, tracer
from tests.cluster import Cluster, Daemon
from tests.daemon.journalled import filtered
from tests.daemon.scene import TABLES, WELL, three_nodes
from tests.lab import Node


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with three_nodes(tmp_path_factory.mktemp("trace")) as started:
        yield started


@pytest.fixture
def daemon(cluster: Cluster) -> Iterator[Daemon]:
    with cluster.daemon(cluster.lab.nodes[0], TABLES, watchdog_seconds=20.0) as running:
        running.wait_status(WELL)
        yield running


@pytest.fixture
def trace(cluster: Cluster, daemon: Daemon) -> Tracer:
    return tracer(cluster, cluster.lab.nodes[0])


@pytest.fixture
def there(cluster: Cluster) -> Node:
    return cluster.lab.nodes[1]


def test_the_daemon_knows_its_peers_and_pods(trace: Tracer, there: Node) -> None:
    """Each form of each target is known to it, with its belief, and both agree."""
    for text in ("node-b", there.address, there.tunnel.address, str(there.block)):
        status, document = trace.document("--count", "1", text)
        assert (status, document["known_by"], document["pod"]) == (0, "daemon", None)
        assert document["peer"] == {"id": "node-b", "node": "node-b", "address": there.address}
        assert (document["daemon"]["verdict"], document["hint"]) == ("ok", "")
    for text in ("shop/node-b-2", there.pod_address(2)):
        status, document = trace.document("--count", "1", text)
        assert (status, document["known_by"]) == (0, "daemon")
        assert document["pod"]["name"] == "node-b-2"
        assert (document["daemon"]["pod"], document["daemon"]["verdict"]) == ("up", "ok")


def test_both_tell_the_same_fault(trace: Tracer, daemon: Daemon, there: Node) -> None:
    """Once the daemon has decided, its verdict is the one of the trace, and needs no hint."""
    with filtered(there):
        daemon.wait_status(r"1 ok, 1 tunnel broken", 40.0)
        status, document = trace.document("--count", "2", "node-b")
    daemon.wait_status(WELL, 40.0)
    assert (status, document["verdict"]) == (1, "tunnel broken")
    assert (document["daemon"]["verdict"], document["hint"]) == ("tunnel broken", "")


def test_a_name_that_neither_knows(trace: Tracer) -> None:
    """The daemon's peers are offered."""
    done = trace.run("node-x")
    assert (done.returncode, done.stdout) == (69, "")
    assert "did you mean 'node-" in done.stderr
