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
