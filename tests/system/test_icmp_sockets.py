"""The drop-ins that leave pokepodsd one kind of ICMP socket."""

from collections.abc import Iterator

import pytest

from pokepodsd.core.entries import EventKind
from tests.system import package
from tests.system.box import Box
from tests.system.package import OURS, UNIT, is_kind

RANGE = "net.ipv4.ping_group_range"
EVERYBODY = "0 2147483647"


@pytest.fixture(params=["datagram", "raw"])
def kind(request: pytest.FixtureRequest, box: Box) -> Iterator[str]:
    """One kind, where datagram sockets are allowed to everybody."""
    before = box.node.sysctl(RANGE)
    box.node.set_sysctl(RANGE, EVERYBODY)
    yield str(request.param)
    box.node.set_sysctl(RANGE, before)


def test_one_kind_is_enough(box: Box, kind: str) -> None:
    """It is the one that is used, and all peers and pods answer.

    Without CAP_NET_RAW at all where it is datagram sockets alone.
    """
    box.sh("rm -rf /etc/systemd/system/pokepodsd.service.d; systemctl daemon-reload")
    package.use_drop_in(box, f"icmp-{kind}")
    package.start(box)
    starts = [entry for entry in box.journal(*OURS) if is_kind(entry, EventKind.STARTED)]
    assert f"IPv4 {kind}, IPv6 {kind}" in starts[-1]["MESSAGE"]
    status = box.sh(f"cat /proc/{package.main_pid(box)}/status")
    bounding = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    # CAP_NET_RAW is bit 13, CAP_DAC_READ_SEARCH bit 2 (capability.h).
    assert int(bounding.split()[1], 16) == (1 << 2 | (1 << 13 if kind == "raw" else 0))
    box.run("systemctl", "stop", UNIT)
