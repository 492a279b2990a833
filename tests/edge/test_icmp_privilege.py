"""Checks what happens to a process that may open some ICMP sockets, or none."""

import subprocess
import sys

import pytest

from tests.edge.support import run_unprivileged
from tests.lab import Lab

RANGE = "net.ipv4.ping_group_range"
OPEN = """
import sys
from pokepodsd.edge.icmp import open_sockets
from pokepodsd.errors import PrivilegeError
try:
    print([one.is_raw for one in open_sockets(sys.argv[1])])
except PrivilegeError as error:
    print(f"{error.exit_status}: {error}")
"""


def open_as_nobody(lab: Lab, allowed: str, kind: str = "auto") -> subprocess.CompletedProcess[str]:
    lab.nodes[0].set_sysctl(RANGE, allowed)
    return run_unprivileged([sys.executable, "-c", OPEN, kind], prefix=lab.nodes[0].command())


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


def test_a_set_kind_is_the_only_one_that_is_tried(lab: Lab) -> None:
    """ "raw" opens none where datagram sockets are allowed, and "datagram" none where they are not.

    Each names its own remedy alone.
    """
    (line,) = open_as_nobody(lab, "0 2147483647", "raw").stdout.splitlines()
    assert line.startswith("77: may not open an ICMP socket: give the process CAP_NET_RAW")
    assert "ping_group_range" not in line
    (line,) = open_as_nobody(lab, "1 0", "datagram").stdout.splitlines()
    assert line.startswith("77: may not open an ICMP socket: let its group use ICMP datagram")
    assert "CAP_NET_RAW" not in line
    assert open_as_nobody(lab, "0 2147483647", "datagram").stdout == "[False, False]\n"


def test_raw_is_used_where_datagram_would_do(lab: Lab) -> None:
    """With the privilege, "raw" is raw although datagram sockets are open to everybody."""
    node = lab.nodes[0]
    node.set_sysctl(RANGE, "0 2147483647")
    done = subprocess.run(
        node.command(sys.executable, "-c", OPEN, "raw"), capture_output=True, text=True, check=True
    )
    assert done.stdout == "[True, True]\n"
