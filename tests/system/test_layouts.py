"""Each distribution's kubeconfig under the shipped unit, with the drop-in for it."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.served import Request
from tests.cluster import Cluster
from tests.system import package
from tests.system.box import Box
from tests.system.layouts import LAYOUTS, Layout
from tests.system.library import Library
from tests.system.package import UNIT

DROP_INS = "/usr/share/pokepodsd/drop-ins"
SECRET = "a secret of somebody else\n"
RENEWAL_SECONDS = 40.0
JOINED = [layout for layout in LAYOUTS if layout.name in {"kubeadm", "k3s"}]


@pytest.fixture
def node(suite: str, cluster: Cluster, library: Library, deb: Path) -> Iterator[Box]:
    """A node on which pokepodsd is installed, and which belongs to no cluster yet."""
    with Box(library.installed(suite, deb), cluster.lab.nodes[0]) as box:
        package.configure(box)
        yield box


def use_drop_in(box: Box, layout: Layout) -> None:
    """Do what the drop-in says of itself."""
    if layout.drop_in is not None:
        place = f"{DROP_INS}/{layout.drop_in}.conf"
        box.sh(f"sed -n 's/^#   //p' {place} | sh -eu")
        assert place in box.path(place).read_text()


def wait_renewed(cluster: Cluster, before: list[Request]) -> Request:
    """Wait for a watch that is answered, with credentials that were not used before."""
    serials = {request.serial for request in before if request.serial is not None}
    deadline = time.monotonic() + RENEWAL_SECONDS
    while time.monotonic() < deadline:
        for request in cluster.api.control.requests()[len(before) :]:
            if request.kind == "watch" and request.status == 200 and request.serial not in serials:
                return request
        time.sleep(0.05)
    raise AssertionError(f"no watch with new credentials within {RENEWAL_SECONDS} s")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_it_reads_its_own_kubeconfig_and_what_replaces_it(
    node: Box, cluster: Cluster, layout: Layout
) -> None:
    """Found without a setting; renewed credentials are used without a restart.

    What lies beside them on such a node is not seen.
    """
    for place in layout.hidden:
        node.write(place, SECRET, 0o600)
    layout.write(node, cluster)
    use_drop_in(node, layout)
    package.start(node)
    pid = package.main_pid(node)
    assert SECRET not in {package.seen(node, place) for place in layout.hidden}
    before = cluster.api.control.requests()
    layout.renew(node, cluster)
    wait_renewed(cluster, before)
    package.wait_well(node)
    assert package.main_pid(node) == pid


@pytest.mark.parametrize("layout", JOINED, ids=lambda layout: layout.name)
def test_a_node_that_joins_later_needs_no_hand(node: Box, cluster: Cluster, layout: Layout) -> None:
    """Started before the node joined, as from an image: it starts again when there is more to see.

    What its unit shows it was settled at its start. Where there is nothing new, it is left alone.
    """
    use_drop_in(node, layout)
    node.run("systemctl", "enable", "--now", UNIT)
    pid = package.main_pid(node)
    layout.write(node, cluster)
    package.wait_well(node)
    assert package.main_pid(node) != pid
    said = [entry["MESSAGE"] for entry in node.journal("--unit", "pokepodsd-mounts.service")]
    assert any("does not see" in message for message in said), said
    pid = package.main_pid(node)
    node.run("systemctl", "start", "pokepodsd-mounts.service")
    assert package.main_pid(node) == pid
