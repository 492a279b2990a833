"""The boxes themselves: what is written lasts as long as it should, and nothing longer."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.lab import Lab, LabError, Node
from tests.lab.lab import remove_leftovers
from tests.lab.namespace import DIRECTORY
from tests.system import scratch
from tests.system.box import Box
from tests.system.controlgroups import MOUNT, control_groups
from tests.system.library import Library

END_SECONDS = 10.0

HOLDER = """
import sys
from pathlib import Path
from tests.lab import Lab
from tests.system.box import Box

with Lab(1) as lab, Box([Path(sys.argv[1])], lab.nodes[0]) as box:
    print("leader", box.leader, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with Lab(1) as lab:
        yield lab.nodes[0]


@pytest.fixture
def root(library: Library) -> list[Path]:
    return library.bare("bookworm")


def traces(pid: int) -> set[str]:
    """What is on this machine of the boxes that a process made."""
    names = f"poke-box-{pid}-*"
    folders = [str(one) for base in scratch.FOLDERS for one in base.glob(names)]
    # Those of other boxes come and go meanwhile, which a walk passes over.
    groups = (path for path, *_ in os.walk(MOUNT) if fnmatch(Path(path).name, names))
    mounts = Path("/proc/mounts").read_text().splitlines()
    return {*folders, *groups, *(line for line in mounts if f"poke-box-{pid}-" in line)}


def test_it_is_a_node_of_its_own_and_remembers(node: Node, root: list[Path]) -> None:
    """The network and the name of the node; files, the machine's identity and the journal last."""
    with Box(root, node) as box:
        assert box.sh("hostname").strip() == "node-a"
        network = Path(f"/proc/{box.leader}/ns/net").stat()
        assert network.st_ino == (DIRECTORY / node.namespace).stat().st_ino
        box.write("/root/note", "kept\n")
        machine, first_ns = box.sh("cat /etc/machine-id"), box.boot_ns
        box.reboot()
        assert box.boot_ns > first_ns
        assert box.sh("cat /root/note /etc/machine-id") == f"kept\n{machine}"
        assert len(box.sh("journalctl --list-boots --quiet --no-pager").splitlines()) >= 2


def test_nothing_is_left_when_a_test_fails(node: Node, root: list[Path]) -> None:
    """No process, mount, control group or folder."""
    before = traces(os.getpid())
    box = Box(root, node)
    with pytest.raises(ZeroDivisionError), box:
        raise ZeroDivisionError
    assert not Path(f"/proc/{box.leader}").exists()
    assert traces(os.getpid()) == before


def test_a_box_that_does_not_boot_says_why(node: Node, tmp_path: Path) -> None:
    """At once, with what was on its console."""
    with pytest.raises(LabError, match=r"did not boot.*console.*\n.*os-release"):
        Box([tmp_path], node).__enter__()


def test_a_box_ends_with_whoever_made_it(root: list[Path]) -> None:
    """A run of the tests that is killed leaves no process; the next run removes the rest."""
    program = [sys.executable, "-c", HOLDER, str(root[0])]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        leader = Path("/proc", holder.stdout.readline().split()[1].decode())
        assert leader.exists()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert traces(holder.pid)
        deadline = time.monotonic() + END_SECONDS
        while leader.exists():
            assert time.monotonic() < deadline, f"{leader} outlives {holder.pid}"
            time.sleep(0.02)
    with control_groups(scratch.new_name()), scratch.scratch_folder(scratch.new_name()):
        assert not traces(holder.pid)
    remove_leftovers()
