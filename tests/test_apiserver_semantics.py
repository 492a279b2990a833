"""What the recordings do not show: selectors, versions, expiry, switches, logs, restarts, files."""

import gzip
import ssl
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from tests.apiserver import kubeconfig
from tests.apiserver.client import ApiServer
from tests.apiserver.podfactory import fleet, pod
from tests.apiserver.rawclient import RawClient
from tests.apiserver.recordings import recorded_pods
from tests.apiserver.status import Json

PODS = "/api/v1/pods"
STREAMING = (
    f"{PODS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    "&allowWatchBookmarks=true"
)


@pytest.fixture
def server(api_server: ApiServer) -> ApiServer:
    api_server.control.reset()
    api_server.admin.grant()
    return api_server


@pytest.fixture
def client(server: ApiServer, tmp_path: Path) -> RawClient:
    return make_client(server, tmp_path)


def make_client(server: ApiServer, folder: Path) -> RawClient:
    certificate = server.authority.issue_node("node-a")
    return RawClient(server.url, server.authority.certificate_path, folder, certificate=certificate)


def names(listed: Json) -> list[str]:
    return [item["metadata"]["name"] for item in listed["items"]]


def summary(event: Json) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"].get("name", "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fieldSelector=metadata.name=cart-0", ["cart-0"]),
        ("fieldSelector=spec.nodeName==node-c,status.phase=Running", ["cart-0", "pay-5b7d-6fd00"]),
        ("fieldSelector=spec.hostNetwork=true", ["calico-node-b", "hostnet-x1"]),
        ("labelSelector=app=cart", ["cart-0"]),
        ("labelSelector=app%20in%20(cart,pay)", ["cart-0", "pay-5b7d-6fd00"]),
        ("labelSelector=app,app%20notin%20(cart),app!=web&limit=1", ["evicted-77"]),
        ("labelSelector=!app", []),
    ],
)
def test_selectors(server: ApiServer, client: RawClient, query: str, expected: list[str]) -> None:
    """Equality, inequality, sets and presence."""
    server.control.set_pods(recorded_pods())
    assert names(client.get(f"{PODS}?{query}").parse()) == expected


def test_unsupported_field(server: ApiServer, client: RawClient) -> None:
    """400 in the server's words; spec.hostNetwork counts as unknown where it is switched off."""
    for field in ("spec.color", "spec.hostNetwork"):
        server.control.change_settings(host_network_field=False)
        answer = client.get(f"{PODS}?fieldSelector={field}=true")
        status = answer.parse()
        assert (answer.status, status["reason"]) == (400, "BadRequest")
        assert status["message"] == f"field label not supported: {field}"


def test_namespaced_list(server: ApiServer, client: RawClient) -> None:
    """Only that namespace, paged like the whole."""
    server.control.set_pods(recorded_pods())
    path = "/api/v1/namespaces/batch/pods?limit=2"
    page = client.get(path).parse()
    assert names(page) == ["evicted-77", "job-28k4-done"]
    rest = client.get(f"{path}&continue={page['metadata']['continue']}").parse()
    assert names(rest) == ["job-28k5-failed"]


def test_selector_aware_watch(server: ApiServer, client: RawClient) -> None:
    """What starts to match is ADDED, what stops is DELETED as it last matched."""
    server.control.set_pods([pod("x", labels={"color": "blue"})])
    start = server.control.resource_version()
    path = f"{PODS}?watch=true&labelSelector=color=red&resourceVersion={start}"
    with client.open(path) as stream:
        for color in ("red", "green"):
            server.admin.patch_labels("default", "x", {"color": color})
        added, deleted = stream.read_events(2)
    assert (summary(added), summary(deleted)) == (("ADDED", "x"), ("DELETED", "x"))
    metadata = deleted["object"]["metadata"]
    assert metadata["labels"] == {"color": "red"}
    assert metadata["resourceVersion"] == str(start + 2)


