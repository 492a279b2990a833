"""What the README says about installing, done word for word."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.kubeconfig import write_kubeadm_layout
from tests.cluster import Cluster
from tests.packages.sources import install_block
from tests.system import package
from tests.system.box import Box
from tests.system.library import Library
from tests.system.package import UNIT


@pytest.fixture
def node(suite: str, cluster: Cluster, library: Library) -> Iterator[Box]:
    """A node of kubeadm's, with nothing else. A D-Bus that does not answer would stop apt."""
    with Box(library.bare(suite), cluster.lab.nodes[0]) as box:
        write_kubeadm_layout(cluster.api.authority, box.path("/"), cluster.api.url, box.node.name)
        yield box


def test_the_deb_is_installed_as_the_readme_says(node: Box, deb: Path) -> None:
    """With no network but the lab's, on what Debian has: apt needs nothing but the file."""
    node.copy_in(deb, f"/root/{deb.name}")
    said = node.run("sh", "-euc", f"cd /root\n{install_block('apt')}", timeout_seconds=120.0)
    assert "E:" not in said.stderr
    assert node.show(UNIT, "ActiveState", "UnitFileState") == {
        "ActiveState": "active",
        "UnitFileState": "enabled",
    }
    # The lab's tunnels are TUN devices, which nobody takes for tunnels: the pods stand for them.
    node.wait_until(lambda: "6 targets: 6 up" in package.status(node), 30.0)
    entry = node.journal("--unit", UNIT, "--catalog")[0]
    assert entry["MESSAGE"]
    explained = node.run("journalctl", "--unit", UNIT, "--catalog", "--no-pager").stdout
    assert "Subject: pokepodsd has started" in explained
    node.run("apt", "purge", "--yes", "pokepodsd", timeout_seconds=60.0)
    for left in ("/etc/pokepodsd.toml", "/usr/bin/pokepodsd", "/usr/share/pokepodsd"):
        assert not node.path(left).exists()


def test_it_is_complete_without_a_network(node: Box, deb: Path) -> None:
    """Every command of the package runs on Debian's own Python; completions name them."""
    package.install(node, deb)
    assert "valid" in node.run("pokepodsd", "check-config").stdout
    package.configure(node)
    done = node.run("sh", "-euc", install_block("pokepodsd"), check=False)
    assert done.stdout.count("10.244.") == 6, done.stderr
    words = node.sh(
        "COMP_WORDS='pokepodsd che' COMP_CWORD=1 _POKEPODSD_COMPLETE=bash_complete pokepodsd"
    )
    assert words == "plain,check\nplain,check-config\n"
