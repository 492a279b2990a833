"""`pokepodsd check` on a node with a systemd: each fault of the unit is found, and mended.

Faults that do not hide each other are planted together. What systemd has a part in is looked at on
each Debian, the rest on the newest.
"""

import json
import time
from itertools import chain

import pytest

from tests.apiserver.kubeconfig import write_kubeadm_layout
from tests.cluster import Cluster
from tests.preflight.printed import Page, run_on_terminal
from tests.system import package, roots
from tests.system.box import Box
from tests.system.package import UNIT
from tests.system.unitfaults import FAULTS, RESET, UnitFault

MENDED_SECONDS = 40.0

EACH = (
    ("disabled", "without its watchdog", "its state where it may not write"),
    ("a copy before the package's", "a kubeconfig that is hidden in /var"),
    ("a kubeconfig in root's home", "changed and not read"),
    ("without CAP_NET_RAW", "a drop-in that was not read"),
    ("without CAP_DAC_READ_SEARCH",),
    ("masked",),
)
ONCE = (
    ("stopped", "an expired certificate"),
    ("another daemon", "a kubeconfig of k3s"),
    ("a kubeconfig of microk8s",),
    ("a kubeconfig of eks",),
    ("failed",),
    ("hanging",),
)
on_the_newest = pytest.mark.parametrize(
    "suite", [roots.RECIPES[-1].suite], indirect=True, scope="module"
)


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


def test_every_fault_is_planted() -> None:
    """In one place."""
    assert sorted(chain(*EACH, *ONCE)) == sorted(FAULTS)


@pytest.mark.parametrize("names", EACH, ids=", ".join)
def test_faults_of_the_unit_are_found_and_their_remedies_mend_them(
    node: Box, cluster: Cluster, names: tuple[str, ...]
) -> None:
    """On each Debian."""
    plant_and_mend(node, cluster, [FAULTS[name] for name in names])


@on_the_newest
@pytest.mark.parametrize("names", ONCE, ids=", ".join)
def test_other_faults_are_found_and_their_remedies_mend_them(
    node: Box, cluster: Cluster, names: tuple[str, ...]
) -> None:
    """On one."""
    plant_and_mend(node, cluster, [FAULTS[name] for name in names])


def plant_and_mend(node: Box, cluster: Cluster, planted: list[UnitFault]) -> None:
    """Every remedy of the page, pasted as it is printed, and nothing is left."""
    for fault in planted:
        fault.plant(node, cluster)
    page = check(node)
    for fault in planted:
        (finding,) = page.named(fault.name)
        assert finding.level == fault.level, page.text
        assert fault.command in " ".join(finding.remedy.replace("\\\n", " ").split()), page.text
    assert page.status == (1 if any(fault.level == "failed" for fault in planted) else 0)
    for one in page.findings():
        if one.label.startswith("this mends it") and not one.head.startswith("clock"):
            node.run("bash", "-euc", one.remedy)
    deadline = time.monotonic() + MENDED_SECONDS
    while faults(page := check(node)):
        assert time.monotonic() < deadline, page.text
    for fault in planted:
        name = fault.name.partition(":")[0]
        assert [one.level for one in page.named(f"{name}:")] == ["ok"]
    assert node.show(UNIT, "ActiveState", "UnitFileState") == {
        "ActiveState": "active",
        "UnitFileState": "enabled",
    }
    package.wait_well(node)


@on_the_newest
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