def test_watch_resumes(server: ApiServer, client: RawClient) -> None:
    """A watch from a version gets every later event once, in order, the DELETED with its own."""
    server.control.make_pods(fleet(2))
    start = server.control.resource_version()
    server.control.delete_pod("fleet", "app-000000")
    server.control.make_pod(name="late")
    with client.open(f"{PODS}?watch=1&resourceVersion={start}") as stream:
        events = stream.read_events(2)
    assert [summary(event) for event in events] == [("DELETED", "app-000000"), ("ADDED", "late")]
    versions = [event["object"]["metadata"]["resourceVersion"] for event in events]
    assert versions == [str(start + 1), str(start + 2)]


def test_replaced_pod_of_the_same_name(server: ApiServer, client: RawClient) -> None:
    """Another uid under the same name is DELETED, then ADDED."""
    server.control.set_pods([pod("x", uid="one")])
    start = server.control.resource_version()
    server.control.set_pods([pod("x", uid="two")], replace=True)
    with client.open(f"{PODS}?watch=1&resourceVersion={start}") as stream:
        events = stream.read_events(2)
    uids = [(event["type"], event["object"]["metadata"]["uid"]) for event in events]
    assert uids == [("DELETED", "one"), ("ADDED", "two")]


def test_replace_all(server: ApiServer) -> None:
    """What is equal keeps its version, so that no event tells of it."""
    server.control.make_pods(fleet(3))
    before = server.control.resource_version()
    assert server.control.make_pods(fleet(3), replace=True) == before
    assert server.control.make_pods(fleet(2), replace=True) == before + 1
    assert server.control.state()["pods"] == 2


def test_expired_continue(server: ApiServer, client: RawClient) -> None:
    """410 Expired with a token that goes on inconsistently."""
    server.control.make_pods(fleet(3))
    token = client.get(f"{PODS}?limit=1").parse()["metadata"]["continue"]
    server.control.make_pod(name="zzz", namespace="zzz")
    server.control.compact()
    answer = client.get(f"{PODS}?limit=1&continue={token}")
    status = answer.parse()
    assert (answer.status, status["reason"], status["code"]) == (410, "Expired", 410)
    rest = client.get(f"{PODS}?continue={status['metadata']['continue']}").parse()
    assert names(rest) == ["app-000001", "app-000002", "zzz"]


def test_watch_list_switched_off(server: ApiServer, client: RawClient) -> None:
    """422 in the words of a server without the feature gate."""
    server.control.change_settings(watch_list=False)
    answer = client.get(STREAMING)
    message = (
        "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
    )
    assert answer.status == 422
    assert answer.parse()["message"].endswith(f"sendInitialEvents: Forbidden: {message}")
    assert answer.parse()["reason"] == "Invalid"


def test_node_selectors_switched_off(server: ApiServer, client: RawClient) -> None:
    """Before Kubernetes 1.32 a node lists everything without a grant."""
    server.admin.revoke()
    assert client.get(PODS).status == 403
    server.control.change_settings(node_selectors=False)
    assert (client.get(PODS).status, client.get("/api/v1/nodes").status) == (200, 200)


def test_tokens(server: ApiServer, tmp_path: Path) -> None:
    """A known token is its user; a forgotten one is unknown."""
    server.control.set_token("secret", "alice", ["system:nodes"])
    ca = server.authority.certificate_path
    client = RawClient(server.url, ca, tmp_path, token="secret")
    assert client.get(PODS).status == 200
    server.control.delete_token("secret")
    assert client.get(PODS).status == 401


def test_gzip(server: ApiServer, client: RawClient) -> None:
    """Bodies of 128 KiB and more for those who accept it; never smaller ones, never watches."""
    server.control.make_pods(fleet(40))
    accept = {"Accept-Encoding": "gzip"}
    large = client.get(PODS, accept)
    assert large.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(large.data) == client.get(PODS).data
    assert "Content-Encoding" not in client.get(f"{PODS}?limit=2", accept).headers
    with client.open(f"{PODS}?watch=1", accept) as stream:
        assert summary(stream.read_event()) == ("ADDED", "app-000000")


