"""The commands beside a daemon that knows no API server: it is dead, and was when it started.

Owns that each works from what the routes and the saved targets hold, with its exit status. Three
nodes; the first one's daemon started after the API server was killed, the others before.
"""

import json
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.conftest import COMMAND
from tests.cluster import Cluster, Daemon, Tables
from tests.daemon.journalled import filtered
from tests.lab import Encapsulation, Node

SCHEMAS = Path(__file__).parents[2] / "packaging" / "schema"
PORT = 19747
PODS = 2
TABLES: Tables = {
    "tunnels": {"interval": "500ms"},
    "poke": {"interval": "1s", "timeout": "400ms"},
}
WELL = rf"2 peers: 2 ok; {3 * PODS} targets: {3 * PODS} up, 0 down"
LOST = "API: lost"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The cluster, and the daemon of each node."""

    cluster: Cluster
    daemons: dict[Node, Daemon]

    @property
    def nodes(self) -> list[Node]:
        return self.cluster.lab.nodes

    def socket(self, node: Node) -> str:
        """Where the daemon of a node is asked."""
        return str(self.cluster.runtime_folder(node) / "control.sock")

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """As an operator does on the first node, into a pipe."""
        here = self.nodes[0]
        socket = () if command == "matrix" else ("--socket", self.socket(here))
        config = str(self.cluster.folder / f"{here.name}.toml")
        return subprocess.run(
            here.command(*COMMAND, "--config", config, command, *socket, *arguments),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def document(self, schema: str, command: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit status, and the document, which is of its published schema."""
        done = self.run(command, "-o", "json", *arguments)
        assert done.stderr == ""
        document: dict[str, Any] = json.loads(done.stdout)
        check_schema(schema, document)
        return done.returncode, document

    def fetch(self, path: str) -> str:
        """What the first node's listener answers there, asked on that node."""
        here = self.nodes[0]
        with here.inside():
            url = f"http://{here.address}:{PORT}{path}"
            with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:
                body: bytes = answer.read()
        return body.decode()


def check_schema(name: str, document: Any) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("dead-api")
    with Cluster(folder, nodes=3, tunnels=Encapsulation.IPIP) as cluster:
        first, *others = cluster.lab.nodes
        for node in cluster.lab.nodes:
            cluster.make_pods(node, PODS)
        tables = {**TABLES, "metrics": {"listen": f"{first.address}:{PORT}"}}
        with cluster.daemons(others, TABLES, watchdog_seconds=20.0) as running:
            with cluster.daemon(first, tables, watchdog_seconds=20.0) as before:
                before.wait_status(WELL)
                before.process.terminate()
                assert before.process.wait() == 0
            cluster.api.kill()
            with cluster.daemon(first, tables, watchdog_seconds=20.0) as after:
                daemons = {first: after, **running}
                for daemon in daemons.values():
                    daemon.wait_status(f"{WELL}, .*{LOST}", PATIENCE_SECONDS)
                yield Scene(cluster=cluster, daemons=daemons)


@pytest.fixture
def broken(scene: Scene) -> Iterator[Node]:
    """The second node, while its tunnels are broken."""
    _, there, _ = scene.nodes
    seen = {node: daemon.notify for node, daemon in scene.daemons.items()}
    with filtered(there):
        told = {
            node: notify.wait_for_status("cut off" if node is there else "1 tunnel broken", 60.0)
            for node, notify in seen.items()
        }
        yield there
    for node, daemon in scene.daemons.items():
        daemon.wait_status(WELL, PATIENCE_SECONDS, since_ns=told[node].at_ns)


def test_the_status_is_well(scene: Scene) -> None:
    """Every peer and pod is known and answers: status 0, and the page says that the API is lost."""
    done = scene.run("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"OK: {scene.nodes[0].name} reaches its 2 peers")
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("API "))
    assert line.split()[1] == "lost"
    assert line.endswith("what is known is poked on")


