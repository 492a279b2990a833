"""Names that would move a terminal's cursor or forge a line, through everything that tells them."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pokepodsd.core.entries import EventKind
from tests.apiserver.podfactory import pod
from tests.cli.terminal import Terminal
from tests.cluster import Cluster, Tables
from tests.daemon.journalled import JournalledDaemon, daemon_under_a_journal, filtered
from tests.daemon.nodes import register
from tests.fuzz.shown import check_line
from tests.lab import Encapsulation, TunnelFilter

# Each command is a program that starts, two dozen of them: minutes where others have the processor.
pytestmark = pytest.mark.timeout(400)

FORGED: Final = "FORGED"
PORT: Final = 19747
_TAIL: Final = f"\x1b[2J\x1b]0;owned\x07\n{FORGED} \r{FORGED}\u2028{FORGED}\x9b2J\u202e\0"
NODE: Final = f"node-b{_TAIL}"
NAMES: Final = (f"web{_TAIL}", f"{FORGED}\n{FORGED}", '"} 1\nforged_metric 1', "<b>%s{0}[red]")
PATIENCE_SECONDS: Final = 60.0


class Told:
    """A daemon whose peer and pods are called so, and all that may be asked about it."""

    def __init__(self, cluster: Cluster, daemon: JournalledDaemon) -> None:
        self.here, self.there = cluster.lab.nodes[:2]
        self.cluster = cluster
        self.daemon = daemon
        self.config = cluster.folder / f"{self.here.name}.toml"
        self.socket = cluster.runtime_folder(self.here) / "control.sock"

    def command(self, *arguments: str) -> list[str]:
        program = (sys.executable, "-m", "pokepodsd", "--config", str(self.config))
        return [*self.here.command(*program, *arguments)]

    def run(self, *arguments: str) -> str:
        """What it writes into a pipe."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr
        return (done.stdout + done.stderr).decode()

    def page(self, path: str) -> str:
        """What the exporter tells."""
        with self.here.inside():
            url = f"http://{self.here.address}:{PORT}{path}"
            with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
                told: bytes = answer.read()
        return told.decode()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Two nodes with a tunnel between them."""
    with Cluster(tmp_path, tunnels=Encapsulation.IPIP) as started:
        register(started, *started.lab.nodes)
        started.lab.nodes[1].tunnel.set_filter(TunnelFilter.OPEN)
        yield started


@pytest.fixture
def told(cluster: Cluster) -> Iterator[Told]:
    here, there = cluster.lab.nodes[:2]
    pods = {
        str(number): pod(
            name,
            f"shop{name}",
            node=NODE,
            addresses=[there.pod_address(number + 1)],
            host_address=there.address,
        )
        for number, name in enumerate(NAMES)
    }
    cluster.api.control.plant_pods(pods)
    tables: Tables = {
        "poke": {"interval": "1s", "timeout": "500ms"},
        "tunnels": {"interval": "1s"},
        "kubernetes": {"report": "events"},
        "metrics": {"listen": f"{here.address}:{PORT}"},
    }
    with daemon_under_a_journal(cluster, here, tables) as daemon:
        count = len(NAMES)
        daemon.settle(rf".*{count} targets: {count} up, 0 down.* API: watching")
        yield Told(cluster, daemon)


def check(text: str) -> None:
    """No line is forged, and a terminal obeys nothing of it."""
    for line in text.split("\n"):
        check_line(line)
        assert not line.lstrip().startswith((FORGED, "forged_metric")), line


def strings(value: Any) -> Iterator[str]:
    """Every text of a JSON value, the keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def commands(told: Told) -> list[tuple[str, ...]]:
    """Everything that shows a name on a terminal."""
    socket = ("--socket", str(told.socket))
    address = told.there.pod_address(1)
    return [
        ("status", "--all", *socket),
        ("status", "--peer", NODE.replace("\0", ""), *socket),
        ("trace", "--count", "1", *socket, address),
        ("trace", "--count", "1", *socket, told.there.address),
        ("trace", "--count", "1", *socket, f"no/{NAMES[1]}"),
        ("trace", "--count", "1", *socket, f"shop{NAMES[1]}/{NAMES[1]}"),
        ("once", "--tries", "1"),
        ("matrix", "-o", "text", str(told.socket)),
    ]


def check_all(told: Told) -> None:
    """Ask for everything, into a pipe, and see that the names are there, harmless."""
    for arguments in commands(told):
        text = told.run(*arguments)
        check(text)
        assert "\\x1b[2J" in text or FORGED in text, (arguments, text)
    for form in ("json", "svg", "html"):
        check(told.run("matrix", "-o", form, str(told.socket)))
    document = json.loads(told.run("status", "--all", "-o", "json", "--socket", str(told.socket)))
    assert NAMES[0] in {target["name"] for target in document["targets"]}
    for path in ("/metrics", "/status?targets=all"):
        check(told.page(path))


def test_names_reach_no_terminal_and_forge_no_line(told: Told) -> None:
    """Every command, while all is well and while a tunnel is broken; journal, Events, metrics."""
    check_all(told)
    with filtered(told.there):
        told.daemon.wait_entry(EventKind.TUNNEL_BROKEN)
        check_all(told)
        check(told.page("/metrics"))
        assert "pokepodsd_peer_unwell{" in told.page("/metrics")
    told.daemon.wait_entry(EventKind.PEER_BACK)
    entries = told.daemon.finish()
    for entry in entries:
        for text in entry.values():
            check(text)
    assert any("\\x1b[2J" in entry["MESSAGE"] for entry in entries)
    with told.cluster.lab.hub.inside():
        listed = told.cluster.api.admin.request(
            "GET", "/api/v1/namespaces/default/events", None, "application/json"
        )
    messages = [one["message"] for one in listed["items"]]
    assert any("\\x1b[2J" in message for message in messages)
    for text in strings(listed["items"]):
        check(text)


@pytest.mark.long
def test_names_on_a_terminal(told: Told) -> None:
    """With colours, folded to its width: what they would do to it is written out."""
    for arguments in commands(told):
        with Terminal(told.command(*arguments), columns=70) as terminal:
            terminal.wait()
            output = terminal.output
        assert "\x1b[2J" not in output
        assert "\x1b]0;" not in output
        # A bar of progress begins its own line anew, and a narrow column folds a name.
        for line in terminal.text.replace("\r", "\n").split("\n"):
            check_line(line)


def test_a_configuration_and_files_with_such_names(told: Told, tmp_path: Path) -> None:
    """Paths and keys are an operator's own, and are told as harmlessly."""
    folder = tmp_path / f"a\x1b[2J\n{FORGED}"
    folder.mkdir()
    config = folder / "b.toml"
    config.write_text(f'"{FORGED}\\n\\u001b[2J" = 1\n[poke]\ninterval = "\\u001b[2J\\n{FORGED}"\n')
    told.config = config
    for arguments in (("check-config",), ("once",), ("status", "--socket", str(folder / "no"))):
        check(told.run(*arguments))
    check(told.run("matrix", str(config)))
    check(
        told.run(
            "--kubernetes-kubeconfig", str(folder / "no"), "--poke-interval", "\x1b[2J", "once"
        )
    )
