"""`pokepodsd status` of running daemons, on nodes with real IP-in-IP between them.

Owns that what the daemon tells is the published document, and that faults and repairs are seen in
it. Refuses: any duration.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import COMMAND
from tests.cluster import Cluster, Daemon, Tables
from tests.lab import Encapsulation, Node, TunnelFilter

SCHEMA = Path(__file__).parents[2] / "packaging" / "schema" / "status-1.json"
TABLES: Tables = {
    "tunnels": {"interval": "500ms", "devices": ["tunl0"]},
    "poke": {"interval": "1s", "timeout": "400ms"},
}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, nodes=2, tunnels=Encapsulation.IPIP) as built:
        for node in built.lab.nodes:
            built.make_pods(node, 2)
        yield built


@pytest.fixture
def daemons(cluster: Cluster) -> Iterator[dict[Node, Daemon]]:
    with cluster.daemons(cluster.lab.nodes, TABLES, watchdog_seconds=20.0) as running:
        for node in cluster.lab.nodes:
            running[node].wait_status(r"1 peer: 1 ok")
            running[node].wait_status(r"4 targets: 4 up")
        yield running


def status(cluster: Cluster, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it on the first node."""
    node = cluster.lab.nodes[0]
    socket = cluster.runtime_folder(node) / "control.sock"
    return subprocess.run(
        [*COMMAND, "status", "--socket", str(socket), *options],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def documents(cluster: Cluster, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit status, and the document, which is of the published schema."""
    done = status(cluster, "-o", "json", *options)
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    return done.returncode, document


def test_what_a_daemon_tells_is_the_published_document(
    cluster: Cluster, daemons: dict[Node, Daemon]
) -> None:
    """All, some, narrowed: each is of the schema, and says what the lab has."""
    first, second = cluster.lab.nodes
    code, said = documents(cluster, "--all")
    assert (code, said["verdict"]["state"], said["verdicts"]) == (0, "ok", {"ok": 1})
    (peer,) = said["peers"]
    assert (peer["node"], peer["address"]) == (second.name, second.address)
    assert {one["layer"] for one in said["targets"]} == {"pod", "tunnel", "underlay"}
    assert documents(cluster)[1]["targets"] == []
    assert len(documents(cluster, "--all", "--namespace", "shop")[1]["targets"]) == 4
    assert documents(cluster, "--peer", second.address)[1]["peers"][0]["node"] == second.name
    assert status(cluster, "--peer", "node-z").returncode == 69
    text = status(cluster).stdout
    assert text.startswith(f"OK: {first.name} reaches its 1 peer")


def test_a_broken_tunnel_is_seen_until_it_is_mended(
    cluster: Cluster, daemons: dict[Node, Daemon]
) -> None:
    """With the API server dead, too: status 1 and the peer's name, and then all is well again."""
    first, second = cluster.lab.nodes
    cluster.api.kill()
    second.tunnel.set_filter(TunnelFilter.CLOSED)
    daemons[first].wait_status(r"1 tunnel broken")
    code, said = documents(cluster)
    assert (code, said["verdict"]["state"], said["peers"][0]["is_fault"]) == (1, "fault", True)
    text = status(cluster).stdout
    assert text.startswith(f"FAULT: {first.name} does not reach 1 of its 1 peer")
    assert f"{second.name} (tunnel broken)" in text
    second.tunnel.set_filter(TunnelFilter.OPEN)
    since_ns = daemons[first].notify.wait_for_status(r"1 tunnel broken").at_ns
    daemons[first].wait_status(r"1 peer: 1 ok", since_ns=since_ns)
