"""What a node may write of itself: events and its own status, in Kubernetes' own words."""

from pathlib import Path

import pytest

from tests.apiserver.client import ApiServer
from tests.apiserver.objects import ACCESS_REVIEWS
from tests.apiserver.rawclient import Answer, RawClient
from tests.apiserver.status import Json

EVENTS = "/api/v1/namespaces/default/events"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


@pytest.fixture
def server(api_server: ApiServer) -> ApiServer:
    """With two nodes, of which the kubelet has set a condition."""
    api_server.control.reset()
    for name in ("node-a", "node-b"):
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        api_server.admin.create_node({"metadata": {"name": name}, "status": ready})
    return api_server


@pytest.fixture
def node(server: ApiServer, tmp_path: Path) -> RawClient:
    """With the credentials of node-a's kubelet."""
    certificate = server.authority.issue_node("node-a")
    authority = server.authority.certificate_path
    return RawClient(server.url, authority, tmp_path, certificate=certificate)


@pytest.fixture
def account(server: ApiServer, tmp_path: Path) -> RawClient:
    """With the token of a ServiceAccount without any right."""
    server.control.set_token("a", "system:serviceaccount:kube-system:pokepodsd")
    return RawClient(server.url, server.authority.certificate_path, tmp_path, token="a")


def event(name: str = "node-a.1", namespace: str = "default") -> Json:
    reference = {"kind": "Node", "name": "node-a", "uid": "node-a"}
    metadata = {"name": name, "namespace": namespace}
    return {"metadata": metadata, "involvedObject": reference, "count": 1}


def patch(client: RawClient, path: str, body: Json, content_type: str) -> Answer:
    return client.request("PATCH", path, body, headers={"Content-Type": content_type})