def test_the_status_is_a_document(scene: Scene) -> None:
    """The names come from the saved targets, the tunnels from the routes."""
    first, *others = scene.nodes
    code, said = scene.document("status-1", "status", "--all")
    assert (code, said["verdict"]["state"], said["api"]["state"]) == (0, "ok", "lost")
    assert said["node"]["name"] == first.name
    assert sorted(peer["node"] for peer in said["peers"]) == [node.name for node in others]
    assert [peer["tunnels"][0]["state"] for peer in said["peers"]] == ["up", "up"]
    assert said["pods_known"] == 3 * PODS


def test_the_check_fails_at_the_api_alone(scene: Scene) -> None:
    """That line has what shows more; what needs it is left out, and everything else is told."""
    code, said = scene.document("check-1", "check")
    assert code == 1
    levels: dict[str, list[str]] = {}
    for one in said["findings"]:
        levels.setdefault(one["level"], []).append(one["name"])
    assert levels["failed"] == ["API server's port"]
    (failed,) = (one for one in said["findings"] if one["level"] == "failed")
    assert failed["remedy"]["command"].startswith("curl ")
    told = {"configuration", "daemons", "control socket", "kubeconfig", "client certificate"}
    assert told | {"ICMP sockets", "tunnel devices", "ways through the tunnels"} <= set(
        levels["ok"]
    )
    page = scene.run("check")
    assert page.returncode == 1
    assert "1 failed (API server's port)" in page.stdout.splitlines()[-1]


@pytest.mark.parametrize("what", [lambda node: node.address, lambda node: node.name])
def test_a_trace_needs_no_api(scene: Scene, what: Callable[[Node], str]) -> None:
    """By an address, or by a name that the daemon knows from the saved targets."""
    _, there, _ = scene.nodes
    code, said = scene.document("trace-1", "trace", what(there))
    assert (code, said["known_by"], said["verdict"]) == (0, "daemon", "ok")
    assert (said["peer"]["node"], said["peer"]["address"]) == (there.name, there.address)
    assert scene.run("trace", "node-z").returncode == 69


def test_the_listener_serves(scene: Scene) -> None:
    """The metrics say that the API server is lost, the status is the document of the command."""
    families = text_string_to_metric_families(scene.fetch("/metrics"))
    samples = [sample for family in families for sample in family.samples]
    values = {(one.name, one.labels.get("verdict")): one.value for one in samples}
    assert values["pokepodsd_api_up", None] == 0
    assert values["pokepodsd_peers", "ok"] == 2
    said = json.loads(scene.fetch("/status"))
    check_schema("status-1", said)
    assert (said["api"]["state"], len(said["peers"])) == ("lost", 2)


def test_the_matrix_is_drawn_from_the_sockets(scene: Scene) -> None:
    """Of all nodes: every pair answers."""
    done = scene.run("matrix", "-o", "text", *map(scene.socket, scene.nodes))
    assert (done.returncode, done.stderr) == (0, "")
    assert "from the status of 3 nodes" in done.stdout
    rows = [line.split()[2:] for line in done.stdout.splitlines() if " node-" in line]
    assert rows == [["\\", "·", "·"], ["·", "\\", "·"], ["·", "·", "\\"]]


def test_a_broken_tunnel_is_told_by_each(scene: Scene, broken: Node) -> None:
    """Status 1 of each command, with the peer and what to do."""
    status = scene.run("status")
    assert status.returncode == 1
    assert f"{broken.name} (tunnel broken)" in status.stdout.splitlines()[0]
    assert f"pokepodsd trace {broken.name} says why" in status.stdout
    code, said = scene.document("trace-1", "trace", broken.name)
    assert (code, said["verdict"]) == (1, "tunnel broken")
    assert "allow protocol 4, not 94" in said["reason"]
    matrix = scene.run("matrix", "-o", "text", *map(scene.socket, scene.nodes))
    assert matrix.returncode == 1
    assert f"Cut off: {broken.name}." in matrix.stdout
    assert "one way only" not in matrix.stdout
