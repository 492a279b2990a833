"""Owns the built package in a box: how it is installed, configured, started and told apart."""

import contextlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pokepodsd.core.entries import EventKind
from tests.apiserver.served import Request
from tests.cluster import Cluster, toml_lines
from tests.system.box import Box, Entry

UNIT = "pokepodsd.service"
CONFIG = "/etc/pokepodsd.toml"
RENEWAL_SECONDS = 40.0
OURS = ("--unit", UNIT)

# Without the kernel's IP-in-IP the lab's device is a TUN, which nobody takes for a tunnel.
TABLES: Mapping[str, Mapping[str, Any]] = {
    "tunnels": {"devices": ["tunl0"], "interval": "1s"},
    "poke": {"interval": "1s", "timeout": "500ms"},
}
WELL = "2 peers: 2 ok; 6 targets: 6 up, 0 down, 0 opening; API: watching"


def pods(cluster: Cluster) -> list[str]:
    """The addresses of all pods that are poked from the box."""
    return [node.pod_address(number) for node in cluster.lab.nodes[1:] for number in (1, 2, 3)]


def install(box: Box, package: Path) -> None:
    """As an operator does who has only the file."""
    box.copy_in(package, f"/root/{package.name}")
    box.run("dpkg", "--install", f"/root/{package.name}", timeout_seconds=120.0)


def configure(box: Box, tables: Mapping[str, Mapping[str, Any]] = TABLES) -> None:
    box.write(CONFIG, "\n".join(toml_lines(tables)))


def drop_in(box: Box, name: str, text: str) -> None:
    """An administrator's change of the unit."""
    box.write(f"/etc/systemd/system/{UNIT}.d/{name}.conf", text)
    box.run("systemctl", "daemon-reload")


def use_drop_in(box: Box, name: str) -> None:
    """Do what a drop-in of the package says of its use."""
    place = f"/usr/share/pokepodsd/drop-ins/{name}.conf"
    box.sh(f"sed -n 's/^#   //p' {place} | sh -eu")
    assert box.path(f"/etc/systemd/system/{UNIT}.d/{name}.conf").exists()


def start(box: Box) -> None:
    """Start it, and wait until every tunnel and pod answers and the API is read."""
    box.run("systemctl", "start", UNIT)
    wait_well(box)


def wait_saved(box: Box, count: int) -> None:
    """Wait until so many targets are on the disk, which a process that is killed leaves behind."""
    state = box.path("/var/lib/private/pokepodsd/targets.json")
    deadline = time.monotonic() + 20.0
    while not (state.exists() and json.loads(state.open().readline())["targets"] == count):
        assert time.monotonic() < deadline, f"not {count} targets in {state}"
        time.sleep(0.05)


def commands(box: Box) -> list[str]:
    """The command lines of all processes in the box."""
    found = []
    for path in box.path("/proc").glob("[0-9]*/cmdline"):
        # It may end meanwhile.
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode())
    return found


def main_pid(box: Box) -> int:
    """The daemon's number inside of the box; 0 where none runs."""
    return int(box.show(UNIT, "MainPID")["MainPID"])


def seen(box: Box, place: str) -> str:
    """What is in a file by the daemon's view; "" where there is none for it."""
    found: list[str] = []

    def has_looked() -> bool:
        view = ("nsenter", "-t", str(main_pid(box)), "-m", "--", "cat")
        found[:] = [box.run(*view, place, check=False).stdout]
        # What it reads itself shows that this was a view, and not that of one which just ended.
        return box.run(*view, CONFIG, check=False).returncode == 0

    box.wait_until(has_looked, 10.0)
    return found[0]


def restarts_for_mounts(box: Box) -> int:
    """How often it was started again because it saw too much or too little."""
    box.run("journalctl", "--sync")
    entries = box.journal("--unit", "pokepodsd-mounts.service")
    return sum("it starts again" in entry["MESSAGE"] for entry in entries)


def status(box: Box) -> str:
    return box.show(UNIT, "StatusText")["StatusText"]


def wait_renewed(cluster: Cluster, before: list[Request]) -> Request:
    """Wait for a watch that is answered, with credentials that were not used before."""
    serials = {request.serial for request in before if request.serial is not None}
    deadline = time.monotonic() + RENEWAL_SECONDS
    while time.monotonic() < deadline:
        for request in cluster.api.control.requests()[len(before) :]:
            if request.kind == "watch" and request.status == 200 and request.serial not in serials:
                return request
        time.sleep(0.05)
    raise AssertionError(f"no watch with new credentials within {RENEWAL_SECONDS} s")


def wait_well(box: Box) -> None:
    """Wait until every tunnel and pod answers and the API is read."""
    box.wait_property(UNIT, "StatusText", WELL, 30.0)


def is_kind(entry: Entry, kind: EventKind) -> bool:
    return entry.get("MESSAGE_ID") == kind.value


def wait_entry(box: Box, kind: EventKind, timeout_seconds: float = 20.0) -> Entry:
    """The first entry of this kind since the box was booted, past or to come."""
    return box.wait_journal(
        lambda entry: is_kind(entry, kind), *OURS, timeout_seconds=timeout_seconds
    )
