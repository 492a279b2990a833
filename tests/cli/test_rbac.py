"""Checks that the printed manifests, applied, grant exactly what they say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from tests.apiserver.client import ApiServer
from tests.cli.conftest import Run

RBAC = "/apis/rbac.authorization.k8s.io/v1"
PATHS = {
    "ClusterRole": f"{RBAC}/clusterroles",
    "ClusterRoleBinding": f"{RBAC}/clusterrolebindings",
}
PODS = "/api/v1/pods"
NODES = "/api/v1/nodes"
STRATEGIC = "application/strategic-merge-patch+json"
EVENT = b'{"metadata": {"name": "x"}, "involvedObject": {}}'
WRITES = {
    "events": ("POST", "/api/v1/namespaces/default/events", EVENT),
    "condition": ("PATCH", f"{NODES}/node-b/status", b"{}"),
}
ACCOUNT = "system:serviceaccount:kube-system:pokepodsd"
USERS = {
    "node": ("system:node:node-a", ["system:nodes"]),
    "account": (ACCOUNT, ["system:serviceaccounts", "system:authenticated"]),
    "other": ("system:serviceaccount:default:other", ["system:serviceaccounts"]),
}


@pytest.fixture
def local(tmp_path: Path) -> Iterator[ApiServer]:
    with ApiServer(tmp_path) as server:
        for token, (user, groups) in USERS.items():
            server.control.set_token(token, user, groups)
        yield server


def documents(run: Run, *arguments: str) -> list[dict[str, Any]]:
    done = run("rbac", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


def write(server: ApiServer, token: str, report: str) -> bool:
    """Whether what this value of kubernetes.report asks for may be written of node-b."""
    pool = urllib3.PoolManager(ca_certs=str(server.authority.certificate_path), retries=False)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": STRATEGIC}
    method, path, body = WRITES[report]
    answer = pool.request(method, server.url + path, headers=headers, body=body, timeout=5)
    pool.clear()
    return answer.status != 403


def may(server: ApiServer, token: str, method: str, path: str) -> bool:
    pool = urllib3.PoolManager(ca_certs=str(server.authority.certificate_path), retries=False)
    url, headers = server.url + path, {"Authorization": f"Bearer {token}"}
    answer = pool.request(method, url, headers=headers, timeout=5, preload_content=False)
    answer.close()
    pool.clear()
    return answer.status != 403


@pytest.mark.parametrize(("subject", "granted"), [("nodes", "node"), ("serviceaccount", "account")])
def test_manifest_grants_exactly_what_it_says(
    run: Run, local: ApiServer, subject: str, granted: str
) -> None:
    """Before it nobody may list the cluster's pods or read another Node; after it, those whom it
    names, and no more.
    """
    for path in (PODS, f"{NODES}/node-b"):
        assert not any(may(local, token, "GET", path) for token in USERS)
    for document in documents(run, "--for", subject):
        if document["kind"] in PATHS:
            local.admin.request("POST", PATHS[document["kind"]], document)
    for path in (PODS, f"{NODES}/node-b"):
        assert [token for token in USERS if may(local, token, "GET", path)] == [granted]
    assert may(local, granted, "GET", f"{PODS}?watch=1&timeoutSeconds=1")
    single = "/api/v1/namespaces/default/pods/x"
    assert not may(local, granted, "GET", single)
    assert not may(local, granted, "DELETE", single)
    assert not may(local, granted, "GET", NODES)
    assert not may(local, granted, "DELETE", f"{NODES}/node-b")


@pytest.mark.parametrize(("subject", "granted"), [("nodes", "node"), ("serviceaccount", "account")])
def test_right_to_read_nodes_may_be_left_out(
    run: Run, local: ApiServer, subject: str, granted: str
) -> None:
    """It is a rule of its own: without it the right to the pods is the same, and to Nodes none."""
    for document in documents(run, "--for", subject):
        if document["kind"] == "ClusterRole":
            document["rules"] = [one for one in document["rules"] if one["resources"] != ["nodes"]]
            assert len(document["rules"]) == 1
        if document["kind"] in PATHS:
            local.admin.request("POST", PATHS[document["kind"]], document)
    assert may(local, granted, "GET", PODS)
    assert not may(local, granted, "GET", f"{NODES}/node-b")


def test_nodes_are_the_default(run: Run) -> None:
    """The smaller of the two changes is what is printed unless asked otherwise."""
    assert documents(run) == documents(run, "--for", "nodes")
    assert [one["kind"] for one in documents(run)] == ["ClusterRole", "ClusterRoleBinding"]


def test_account_comes_with_its_token(run: Run) -> None:
    """The ServiceAccount, its token Secret and the binding name each other."""
    account, secret, role, binding = documents(run, "--for", "serviceaccount")
    assert (account["kind"], secret["kind"]) == ("ServiceAccount", "Secret")
    named = secret["metadata"]["annotations"]["kubernetes.io/service-account.name"]
    assert named == account["metadata"]["name"]
    assert secret["type"] == "kubernetes.io/service-account-token"
    assert secret["metadata"]["namespace"] == account["metadata"]["namespace"] == "kube-system"
    (subject,) = binding["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": named, "namespace": "kube-system"}
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


@pytest.mark.parametrize("subject", ["nodes", "serviceaccount"])
def test_manifest_says_what_it_opens_up(run: Run, subject: str) -> None:
    """Whoever applies it reads first what it costs, and how to take it back."""
    text = run("rbac", "--for", subject).stdout
    assert text.startswith("# ")
    assert "What this opens up" in text
    assert "delete" in text


@pytest.mark.parametrize("report", list(WRITES))
def test_reports_are_a_right_of_their_own(run: Run, local: ApiServer, report: str) -> None:
    """The account may write what was asked for and nothing else; the rest is as without it."""
    local.admin.create_node({"metadata": {"name": "node-b"}})
    assert not any(write(local, "account", one) for one in WRITES)
    asked = documents(run, "--for", "serviceaccount", "--report", report)
    for document in asked:
        if document["kind"] in PATHS:
            local.admin.request("POST", PATHS[document["kind"]], document)
    assert [one for one in WRITES if write(local, "account", one)] == [report]
    assert not any(write(local, "other", one) for one in WRITES)
    rules = asked[2]["rules"]
    assert len(rules) == 3
    asked[2]["rules"] = rules[:2]
    assert asked == documents(run, "--for", "serviceaccount")
    text = run("rbac", "--for", "serviceaccount", "--report", report).stdout
    assert f'report = "{report}"' in text
    assert "and writes" in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_kubelet_needs_no_right_for_reports(run: Run, local: ApiServer) -> None:
    """It is one line of usage: the Node authorizer lets every node write its own."""
    done = run("rbac", "--report", "events")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--report is for --for serviceaccount" in done.stderr
    assert write(local, "node", "events")
