"""The deb's unit on a fresh Debian: installed, enabled, started, reloaded, misconfigured."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import during, fields, filtered
from tests.daemon.wire import wait_request_to
from tests.lab import EchoCapture, Kind
from tests.system import package
from tests.system.box import Box
from tests.system.package import CONFIG, OURS, TABLES, UNIT, WELL, is_kind, wait_entry

BAD = '[poke]\ninterval = "soon"\nburst = 3\n'
READY_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Installed:
    """A box, and how it was right after the installation."""

    box: Box
    enabled: str
    active: str
    commands: list[str]


@pytest.fixture(scope="module")
def installed(bare_box: Box, deb: Path) -> Installed:
    package.install(bare_box, deb)
    before = Installed(
        bare_box,
        bare_box.run("systemctl", "is-enabled", UNIT, check=False).stdout.strip(),
        bare_box.run("systemctl", "is-active", UNIT, check=False).stdout.strip(),
        package.commands(bare_box),
    )
    package.configure(bare_box)
    bare_box.run("systemctl", "enable", UNIT)
    return before


@pytest.fixture
def running(installed: Installed) -> Iterator[Box]:
    """The service as it should be, whatever the test before made of it."""
    box = installed.box
    package.start(box)
    yield box
    package.configure(box)
    box.run("systemctl", "reset-failed", UNIT)


def test_the_installation_starts_and_enables_nothing(installed: Installed) -> None:
    """It reads the node's credentials and sends packets: only when somebody says so."""
    assert (installed.enabled, installed.active) == ("disabled", "inactive")
    assert not [command for command in installed.commands if "pokepodsd" in command]


def test_it_is_ready_within_a_moment(running: Box) -> None:
    """From systemd's start of the process to its READY=1."""
    shown = running.show(
        UNIT, "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic", "UnitFileState"
    )
    assert shown["UnitFileState"] == "enabled"
    started = int(shown["ExecMainStartTimestampMonotonic"])
    ready = int(shown["ActiveEnterTimestampMonotonic"])
    assert 0 < ready - started < READY_SECONDS * 1e6


def test_systemctl_status_tells_how_it_is(running: Box) -> None:
    """One line that an operator can read, beside what systemd says itself."""
    said = running.run("systemctl", "status", "--no-pager", UNIT).stdout
    assert f'Status: "{WELL}"' in said
    assert "active (running)" in said


def test_it_pokes_through_the_tunnels(running: Box, cluster: Cluster) -> None:
    """Pods of both other nodes are asked and answer, inside of IP-in-IP."""
    with EchoCapture(running.node, wrapped=True) as capture:
        for pod in package.pods(cluster):
            asked = wait_request_to(capture, pod)
            assert asked.source == running.node.tunnel.address
            wait_reply_from(capture, pod)


def wait_reply_from(capture: EchoCapture, address: str) -> None:
    capture.wait_for(lambda echo: echo.kind is Kind.REPLY and echo.source == address)


def test_a_pod_that_fails_is_told_with_its_fields(running: Box, cluster: Cluster) -> None:
    """As README promises, so that `journalctl POKEPODSD_NODE=node-b` finds it."""
    there = cluster.lab.nodes[1]
    address = there.pod_address(2)
    with during(there.kill_address, there.revive_address, address):
        down = wait_entry(running, EventKind.TARGET_DOWN)
    up = wait_entry(running, EventKind.TARGET_UP)
    who = {"LAYER": "pod", "NAMESPACE": "shop", "POD": "node-b-2", "NODE": "node-b"}
    who["ADDRESS"] = address
    assert fields(down).items() >= {**who, "STATE": "down", "OUTCOME": "timed out"}.items()
    assert fields(up).items() >= {**who, "STATE": "up"}.items()
    assert fields(up).keys() >= {"POD_UID", "RTT_USEC"}
    assert down["SYSLOG_IDENTIFIER"] == "pokepodsd"
    assert (down["PRIORITY"], up["PRIORITY"]) == ("4", "5")
    found = running.journal(*OURS, "POKEPODSD_NODE=node-b")
    assert any(is_kind(entry, EventKind.TARGET_DOWN) for entry in found)


def test_a_broken_tunnel_is_told_with_its_fields(running: Box, cluster: Cluster) -> None:
    """The verdict, whom it is about, and the tunnel; the catalog explains it."""
    there = cluster.lab.nodes[2]
    with filtered(there):
        broken = wait_entry(running, EventKind.TUNNEL_BROKEN, 40.0)
    wanted = {"VERDICT": "tunnel broken", "LAYER": "tunnel", "NODE": "node-c"}
    wanted |= {"PEER": there.address, "DEVICE": "tunl0"}
    assert fields(broken).items() >= wanted.items()
    assert fields(broken).keys() >= {"ADDRESS", "KIND"}
    wait_entry(running, EventKind.PEER_BACK)


def test_a_reload_returns_when_it_is_done(running: Box) -> None:
    """`systemctl reload` waits: the new configuration is in force when it returns, every time."""
    pid = package.main_pid(running)
    for number in range(10):
        interval = f"{number + 2}s"
        package.configure(running, {**TABLES, "poke": {"interval": interval}})
        running.run("systemctl", "reload", UNIT)
        running.run("journalctl", "--sync")
        told = [e for e in running.journal(*OURS) if is_kind(e, EventKind.CONFIG_RELOADED)]
        assert len(told) == number + 1
    assert package.main_pid(running) == pid


def test_a_bad_reload_keeps_it_running_as_it_was(running: Box) -> None:
    """Every complaint is told at once, and the pokes go on by the old configuration."""
    pid = package.main_pid(running)
    running.write(CONFIG, BAD)
    running.run("systemctl", "reload", UNIT, check=False)
    refused = wait_entry(running, EventKind.CONFIG_REFUSED)
    assert "poke.interval: 'soon'" in refused["MESSAGE"]
    assert "poke.burst: unknown" in refused["MESSAGE"]
    with EchoCapture(running.node, wrapped=True) as capture:
        capture.wait_for(lambda echo: echo.kind is Kind.REPLY)
    assert package.main_pid(running) == pid
    package.wait_well(running)


def test_a_bad_configuration_at_the_start_is_not_tried_again(running: Box) -> None:
    """Exit status 78, the complaint in the journal, and no restart: it would be the same again."""
    running.run("systemctl", "stop", UNIT)
    running.write(CONFIG, BAD)
    assert running.run("systemctl", "start", UNIT, check=False).returncode != 0
    names = ("ActiveState", "Result", "ExecMainStatus", "NRestarts")
    assert running.show(UNIT, *names) == {
        "ActiveState": "failed",
        "Result": "exit-code",
        "ExecMainStatus": "78",
        "NRestarts": "0",
    }
    running.wait_journal(lambda entry: "poke.interval: 'soon'" in entry["MESSAGE"], *OURS)
