"""`pokepodsd trace` beside a running daemon, whose side of the control socket is the test's.

Owns what is made of the daemon's word: who is meant, what it believes, and where it is wrong.
"""

from collections.abc import Iterator

import pytest

from tests.cli.statusdaemon import SINCE, StatusDaemon, peer_of, pod_of
from tests.cli.tracer import Tracer, tracer
from tests.cluster import Cluster
from tests.daemon.journalled import during, filtered
from tests.daemon.scene import three_nodes
from tests.lab import Node

QUICK = ("--count", "2")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with three_nodes(tmp_path_factory.mktemp("trace")) as started:
        started.api.kill()
        yield started


@pytest.fixture
def daemon(cluster: Cluster, there: Node) -> Iterator[StatusDaemon]:
    """It knows a node by its name, with two pods on it, and another node."""
    peers = [peer_of(cluster.lab.nodes[2]), peer_of(there)]
    targets = [pod_of(there, 2), pod_of(there, 3)]
    with StatusDaemon(cluster.folder / "control.sock", peers, targets) as running:
        yield running


@pytest.fixture
def trace(cluster: Cluster, daemon: StatusDaemon) -> Tracer:
    return tracer(cluster, cluster.lab.nodes[0], daemon.path)


def test_a_peer_by_its_name(trace: Tracer, daemon: StatusDaemon, there: Node) -> None:
    """The daemon knows the name, without the API; what it believes is shown, and agrees."""
    done = trace.run(*QUICK, "node-b")
    assert done.returncode == 0, done.stderr
    assert f"node-b ({there.address})" in done.stdout
    assert "the running pokepodsd" in done.stdout
    assert "pokepodsd       believes: ok, since 2026-11-24 19:44:23 UTC (" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("pokepodsd ")
    assert [one["peer"] for one in daemon.questions] == ["node-b"]


@pytest.mark.parametrize("form", ["name", "address"])
def test_a_pod(trace: Tracer, daemon: StatusDaemon, there: Node, form: str) -> None:
    """By its name in the namespace, or by its address on the peer that the routes show."""
    status, document = trace.document(
        *QUICK, {"name": "shop/web-2", "address": there.pod_address(2)}[form]
    )
    assert (status, document["known_by"]) == (0, "daemon")
    assert document["pod"] == {
        "namespace": "shop",
        "name": "web-2",
        "node": "node-b",
        "address": there.pod_address(2),
    }
    assert document["peer"]["node"] == "node-b"
    assert document["daemon"] == {
        "verdict": "ok",
        "since": SINCE,
        "is_held": False,
        "pod": "up",
        "pod_since": SINCE,
        "cut_off": None,
    }
    narrowed = [one.get("namespace") or one.get("peer") for one in daemon.questions]
    assert all(narrowed)


def test_an_address_that_the_daemon_does_not_poke(
    trace: Tracer, daemon: StatusDaemon, there: Node
) -> None:
    """Its peer is the daemon's, the address has no name."""
    _, document = trace.document(*QUICK, there.pod_address(9))
    assert (document["peer"]["node"], document["pod"]["name"]) == ("node-b", None)
    assert document["daemon"]["pod"] is None


def test_a_fault_that_the_daemon_does_not_know_yet(
    trace: Tracer, daemon: StatusDaemon, there: Node
) -> None:
    """Both are shown, and why they differ."""
    with filtered(there):
        status, document = trace.document(*QUICK, "node-b")
    assert (status, document["verdict"]) == (1, "tunnel broken")
    assert document["daemon"]["verdict"] == "ok"
    assert "decides some seconds after its first lost poke" in document["hint"]
    # Pods that may stand for the tunnel were asked too.
    assert [step["layer"] for step in document["steps"]][-2:] == ["pod", "pod"]


def test_a_fault_that_is_over(trace: Tracer, daemon: StatusDaemon, there: Node) -> None:
    """The daemon still believes in it: its next poke shows it."""
    daemon.peers = [peer_of(there, "tunnel broken", is_fault=True)]
    status, document = trace.document(*QUICK, "node-b")
    assert (status, document["verdict"]) == (0, "ok")
    assert "the next poke of pokepodsd shows it" in document["hint"]


def test_a_pod_that_died_a_moment_ago(trace: Tracer, daemon: StatusDaemon, there: Node) -> None:
    """The daemon believes that it is up, until some pokes in a row are lost."""
    with during(there.kill_address, there.revive_address, there.pod_address(2)):
        status, document = trace.document(*QUICK, "shop/web-2")
    assert (status, document["verdict"], document["daemon"]["pod"]) == (1, "pod only", "up")
    assert "poke.fail_after" in document["hint"]


def test_held_pokes_and_a_node_cut_off(trace: Tracer, daemon: StatusDaemon, there: Node) -> None:
    """What the daemon does or believes besides is shown."""
    daemon.peers = [peer_of(there, is_held=True)]
    daemon.verdict = {"state": "cut-off", "since": SINCE, "text": "this node is cut off"}
    done = trace.run(*QUICK, "node-b")
    assert "; this node is cut off" in done.stdout
    assert "its pokes to this peer are held, as pokepodsd need asked" in done.stdout


def test_a_name_that_the_daemon_does_not_know(trace: Tracer, daemon: StatusDaemon) -> None:
    """What it knows is offered."""
    done = trace.run("node-bb")
    assert (done.returncode, done.stdout) == (69, "")
    assert "did you mean 'node-b', 'node-c'" in done.stderr


def test_hostile_names_are_escaped(trace: Tracer, daemon: StatusDaemon, there: Node) -> None:
    """A pod's name can neither move the cursor nor forge a line."""
    daemon.targets = [pod_of(there, 2, name="\x1b[2J\nverdict ok")]
    done = trace.run(*QUICK, there.pod_address(2))
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "shop/\\x1b[2J\\nverdict ok" in done.stdout


ANSWERS = {
    "another version": b'{"error": "the request names no peer to hold"}\n',
    "no JSON": b"hello\n",
    "no object": b"[]\n",
    "ended": b'{"status": {"verdict": {"state": "ok", "text": ""}}}\n',
    "no header": b'{"end": {}}\n',
    "no verdict": b'{"status": {"version": 1}}\n{"peer": {"id": 1}}\n{"end": {}}\n',
    "silent": b"",
}


@pytest.mark.parametrize("raw", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_daemon_that_cannot_answer(
    trace: Tracer, daemon: StatusDaemon, there: Node, raw: bytes
) -> None:
    """It is a note, and the kernel's routes serve."""
    daemon.raw = raw
    status, document = trace.document(*QUICK, there.address)
    assert (status, document["known_by"], document["daemon"]) == (0, "routes", None)
    assert len(document["notes"]) == 1
