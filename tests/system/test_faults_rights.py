"""Which rights of root each process of the packaged service has, by what the kernel says of it."""

from collections.abc import Iterator

import pytest

from tests.faults.test_attackers_rights import DAC_READ_SEARCH, NET_RAW, SETS, rights
from tests.system import package
from tests.system.box import Box
from tests.system.package import TABLES, UNIT

LISTEN = "127.0.0.1:19747"


@pytest.fixture
def measured(box: Box) -> Iterator[Box]:
    package.configure(box, {**TABLES, "metrics": {"listen": LISTEN}})
    yield box
    box.run("systemctl", "stop", UNIT)
    package.configure(box)


def test_each_process_has_the_rights_that_it_needs(measured: Box) -> None:
    """The daemon two, the reader one of them for the kubelet's key, the exporter none."""
    package.start(measured)
    package.wait_well(measured)
    daemon = measured.path("/proc") / str(package.main_pid(measured))
    reader, exporter = (daemon / "task" / daemon.name / "children").read_text().split()
    assert rights(daemon) == dict.fromkeys(SETS, NET_RAW | DAC_READ_SEARCH)
    assert rights(daemon.with_name(reader)) == dict.fromkeys(SETS, DAC_READ_SEARCH)
    assert rights(daemon.with_name(exporter)) == dict.fromkeys(SETS, 0)
