"""Boxes with a systemd in the place of one node of three; the packages that are put into them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.daemon.scene import three_nodes
from tests.system import package, roots
from tests.system.box import Box
from tests.system.library import Library
from tests.system.scratch import new_name, scratch_folder
from tests.system.site import furnish

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For several workers: what shares a box or a root stays together (pytest-xdist, loadgroup)."""
    for item in items:
        if item.path.is_relative_to(HERE) and isinstance(item, pytest.Function):
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            group = f"{item.path.stem}-{parameters.get('suite', '')}"
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(scope="session")
def library() -> Iterator[Library]:
    with scratch_folder(new_name()) as folder:
        yield Library(folder)


@pytest.fixture(scope="module", params=[recipe.suite for recipe in roots.RECIPES])
def suite(request: pytest.FixtureRequest) -> str:
    """Every test runs on each Debian."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def cluster(suite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three nodes with tunnels; the second and third have three pods each, and answer."""
    with three_nodes(tmp_path_factory.mktemp(suite)) as started:
        yield started


@pytest.fixture(scope="module")
def bare_box(suite: str, cluster: Cluster, library: Library) -> Iterator[Box]:
    """The first node, without pokepodsd."""
    with Box(library.bare(suite), cluster.lab.nodes[0]) as box:
        furnish(box, cluster)
        yield box


@pytest.fixture(scope="module")
def box(suite: str, cluster: Cluster, library: Library, deb: Path) -> Iterator[Box]:
    """The first node, with pokepodsd installed and configured, and not running."""
    with Box(library.installed(suite, deb), cluster.lab.nodes[0]) as box:
        furnish(box, cluster)
        package.configure(box)
        yield box
