"""What the cluster is told of a tunnel that breaks and is mended, where somebody asked for it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.apiserver.kubeconfig import write_token_kubeconfig
from tests.apiserver.status import Json
from tests.cluster import Cluster, Tables
from tests.daemon.journalled import JournalledDaemon, daemon_under_a_journal, filtered, kinds
from tests.daemon.scene import TABLES, WELL, three_nodes
from tests.lab import Node

EVENTS = "/api/v1/namespaces/default/events"
STRATEGIC = "application/strategic-merge-patch+json"
CONDITION = "PokePodsTunnelsReady"
PATIENCE_SECONDS = 40.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with three_nodes(tmp_path_factory.mktemp("reports")) as started:
        yield started


@pytest.fixture(autouse=True)
def _clean(cluster: Cluster) -> None:
    """No event of another scene is left; its condition stays, as on a node that is restarted."""
    for event in events(cluster):
        admin(cluster, "DELETE", f"{EVENTS}/{event['metadata']['name']}")
    cluster.api.control.clear_log()


@contextmanager
def reporting(cluster: Cluster, here: Node, report: str) -> Iterator[JournalledDaemon]:
    tables = {**TABLES, "kubernetes": {"report": report}}
    with daemon_under_a_journal(cluster, here, tables) as started:
        started.settle(WELL)
        yield started


def admin(cluster: Cluster, method: str, path: str, body: Json | None = None) -> Json:
    content_type = STRATEGIC if method == "PATCH" else "application/json"
    with cluster.lab.hub.inside():
        return cluster.api.admin.request(method, path, body, content_type)


def events(cluster: Cluster) -> list[Json]:
    items: list[Json] = admin(cluster, "GET", EVENTS)["items"]
    return items


def condition(cluster: Cluster, here: Node) -> Json:
    node = admin(cluster, "GET", f"/api/v1/nodes/{here.name}")
    found = (one for one in node["status"]["conditions"] if one["type"] == CONDITION)
    return next(found, {"status": "none"})


def writes(cluster: Cluster) -> int:
    return sum(one.kind == "report" for one in cluster.api.control.requests())


def wait_for(is_reached: Callable[[], bool]) -> None:
    """Wait for what only the API server can tell."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_reached():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def wait_status(cluster: Cluster, here: Node, status: str) -> Json:
    wait_for(lambda: bool(condition(cluster, here)["status"] == status))
    return condition(cluster, here)


def test_broken_tunnel_is_two_events(cluster: Cluster, here: Node, there: Node) -> None:
    """One when it breaks and one when it is mended, about this node, in the journal's words; once
    more is a count.
    """
    with reporting(cluster, here, "events") as daemon:
        with filtered(there):
            broken = daemon.wait_entry(EventKind.TUNNEL_BROKEN)
            wait_for(lambda: len(events(cluster)) == 1)
        back = daemon.wait_entry(EventKind.PEER_BACK)
        wait_for(lambda: len(events(cluster)) == 2)
        first, second = events(cluster)
        daemon.settle(WELL)
        with filtered(there):
            daemon.wait_entry(EventKind.TUNNEL_BROKEN)
        daemon.wait_entry(EventKind.PEER_BACK)
        wait_for(lambda: [one["count"] for one in events(cluster)] == [2, 2])
        daemon.finish()
    assert (first["reason"], first["type"]) == ("PokePodsTunnelBroken", "Warning")
    assert (second["reason"], second["type"]) == ("PokePodsPeerReachable", "Normal")
    assert (first["message"], second["message"]) == (broken["MESSAGE"], back["MESSAGE"])
    assert {one["involvedObject"]["name"] for one in (first, second)} == {here.name}
    assert writes(cluster) == 4
    assert condition(cluster, here)["status"] in {"none", "Unknown"}


def test_condition_follows_the_tunnel(cluster: Cluster, here: Node, there: Node) -> None:
    """True, False with the peer's name, True, and Unknown when nobody looks any more."""
    with reporting(cluster, here, "condition") as daemon:
        well = wait_status(cluster, here, "True")
        with filtered(there):
            daemon.wait_entry(EventKind.TUNNEL_BROKEN)
            broken = wait_status(cluster, here, "False")
            order = [{"type": "Ready"}, {"type": CONDITION}]
            ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
            body: Json = {"$setElementOrder/conditions": order, "conditions": [ready]}
            path = f"/api/v1/nodes/{here.name}/status"
            admin(cluster, "PATCH", path, {"status": body})
            assert condition(cluster, here) == broken
        daemon.wait_entry(EventKind.PEER_BACK)
        wait_status(cluster, here, "True")
        daemon.finish()
        assert condition(cluster, here)["status"] == "Unknown"
    assert (well["reason"], broken["reason"]) == ("PeersReachable", "PeersNotReachable")
    assert f"node-b ({there.address}) (tunnel broken)" in broken["message"]
    assert writes(cluster) == 5  # of which one was the kubelet's
    assert events(cluster) == []


def test_none_writes_nothing(cluster: Cluster, here: Node, there: Node) -> None:
    """The default: no request but to read, through a fault and a stop."""
    with reporting(cluster, here, "none") as daemon:
        with filtered(there):
            daemon.wait_entry(EventKind.TUNNEL_BROKEN)
        daemon.wait_entry(EventKind.PEER_BACK)
        daemon.finish()
    asked = [one for one in cluster.api.control.requests() if one.user != "kubernetes-admin"]
    assert asked
    assert {one.method for one in asked} == {"GET"}


