"""The deb's life on a node: upgraded, downgraded, removed, installed again, purged, interrupted."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.packages.sources import build_version
from tests.system import package
from tests.system.box import Box
from tests.system.library import Library
from tests.system.package import CONFIG, UNIT
from tests.system.site import furnish

PREVIOUS = "0.0.9"
REMARK = "A remark of the version before."
# What dpkg and systemd remember of every package and unit that there ever was, and what is not
# kept on a disk.
PASSING = "^/(proc|sys|dev|run|tmp|root|var/lib/dpkg|var/lib/systemd|var/log|var/cache)(/|$)"


@pytest.fixture(scope="session")
def previous(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deb of a version before, whose configuration differs. On the dependencies of this one."""
    folder = tmp_path_factory.mktemp("previous")
    return build_version(PREVIOUS, folder, remark=REMARK, packager="deb")


@pytest.fixture
def bare(suite: str, cluster: Cluster, library: Library) -> Iterator[Box]:
    """A node without pokepodsd."""
    with Box(library.bare(suite), cluster.lab.nodes[0]) as box:
        furnish(box, cluster)
        yield box


@pytest.fixture
def node(suite: str, cluster: Cluster, library: Library, deb: Path) -> Iterator[Box]:
    """A node with pokepodsd installed and not configured."""
    with Box(library.installed(suite, deb), cluster.lab.nodes[0]) as box:
        furnish(box, cluster)
        yield box


def version(box: Box) -> str:
    return box.run("pokepodsd", "--version").stdout.removeprefix("pokepodsd ").strip()


def files(box: Box) -> set[str]:
    """Every path in the box that a package could have left."""
    return set(box.sh(f"find / -xdev | grep -Ev '{PASSING}'").splitlines())


def install(box: Box, file: Path, *options: str) -> str:
    box.copy_in(file, f"/root/{file.name}")
    done = box.run("dpkg", *options, "--install", f"/root/{file.name}", timeout_seconds=120.0)
    return done.stdout + done.stderr


def has_bytecode(box: Box) -> bool:
    """Whether each module has byte-code for the host's Python, and nothing has any other."""
    lib = box.path("/usr/share/pokepodsd/lib")
    modules = {one.relative_to(lib).with_suffix("") for one in lib.rglob("*.py")}
    tag = box.sh("python3 -c 'import sys; print(sys.implementation.cache_tag)'").strip()
    compiled = {
        one.relative_to(lib).parent.parent / one.name.removesuffix(f".{tag}.pyc")
        for one in lib.rglob("*.pyc")
    }
    return compiled == modules


def test_versions_change_and_settings_stay(bare: Box, deb: Path, previous: Path) -> None:
    """An upgrade of what nobody touched asks nothing, brings new settings, and starts nothing.

    Once edited, enabled and running: a downgrade and an upgrade keep the settings, with the new
    sample beside them, and what ran runs the other version.
    """
    install(bare, previous)
    assert REMARK in bare.path(CONFIG).read_text()
    install(bare, deb)
    assert REMARK not in bare.path(CONFIG).read_text()
    assert not bare.path(f"{CONFIG}.dpkg-dist").exists()
    assert bare.show(UNIT, "ActiveState", "UnitFileState") == {
        "ActiveState": "inactive",
        "UnitFileState": "disabled",
    }
    package.configure(bare)
    bare.run("systemctl", "enable", UNIT)
    package.start(bare)
    edited = bare.path(CONFIG).read_text()
    for other, is_previous in ((previous, True), (deb, False)):
        pid = package.main_pid(bare)
        install(bare, other, "--force-confold")
        package.wait_well(bare)
        assert package.main_pid(bare) not in {0, pid}
        assert (version(bare) == PREVIOUS) is is_previous
        assert bare.path(CONFIG).read_text() == edited
        assert (REMARK in bare.path(f"{CONFIG}.dpkg-dist").read_text()) is is_previous
        assert bare.run("systemctl", "is-enabled", UNIT).stdout == "enabled\n"
        assert has_bytecode(bare)