def test_logs(server: ApiServer, client: RawClient) -> None:
    """Requests say who asked what; events say when their bytes were handed over."""
    server.control.clear_log()
    client.get(f"{PODS}?limit=1")
    start = server.control.resource_version()
    with client.open(f"{PODS}?watch=1&resourceVersion={start}") as stream:
        server.control.make_pod(name="seen")
        stream.read_event()
        received_ns = time.monotonic_ns()
    server.control.wait_requests(1, "watch", ended=True)
    listed, watched = server.control.requests()
    assert (listed.user, listed.status, listed.kind) == ("system:node:node-a", 200, "list")
    assert (listed.path, listed.user_agent) == (f"{PODS}?limit=1", "pokepodsd-recorder")
    assert listed.bytes > 0
    assert listed.serial is not None
    (event,) = server.control.events()
    assert (event.type, event.name, event.request) == ("ADDED", "seen", watched.index)
    assert event.resource_version == str(start + 1)
    assert watched.at_ns < event.at_ns < received_ns


def test_pod_factory() -> None:
    """Deterministic, and as large as real pods."""
    first, again = (pod("web-7f9c5d8b6d-4xk2p", addresses=["10.0.0.1"]) for _ in range(2))
    assert first == again
    assert 4_000 < len(str(first).replace(" ", "")) < 5_000


def test_restart(tmp_path: Path) -> None:
    """The same port, authority and objects; connections break; history is gone."""
    with ApiServer(tmp_path / "server") as server:
        server.admin.grant()
        server.control.make_pods(fleet(3))
        url, version = server.url, server.control.resource_version()
        client = make_client(server, tmp_path)
        with client.open(f"{PODS}?watch=1&resourceVersion={version}") as stream:
            server.restart()
            assert stream.wait_reset()
        assert server.url == url
        listed = client.get(PODS).parse()
        assert (len(listed["items"]), listed["metadata"]["resourceVersion"]) == (3, str(version))
        server.restart(abruptly=True)
        old = f"{PODS}?watch=1&resourceVersion={version - 1}"
        with client.open(old) as stream:
            assert stream.read_event()["object"]["code"] == 410


def test_stops_at_once(tmp_path: Path) -> None:
    """SIGTERM does not wait for open watches."""
    with ApiServer(tmp_path / "server") as server:
        server.admin.grant()
        with make_client(server, tmp_path).open(f"{PODS}?watch=1"):
            begin = time.monotonic()
            server.stop()
            assert time.monotonic() - begin < 1.0


def test_kubelet_files_rotate(server: ApiServer, tmp_path: Path) -> None:
    """kubelet.conf names the symlink by a relative path; rotation makes it another certificate."""
    path = server.kubeconfig("node-a", tmp_path)
    user = yaml.safe_load(path.read_text())["users"][0]["user"]
    assert user["client-certificate"] == "pki/kubelet-client-current.pem"
    current = tmp_path / user["client-certificate"]
    first = current.resolve()
    second = kubeconfig.rotate(server.authority, tmp_path, "node-a")
    assert current.is_symlink()
    assert current.resolve() == second
    assert first.read_bytes() != second.read_bytes()
    ssl.create_default_context().load_cert_chain(current)


def test_credential_plugin(server: ApiServer, tmp_path: Path) -> None:
    """The plugin prints an ExecCredential and counts its runs."""
    kubeconfig.write_exec_kubeconfig(server.authority, tmp_path, server.url, "node-a", "t0ken")
    plugin = tmp_path / "credential-plugin.sh"
    printed = subprocess.run([plugin], capture_output=True, check=True).stdout
    assert yaml.safe_load(printed)["status"] == {"token": "t0ken"}
    assert (tmp_path / "credential-plugin.runs").read_text() == "run\n"


def test_kubernetes_client_reads_the_kubeconfig(server: ApiServer, tmp_path: Path) -> None:
    """The official client, given the kubelet's files, is the node."""
    from kubernetes import client, config  # noqa: PLC0415

    path = server.kubeconfig("node-a", tmp_path)
    api = config.new_client_from_config(str(path))
    assert client.CoreV1Api(api).list_pod_for_all_namespaces(limit=1).items == []
    assert server.control.requests()[-1].user == "system:node:node-a"
