"""Each distribution's kubeconfig under the shipped unit, with the drop-in for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.system import package
from tests.system.box import Box
from tests.system.layouts import LAYOUTS, Layout
from tests.system.library import Library
from tests.system.package import UNIT

SECRET = "a secret of somebody else\n"
HIDDEN_SECONDS = 20.0
JOINED = [layout for layout in LAYOUTS if layout.name in {"kubeadm", "k3s", "eks"}]


@pytest.fixture
def node(suite: str, cluster: Cluster, library: Library, deb: Path) -> Iterator[Box]:
    """A node on which pokepodsd is installed, and which belongs to no cluster yet."""
    with Box(library.installed(suite, deb), cluster.lab.nodes[0]) as box:
        package.configure(box)
        yield box


def sees_secrets(box: Box, layout: Layout) -> bool:
    return any(package.seen(box, place) == SECRET for place in layout.hidden)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_it_reads_its_own_kubeconfig_and_what_replaces_it(
    node: Box, cluster: Cluster, layout: Layout
) -> None:
    """Found without a setting; renewed ones are used, without a restart but for another place.

    What lies beside them on such a node is not seen.
    """
    layout.write(node, cluster)
    for place in layout.hidden:
        node.write(place, SECRET, 0o600)
    if layout.drop_in is not None:
        package.use_drop_in(node, layout.drop_in)
    package.start(node)
    pid = package.main_pid(node)
    assert not sees_secrets(node, layout)
    before = cluster.api.control.requests()
    layout.renew(node, cluster)
    package.wait_renewed(cluster, before)
    package.wait_well(node)
    assert (package.main_pid(node) != pid) is layout.restarts


@pytest.mark.parametrize("layout", JOINED, ids=lambda layout: layout.name)
def test_a_node_that_joins_later_needs_no_hand(node: Box, cluster: Cluster, layout: Layout) -> None:
    """Started before the node joined, as from an image: it starts again when there is more to see.

    What its unit shows it was settled at its start. Where there is nothing new, it is left alone.
    """
    if layout.drop_in is not None:
        package.use_drop_in(node, layout.drop_in)
    node.run("systemctl", "enable", "--now", UNIT)
    pid = package.main_pid(node)
    layout.write(node, cluster)
    package.wait_well(node)
    assert package.main_pid(node) != pid
    assert package.restarts_for_mounts(node) == 1
    # What comes later than the credentials is hidden as well.
    for place in layout.hidden:
        node.write(place, SECRET, 0o600)
    node.run("systemctl", "start", "pokepodsd-mounts.service")
    node.wait_until(lambda: not sees_secrets(node, layout), HIDDEN_SECONDS)