def message(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.parse()["message"]


def test_event_is_created_and_counted(node: RawClient, server: ApiServer) -> None:
    """A node creates an event and patches its count; it may not read any."""
    assert node.request("POST", EVENTS, event()).status == 201
    assert patch(node, f"{EVENTS}/node-a.1", {"count": 2}, MERGE).parse()["count"] == 2
    assert patch(node, f"{EVENTS}/node-a.1", {"count": 3}, STRATEGIC).parse()["count"] == 3
    assert node.get(EVENTS).status == 403
    (held,) = server.admin.request("GET", EVENTS)["items"]
    assert (held["count"], held["involvedObject"]["name"]) == (3, "node-a")
    assert [one.kind for one in server.control.requests()][-4:-2] == ["report", "report"]


def test_event_that_is_no_more_is_not_patched(node: RawClient) -> None:
    """404, as after the hour that an event is kept."""
    answer = patch(node, f"{EVENTS}/node-a.9", {"count": 2}, MERGE)
    assert message(answer) == (404, 'events "node-a.9" not found')


def test_event_about_a_node_belongs_into_default(node: RawClient) -> None:
    """422 for any other namespace, 400 where path and object differ, 409 for a second one."""
    other = "/api/v1/namespaces/kube-system/events"
    answer = node.request("POST", other, event(namespace="kube-system"))
    assert message(answer) == (
        422,
        'Event "node-a.1" is invalid: involvedObject.namespace: Invalid value: "": does not match '
        "event.namespace",
    )
    assert node.request("POST", EVENTS, event(namespace="shop")).status == 400
    assert node.request("POST", EVENTS, event()).status == 201
    answer = node.request("POST", EVENTS, event())
    assert message(answer) == (409, 'events "node-a.1" already exists')


def test_own_status_is_patched_and_no_others(node: RawClient, server: ApiServer) -> None:
    """Conditions are merged by their types; NodeRestriction keeps other nodes out."""
    body = {"status": {"conditions": [{"type": "Mine", "status": "True"}]}}
    patched = patch(node, "/api/v1/nodes/node-a/status", body, STRATEGIC).parse()
    assert [one["type"] for one in patched["status"]["conditions"]] == ["Ready", "Mine"]
    answer = patch(node, "/api/v1/nodes/node-b/status", body, STRATEGIC)
    assert message(answer) == (
        403,
        'nodes "node-b" is forbidden: node "node-a" is not allowed to modify node "node-b"',
    )
    answer = node.request("POST", "/api/v1/nodes", {"metadata": {"name": "node-c"}})
    assert answer.status == 403
    assert "not allowed to modify" in answer.parse()["message"]
    held = server.admin.request("GET", "/api/v1/nodes/node-b")["status"]["conditions"]
    assert [one["type"] for one in held] == ["Ready"]


def test_kubelets_patch_keeps_foreign_conditions(node: RawClient) -> None:
    """Its patch holds its own conditions, and the order of all; a merge patch would lose others."""
    mine = {"status": {"conditions": [{"type": "Mine", "status": "True"}]}}
    patch(node, "/api/v1/nodes/node-a/status", mine, STRATEGIC)
    order = [{"type": "Mine"}, {"type": "Ready"}]
    changed = [{"type": "Ready", "status": "False"}]
    body = {"status": {"$setElementOrder/conditions": order, "conditions": changed}}
    patched = patch(node, "/api/v1/nodes/node-a/status", body, STRATEGIC).parse()
    held = {one["type"]: one["status"] for one in patched["status"]["conditions"]}
    assert held == {"Ready": "False", "Mine": "True"}
    assert "$setElementOrder/conditions" not in patched["status"]
    lost = patch(node, "/api/v1/nodes/node-a/status", {"status": {"conditions": changed}}, MERGE)
    assert len(lost.parse()["status"]["conditions"]) == 1


def test_unknown_kind_of_patch(node: RawClient) -> None:
    """415, with the kinds that there are."""
    answer = patch(node, "/api/v1/nodes/node-a/status", {}, "application/json")
    assert answer.status == 415
    assert "accepted media types include" in answer.parse()["message"]


def test_account_without_a_right_is_refused(account: RawClient) -> None:
    """403 with the right that is missing, in the authorizer's words."""
    assert message(account.request("POST", EVENTS, event())) == (
        403,
        'events is forbidden: User "system:serviceaccount:kube-system:pokepodsd" cannot create '
        'resource "events" in API group "" in the namespace "default"',
    )
    assert message(patch(account, "/api/v1/nodes/node-a/status", {}, STRATEGIC)) == (
        403,
        'nodes "node-a" is forbidden: User "system:serviceaccount:kube-system:pokepodsd" cannot '
        'patch resource "nodes/status" in API group "" at the cluster scope',
    )


@pytest.mark.parametrize(
    ("asked", "nodes", "accounts"),
    [
        ({"verb": "create", "resource": "events", "namespace": "default"}, True, False),
        ({"verb": "patch", "resource": "events", "namespace": "default"}, True, False),
        ({"verb": "list", "resource": "events", "namespace": "default"}, False, False),
        (
            {"verb": "patch", "resource": "nodes", "subresource": "status", "name": "node-a"},
            True,
            False,
        ),
        ({"verb": "delete", "resource": "nodes", "name": "node-a"}, False, False),
        ({"verb": "get", "resource": "nodes", "name": "node-a"}, True, False),
        ({"verb": "get", "resource": "nodes", "name": "node-b"}, False, False),
        ({"verb": "create", "resource": "events", "group": "apps"}, False, False),
    ],
)
def test_access_review_says_what_the_authorizer_would(
    node: RawClient, account: RawClient, asked: Json, nodes: bool, accounts: bool
) -> None:
    """The same rules answer the question and the deed."""
    for client, allowed in ((node, nodes), (account, accounts)):
        answer = client.request("POST", ACCESS_REVIEWS, {"spec": {"resourceAttributes": asked}})
        assert (answer.status, answer.parse()["status"]["allowed"]) == (201, allowed)


def test_granted_account_may_write(server: ApiServer, account: RawClient) -> None:
    """RBAC opens both; NodeRestriction is about nodes alone."""
    subject = {"kind": "ServiceAccount", "name": "pokepodsd", "namespace": "kube-system"}
    server.admin.grant("e", ["create", "patch"], ["events"], [subject])
    server.admin.grant("s", ["patch"], ["nodes/status"], [subject])
    assert account.request("POST", EVENTS, event()).status == 201
    assert patch(account, "/api/v1/nodes/node-b/status", {}, STRATEGIC).status == 200