def test_stop_by_systemd_is_said_too(cluster: Cluster, here: Node) -> None:
    """SIGTERM to every process of the unit at once, the reader first."""
    with reporting(cluster, here, "condition") as daemon:
        wait_status(cluster, here, "True")
        pid = daemon.process.pid
        reader = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
        os.kill(int(reader), signal.SIGTERM)
        daemon.finish()
    assert condition(cluster, here)["status"] == "Unknown"


def test_stop_does_not_wait_for_a_server_that_hangs(cluster: Cluster, here: Node) -> None:
    """Two seconds at most, of the ten that systemd gives."""
    with reporting(cluster, here, "condition") as daemon:
        wait_status(cluster, here, "True")
        cluster.api.freeze()
        try:
            begin = time.monotonic()
            daemon.process.terminate()
            assert daemon.process.wait() == 0
        finally:
            cluster.api.thaw()
    assert 1.9 < time.monotonic() - begin < 6.0


def test_reload_takes_the_condition_back(cluster: Cluster, here: Node) -> None:
    """From "condition" to "none": it is Unknown, and nothing is written after that."""
    with reporting(cluster, here, "condition") as daemon:
        wait_status(cluster, here, "True")
        cluster.write_config(here, {**TABLES, "kubernetes": {"report": "none"}})
        daemon.process.signal(signal.SIGHUP)
        wait_status(cluster, here, "Unknown")
        before = writes(cluster)
        daemon.finish()
    assert writes(cluster) == before


def test_dead_api_server_is_told_later(cluster: Cluster, here: Node, there: Node) -> None:
    """A verdict while it is dead: the event is there when it is back, with the time of the fault;
    no alarm about reports is raised.
    """
    with reporting(cluster, here, "events") as daemon:
        cluster.api.kill(save=True)
        try:
            with filtered(there):
                daemon.wait_entry(EventKind.TUNNEL_BROKEN)
            daemon.wait_entry(EventKind.PEER_BACK)
        finally:
            cluster.api.start()
        wait_for(lambda: len(events(cluster)) == 2)
        told = kinds(daemon.told())
        daemon.process.terminate()
        assert daemon.process.wait() == 0
    reasons = [one["reason"] for one in events(cluster)]
    assert reasons == ["PokePodsTunnelBroken", "PokePodsPeerReachable"]
    assert not {"REPORTS_REFUSED", "REPORTS_DROPPED"} & set(told)


def account_tables(cluster: Cluster, here: Node, report: str) -> Tables:
    """The settings with the token of a ServiceAccount that may list pods, and no more."""
    name = f"{report}-account"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}
    cluster.api.control.set_token(name, f"system:serviceaccount:kube-system:{name}")
    with cluster.lab.hub.inside():
        cluster.api.admin.grant(name, subjects=[subject])
    folder = cluster.folder / name
    path = write_token_kubeconfig(cluster.api.authority, folder, cluster.api.url, name)
    kubernetes = {"report": report, "kubeconfig": str(path), "node_name": here.name}
    return {**TABLES, "kubernetes": kubernetes}


def test_refused_events_are_told_once(cluster: Cluster, here: Node, there: Node) -> None:
    """The journal names the right and how to grant it; verdicts are told as ever."""
    tables = account_tables(cluster, here, "events")
    with daemon_under_a_journal(cluster, here, tables) as daemon:
        daemon.settle(WELL)
        with filtered(there):
            daemon.wait_entry(EventKind.TUNNEL_BROKEN)
            refused = daemon.wait_entry(EventKind.REPORTS_REFUSED)
        daemon.wait_entry(EventKind.PEER_BACK)
        assert kinds(daemon.told()).count("REPORTS_REFUSED") == 1
        daemon.settle(WELL)
        before = writes(cluster)
        with filtered(there):
            daemon.wait_entry(EventKind.TUNNEL_BROKEN)
            wait_for(lambda: writes(cluster) > before)
        daemon.wait_entry(EventKind.PEER_BACK)
        daemon.wait_status(WELL)
        assert kinds(daemon.finish()) == ["TUNNEL_BROKEN", "PEER_BACK"]
    text = refused["MESSAGE"]
    assert refused["PRIORITY"] == "4"
    assert "Missing right: create and patch events" in text
    assert "pokepodsd rbac --for serviceaccount --report events" in text
    assert 'cannot create resource "events"' in text
    assert events(cluster) == []


def test_refused_condition_is_told_once(cluster: Cluster, here: Node) -> None:
    """The same for the status of the Node; the stop does not wait for it."""
    tables = account_tables(cluster, here, "condition")
    with daemon_under_a_journal(cluster, here, tables) as daemon:
        refused = daemon.wait_entry(EventKind.REPORTS_REFUSED)
        daemon.settle(WELL)
        begin = time.monotonic()
        daemon.finish()
    assert time.monotonic() - begin < 5
    assert "Missing right: patch nodes/status" in refused["MESSAGE"]
    assert 'cannot patch resource "nodes/status"' in refused["MESSAGE"]