def test_removed_purged_and_as_before(bare: Box, deb: Path) -> None:
    """A removal stops it and keeps the settings, an installation takes them up, a purge ends all.

    The same version over itself is enabled and running as before. After the purge there is no
    file, no user, no process and no unit, and no link of an enabled one.
    """
    before = files(bare)
    install(bare, deb)
    package.configure(bare)
    bare.run("systemctl", "enable", UNIT)
    package.start(bare)
    package.wait_saved(bare, 6)
    edited = bare.path(CONFIG).read_text()

    bare.run("dpkg", "--remove", "pokepodsd")
    assert not [command for command in package.commands(bare) if "pokepodsd" in command]
    assert bare.path(CONFIG).read_text() == edited
    assert not bare.path("/usr/share/pokepodsd").exists()

    install(bare, deb)
    assert bare.path(CONFIG).read_text() == edited
    assert bare.run("systemctl", "is-enabled", UNIT).stdout == "enabled\n"
    package.start(bare)
    pid = package.main_pid(bare)
    install(bare, deb)
    package.wait_well(bare)
    assert package.main_pid(bare) != pid

    bare.run("dpkg", "--purge", "pokepodsd")
    assert files(bare) - before == set()
    assert before - files(bare) == set()
    assert not [command for command in package.commands(bare) if "pokepodsd" in command]
    listed = bare.run("systemctl", "list-units", "--all", "--output=json", "pokepodsd*").stdout
    assert json.loads(listed) == []
    assert bare.run("getent", "passwd", "pokepodsd", check=False).stdout == ""
    for left in ("/run/pokepodsd", "/run/private/pokepodsd"):
        assert not bare.path(left).exists()
    remembered = bare.path("/var/lib/systemd/deb-systemd-helper-enabled")
    assert not list(remembered.rglob("*pokepodsd*"))


def test_a_failed_unit_is_forgotten_when_it_is_purged(node: Box) -> None:
    """A service that failed is not listed for ever after its package is gone."""
    node.write(CONFIG, "[poke]\ninterval = 1\n")
    node.run("systemctl", "start", UNIT, check=False)
    assert node.show(UNIT, "ActiveState")["ActiveState"] == "failed"
    node.run("dpkg", "--purge", "pokepodsd")
    listed = node.run("systemctl", "list-units", "--all", "--output=json", "pokepodsd*").stdout
    assert json.loads(listed) == []


def test_an_interrupted_installation_is_made_good(bare: Box, deb: Path) -> None:
    """dpkg is killed while it unpacks, and the node goes down: the next installation is whole."""
    bare.copy_in(deb, f"/root/{deb.name}")
    unpacked = bare.path("/usr/share/pokepodsd/lib/kubernetes")
    command = bare.command("dpkg", "--install", f"/root/{deb.name}")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as dpkg:
        deadline = time.monotonic() + 30.0
        while not unpacked.exists():
            assert time.monotonic() < deadline
            time.sleep(0.001)
        # It is the child of what brings it into the box.
        (inside,) = Path(f"/proc/{dpkg.pid}/task/{dpkg.pid}/children").read_text().split()
        os.kill(int(inside), signal.SIGKILL)
    assert "pokepodsd" in bare.run("dpkg", "--audit").stdout
    bare.reboot()
    bare.run("dpkg", "--install", f"/root/{deb.name}", timeout_seconds=120.0)
    assert bare.run("dpkg", "--audit").stdout == ""
    assert has_bytecode(bare)
    package.configure(bare)
    package.start(bare)


def test_another_python_gets_its_own_bytecode(node: Box) -> None:
    """Debian's python3 calls the hook when its default changes; what was there before is gone."""
    folder = node.path("/usr/share/pokepodsd/lib/pokepodsd/__pycache__")
    for one in folder.glob("daemon.*"):
        one.unlink()
    (folder / "daemon.cpython-39.pyc").write_bytes(b"of an older Python")
    hook = "/usr/share/python3/runtime.d/pokepodsd.rtupdate"
    node.run(hook, "pre-rtupdate", "python3.9", "python3")
    node.run(hook, "rtupdate", "python3.9", "python3")
    assert has_bytecode(node)


def test_without_a_python_that_fits_it_says_so(node: Box) -> None:
    """One line with what to install, and status 78, with which systemd does not try again."""
    node.sh("for one in /usr/bin/python3*; do mv $one $one.away; done")
    done = node.run("pokepodsd", "run", check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (78, 1)
    assert "no Python 3.11 or newer" in done.stderr
    node.run("systemctl", "start", UNIT, check=False)
    assert node.show(UNIT, "ActiveState", "ExecMainStatus", "NRestarts") == {
        "ActiveState": "failed",
        "ExecMainStatus": "78",
        "NRestarts": "0",
    }


def test_a_python_beside_the_distributions_own_is_found(node: Box) -> None:
    """As on Ubuntu 22.04 and RHEL 9: python3 is too old, and a newer one has its own name."""
    node.sh(
        "real=$(readlink -f /usr/bin/python3); rm /usr/bin/python3; "
        "printf '#!/bin/sh\\nexit 1\\n' > /usr/bin/python3.9; chmod +x /usr/bin/python3.9; "
        "ln -s python3.9 /usr/bin/python3; [ -x $real ]"
    )
    assert version(node)
