"""The rpm's life: installed, preset, enabled, upgraded, verified, erased.

On Debian 13 with Debian's rpm, since no rpm distribution's root is to be had. Python and systemd
are Debian's as well, and stand-ins tell rpm so.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apiserver.kubeconfig import write_kubeadm_layout
from tests.cluster import Cluster
from tests.packages.sources import PYTHON, build_version, install_block
from tests.system import package
from tests.system.box import Box
from tests.system.library import Library
from tests.system.package import CONFIG, UNIT

PREVIOUS = "0.0.9"
REMARK = "A remark of the version before."
SUITE = "trixie"
STANDS_FOR = {"python3": "3.13.5", "systemd": "257.8"}
PRESETS = "/etc/systemd/system-preset/10-site.preset"


@pytest.fixture(scope="module")
def suite() -> str:
    """The one with rpm in it."""
    return SUITE


@pytest.fixture(scope="session")
def previous(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rpm of a version before, whose configuration differs."""
    folder = tmp_path_factory.mktemp("previous-rpm")
    return build_version(PREVIOUS, folder, remark=REMARK, packager="rpm")


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Packages with nothing in them, which provide what the host has from elsewhere."""
    folder = tmp_path_factory.mktemp("stand-ins")
    for name, version in STANDS_FOR.items():
        described = {"name": name, "version": version, "arch": "all", "maintainer": "tests"}
        path = folder / f"{name}.json"
        path.write_text(json.dumps(described | {"description": "A stand-in.", "license": "none"}))
        command = [
            str(PYTHON.with_name("nfpm")),
            "package",
            "--packager",
            "rpm",
            "--config",
            str(path),
        ]
        subprocess.run([*command, "--target", str(folder)], check=True, capture_output=True)
    return sorted(folder.glob("*.rpm"))


@pytest.fixture
def node(cluster: Cluster, library: Library, stand_ins: list[Path]) -> Iterator[Box]:
    """A node whose rpm knows Python and systemd, without pokepodsd."""
    with Box(library.bare(SUITE), cluster.lab.nodes[0]) as box:
        # Without the sockets of other tests: rpm would wait for an answer of the D-Bus.
        write_kubeadm_layout(cluster.api.authority, box.path("/"), cluster.api.url, box.node.name)
        run_rpm(box, "--install", *stand_ins)
        yield box


def run_rpm(box: Box, *arguments: str | Path) -> str:
    """Run rpm, with files from outside copied into the box."""
    words = []
    for argument in arguments:
        if isinstance(argument, Path):
            box.copy_in(argument, f"/root/{argument.name}")
        words.append(f"/root/{argument.name}" if isinstance(argument, Path) else argument)
    done = box.run("rpm", *words, timeout_seconds=120.0)
    return done.stdout + done.stderr


def state(box: Box) -> tuple[str, str]:
    shown = box.show(UNIT, "ActiveState", "UnitFileState")
    return shown["ActiveState"], shown["UnitFileState"]


def has_bytecode(box: Box) -> bool:
    return any(box.path("/usr/share/pokepodsd/lib/pokepodsd").rglob("*.pyc"))


def test_an_installation_starts_and_enables_nothing(node: Box, rpm: Path) -> None:
    """It needs a Python and a systemd, which it says in a way that rpm resolves, and no more.

    As the README has it, word for word: a line that installs, and one that enables and starts.
    """
    installing, enabling = install_block("rpm").splitlines()
    node.copy_in(rpm, f"/root/{rpm.name}")
    node.sh(f"cd /root; {installing}")
    assert state(node) == ("inactive", "disabled")
    assert has_bytecode(node)
    assert run_rpm(node, "--verify", "pokepodsd") == ""
    node.sh(enabling)
    assert state(node) == ("active", "enabled")


def test_an_administrators_preset_holds(node: Box, rpm: Path) -> None:
    """What a site has decided about new units goes before what the package suggests."""
    node.write(PRESETS, f"enable {UNIT}\n")
    run_rpm(node, "--install", rpm)
    assert state(node) == ("inactive", "enabled")


def test_an_upgrade_keeps_what_was_edited(node: Box, rpm: Path, previous: Path) -> None:
    """Edited settings stay, the new sample is .rpmnew; what ran runs the new version."""
    run_rpm(node, "--install", previous)
    package.configure(node)
    node.run("systemctl", "enable", UNIT)
    package.start(node)
    edited, pid = node.path(CONFIG).read_text(), package.main_pid(node)
    run_rpm(node, "--upgrade", rpm)
    package.wait_well(node)
    assert package.main_pid(node) not in {0, pid}
    assert state(node) == ("active", "enabled")
    assert PREVIOUS not in node.run("pokepodsd", "--version").stdout
    assert node.path(CONFIG).read_text() == edited
    assert REMARK not in node.path(f"{CONFIG}.rpmnew").read_text()
    # Nothing but the settings differs from what was packaged: sum, size and time.
    verified = node.run("rpm", "--verify", "pokepodsd", check=False).stdout.splitlines()
    assert [line.split()[1:] for line in verified] == [["c", CONFIG]]


def test_an_upgrade_replaces_what_was_not(node: Box, rpm: Path, previous: Path) -> None:
    """The new sample takes the place of the old one, and nothing is started."""
    run_rpm(node, "--install", previous)
    assert REMARK in node.path(CONFIG).read_text()
    run_rpm(node, "--upgrade", rpm)
    assert REMARK not in node.path(CONFIG).read_text()
    assert not node.path(f"{CONFIG}.rpmnew").exists()
    assert state(node) == ("inactive", "disabled")


def test_erased_it_leaves_only_what_was_edited(node: Box, rpm: Path) -> None:
    """Stopped, disabled and gone with its state and byte-code; edited settings are .rpmsave."""
    run_rpm(node, "--install", rpm)
    package.configure(node)
    node.run("systemctl", "enable", UNIT)
    package.start(node)
    package.wait_saved(node, 6)
    run_rpm(node, "--erase", "pokepodsd")
    assert not [command for command in package.commands(node) if "pokepodsd" in command]
    listed = node.run("systemctl", "list-units", "--all", "--output=json", "pokepodsd*").stdout
    assert json.loads(listed) == []
    found = node.sh("find / -xdev -path /root -prune -o -name '*pokepodsd*' -print").split()
    assert [one for one in found if not one.startswith(("/proc/", "/sys/"))] == [
        f"{CONFIG}.rpmsave"
    ]
