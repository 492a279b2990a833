"""`pokepodsd trace` where the API server is dead: what an address needs, and a name has left."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.model import Family, NodeName, Target, TargetId, Uid
from pokepodsd.edge.statefile import Writer
from tests.cli.tracer import Tracer, tracer
from tests.cluster import Cluster
from tests.daemon.scene import three_nodes
from tests.lab import Node


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with three_nodes(tmp_path_factory.mktemp("trace")) as started:
        started.api.kill()
        yield started


@pytest.fixture
def trace(cluster: Cluster) -> Tracer:
    return tracer(cluster, cluster.lab.nodes[0])


@pytest.fixture
def state(cluster: Cluster) -> Iterator[Path]:
    """The folder of the saved targets, empty before and after."""
    folder = cluster.folder / "state-node-a"
    folder.mkdir()
    yield folder
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def save(folder: Path, there: Node) -> None:
    """A pod of the node, as the daemon saves it."""
    address = there.pod_address(5)
    pod = Target(
        id=TargetId(f"u/{address}"),
        uid=Uid("u"),
        namespace="shop",
        name="web-5",
        node=NodeName("node-b"),
        address=address,
        family=Family.V4,
        host=there.address,
    )
    Writer(folder, [pod]).finish()


def test_an_address_needs_no_api(trace: Tracer, there: Node) -> None:
    """A pod's address leads to its peer by the routes alone, and nobody is asked for a name."""
    status, document = trace.document(there.pod_address(3))
    assert (status, document["known_by"]) == (0, "routes")
    assert document["peer"] == {"id": there.address, "node": None, "address": there.address}
    assert not any("the pods cannot be listed" in note for note in document["notes"])


def test_a_saved_name_is_found(trace: Tracer, there: Node, state: Path) -> None:
    """Node and pod by the targets that the daemon saved, with a note why they were asked."""
    save(state, there)
    for text in ("node-b", "shop/web-5"):
        status, document = trace.document(text)
        assert (status, document["known_by"]) == (0, "saved")
        assert document["peer"]["node"] == "node-b"
        assert any("Connection refused" in note for note in document["notes"])


def test_a_damaged_file_of_targets_stays_as_it_is(trace: Tracer, there: Node, state: Path) -> None:
    """It is the daemon's to set aside: here it is a note."""
    (state / "targets.json").write_text("{", encoding="utf-8")
    status, document = trace.document(there.address)
    assert status == 0
    assert any("targets.json cannot be used" in note for note in document["notes"])
    assert [path.name for path in state.iterdir()] == ["targets.json"]


def test_a_name_that_nobody_can_tell(trace: Tracer) -> None:
    """One line: what is not known, and why nobody could be asked."""
    done = trace.run("node-b")
    assert (done.returncode, done.stdout) == (69, "")
    (line,) = done.stderr.splitlines()
    assert "no node, pod or address is known as 'node-b'" in line
    assert "no pokepodsd can be asked at" in line
    assert "Connection refused" in line
