"""`pokepodsd check` on a node with a systemd: each fault of the unit is found, and mended."""

import json
import time

import pytest

from tests.apiserver.kubeconfig import write_kubeadm_layout
from tests.cluster import Cluster
from tests.preflight.printed import Page, run_on_terminal
from tests.system import package
from tests.system.box import Box
from tests.system.package import UNIT
from tests.system.unitfaults import FAULTS, RESET, UnitFault

MENDED_SECONDS = 40.0


@pytest.fixture
def node(box: Box, cluster: Cluster) -> Box:
    """The service is enabled and runs, whatever the test before made of it."""
    box.sh(RESET)
    write_kubeadm_layout(cluster.api.authority, box.path("/"), cluster.api.url, box.node.name)
    package.configure(box)
    package.start(box)
    return box


def check(box: Box) -> Page:
    return run_on_terminal(box.command("pokepodsd", "check"))


def faults(page: Page) -> set[str]:
    """But for the clock, which is that of the host that the tests run on."""
    return set(page.faults()) - {"warning clock"}


def test_a_service_that_runs_is_no_fault(node: Box) -> None:
    """It is said to run, nothing is to be done, and the status is 0."""
    page = check(node)
    assert (page.status, faults(page)) == (0, set()), page.text
    (service,) = page.named("service:")
    assert service.head.startswith(f"service: runs, as process {package.main_pid(node)}: 2 peers")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_found_and_its_remedy_mends_it(
    node: Box, cluster: Cluster, fault: UnitFault
) -> None:
    """Every remedy of the page, pasted as it is printed, and nothing is left."""
    fault.plant(node, cluster)
    page = check(node)
    (finding,) = page.named(fault.name)
    assert finding.level == fault.level, page.text
    assert fault.command in " ".join(finding.remedy.replace("\\\n", " ").split()), page.text
    assert page.status == (1 if fault.level == "failed" else 0)
    for one in page.findings():
        if one.label.startswith("this mends it") and not one.head.startswith("clock"):
            node.run("bash", "-euc", one.remedy)
    deadline = time.monotonic() + MENDED_SECONDS
    while faults(page := check(node)):
        assert time.monotonic() < deadline, page.text
    name = fault.name.partition(":")[0]
    assert [one.level for one in page.named(f"{name}:")] == ["ok"]
    assert node.show(UNIT, "ActiveState", "UnitFileState") == {
        "ActiveState": "active",
        "UnitFileState": "enabled",
    }
    package.wait_well(node)


def test_a_remedy_is_one_line_for_programs(node: Box) -> None:
    """What is folded on a terminal is whole in JSON."""
    node.sh(f"systemctl disable --now {UNIT}; systemctl mask {UNIT}")
    told = json.loads(node.run("pokepodsd", "check", "-o", "json", check=False).stdout)
    (service,) = (one for one in told["findings"] if one["check"] == "service")
    assert service["remedy"] == {
        "command": "systemctl unmask pokepodsd && systemctl enable --now pokepodsd",
        "place": "here",
    }


def test_before_anything_is_started_there_are_warnings_only(node: Box) -> None:
    """As after the installation: not enabled, not running, and no reason to fail."""
    node.run("systemctl", "disable", "--now", UNIT)
    page = check(node)
    assert (page.status, faults(page)) == (0, {"warning service", "warning enabled"}), page.text
