"""Checks what happens to a process that may open some ICMP sockets, or none."""

import subprocess
import sys

import pytest

from tests.edge.support import run_unprivileged
from tests.lab import Lab

RANGE = "net.ipv4.ping_group_range"
OPEN = """
from pokepodsd.edge.icmp import open_sockets
from pokepodsd.errors import PrivilegeError
try:
    print([one.is_raw for one in open_sockets()])
except PrivilegeError as error:
    print(f"{error.exit_status}: {error}")
"""


def open_as_nobody(lab: Lab, allowed: str) -> subprocess.CompletedProcess[str]:
    lab.nodes[0].set_sysctl(RANGE, allowed)
    return run_unprivileged([sys.executable, "-c", OPEN], prefix=lab.nodes[0].command())


def test_error_names_both_remedies(lab: Lab) -> None:
    """Without privilege and outside the group range, one line says which two things help."""
    done = open_as_nobody(lab, "1 0")
    (line,) = done.stdout.splitlines()
    assert line.startswith("77: may not open an ICMP socket")
    assert "AmbientCapabilities=CAP_NET_RAW" in line
    assert "net.ipv4.ping_group_range" in line


@pytest.mark.parametrize("allowed", ["0 2147483647", "65534 65534"])
def test_group_range_is_enough(lab: Lab, allowed: str) -> None:
    """A process whose group is in the range needs no privilege, for both families."""
    assert open_as_nobody(lab, allowed).stdout == "[False, False]\n"
