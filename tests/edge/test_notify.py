"""Checks what systemd hears over a real notify socket, and what it does not."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.model import MonotonicNs
from pokepodsd.edge.notify import ServiceManager
from tests.lab import NotifySocket

NAMES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
PID = os.getpid()


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Each test sets what systemd would set, and leaves nothing behind."""
    before = {name: os.environ.pop(name, None) for name in NAMES}
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture
def notify(tmp_path: Path) -> Iterator[NotifySocket]:
    with NotifySocket(tmp_path / "notify") as standing:
        os.environ["NOTIFY_SOCKET"] = str(standing.path)
        yield standing


def make_manager() -> ServiceManager:
    return ServiceManager(os.environ, pid=PID)


def test_each_message_is_one_exact_datagram(notify: NotifySocket) -> None:
    """READY, STATUS, RELOADING, WATCHDOG and STOPPING are written as sd_notify(3) says."""
    manager = make_manager()
    manager.ready("3 targets")
    manager.status("4 targets: 1 down")
    manager.reloading(MonotonicNs(12_345_678_900))
    manager.beat()
    manager.stopping()
    assert [message.text for message in notify.messages] == [
        "READY=1\nSTATUS=3 targets",
        "STATUS=4 targets: 1 down",
        "RELOADING=1\nMONOTONIC_USEC=12345678",
        "WATCHDOG=1",
        "STOPPING=1",
    ]
    assert {message.pid for message in notify.messages} == {PID}


def test_status_stays_one_line_of_ascii(notify: NotifySocket) -> None:
    """A name from outside can neither forge a message nor make the datagram unsendable."""
    make_manager().status("pod \u20ac\ud800 down\nWATCHDOG=1\nREADY=1")
    assert [message.text for message in notify.messages] == [
        "STATUS=pod ?? down WATCHDOG=1 READY=1"
    ]
    assert notify.beats() == []


def test_children_cannot_speak_for_the_service(notify: NotifySocket) -> None:
    """The variables are gone from the environment, and the messages go on."""
    os.environ |= {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(PID)}
    manager = make_manager()
    said = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert not any(f"{name}=" in said for name in NAMES)
    manager.beat()
    notify.wait_for("WATCHDOG=1")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(PID)}, 15_000_000_000),
        ({"WATCHDOG_USEC": "30000000"}, 15_000_000_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(PID + 1)}, 0),
        ({}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({"WATCHDOG_USEC": ""}, 0),
    ],
)
def test_beat_is_half_the_watchdogs_period(variables: dict[str, str], expected: int) -> None:
    """A watchdog that is meant for another process, or has no period, is none of ours."""
    os.environ.update(variables)
    assert make_manager().beat_every_ns == expected


@pytest.mark.parametrize("path", [None, "", "/nowhere/notify"])
def test_without_a_socket_everything_is_in_order(path: str | None) -> None:
    """No service manager, or one that cannot be reached, is no reason not to poke."""
    if path is not None:
        os.environ["NOTIFY_SOCKET"] = path
    manager = make_manager()
    manager.ready("3 targets")
    manager.beat()


def test_vanished_socket_is_a_warning(
    notify: NotifySocket, caplog: pytest.LogCaptureFixture
) -> None:
    """A service manager that goes away ends nothing, and is told once a message."""
    manager = make_manager()
    notify.close()
    manager.ready("3 targets")
    assert [record.message for record in caplog.records] == [
        "cannot tell systemd READY: [Errno 111] Connection refused"
    ]


def test_full_queue_does_not_stop_the_loop(tmp_path: Path) -> None:
    """A service manager that reads nothing holds up no poke for ever."""
    path = tmp_path / "notify"
    program = """
import os
from pokepodsd.edge.notify import ServiceManager
manager = ServiceManager(os.environ, pid=os.getpid())
for number in range({count}):
    manager.status(str(number))
"""
    queue = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(path))
        argv = [sys.executable, "-c", program.format(count=queue + 3)]
        environment = os.environ | {"NOTIFY_SOCKET": str(path)}
        done = subprocess.run(argv, env=environment, timeout=5, check=False)
    assert done.returncode == 0
