"""The test API server answers as the recorded kube-apiserver did: scenes 01 to 22 but the Table."""

import re
from pathlib import Path

import pytest

from tests.apiserver.client import ApiServer
from tests.apiserver.rawclient import Answer, RawClient
from tests.apiserver.recordings import (
    load_scene,
    normalise,
    normalise_headers,
    recorded_pods,
)
from tests.apiserver.status import Json

REVIEW: Json = {
    "kind": "SelfSubjectAccessReview",
    "apiVersion": "authorization.k8s.io/v1",
    "spec": {"resourceAttributes": {"verb": "list", "resource": "pods"}},
}


@pytest.fixture
def server(api_server: ApiServer) -> ApiServer:
    """The recorded cluster: thirteen pods, one Node that is read, no grant."""
    api_server.control.reset()
    api_server.control.set_pods(recorded_pods())
    api_server.admin.create_node(load_scene("07")["response"]["body"])
    return api_server


@pytest.fixture
def node(server: ApiServer, tmp_path: Path) -> RawClient:
    ca = server.authority.certificate_path
    certificate = server.authority.issue_node("node-a")
    return RawClient(server.url, ca, tmp_path, certificate=certificate)


@pytest.fixture
def anonymous(server: ApiServer, tmp_path: Path) -> RawClient:
    return RawClient(server.url, server.authority.certificate_path, tmp_path)


def assert_recorded(answer: Answer, scene: Json) -> None:
    recorded = scene["response"]
    assert answer.status == recorded["status"]
    assert normalise(answer.parse()) == normalise(recorded["body"])
    assert normalise_headers(answer.headers) == normalise_headers(recorded["headers"])


def replay(client: RawClient, name: str, body: Json | None = None) -> None:
    scene = load_scene(name)
    asked = scene["request"]
    answer = client.request(asked["method"], asked["path"], body, asked["headers"])
    assert_recorded(answer, scene)


@pytest.mark.parametrize("name", ["01", "02", "03", "04", "05", "06", "07"])
def test_node_without_a_grant(node: RawClient, name: str) -> None:
    """A node reads its own pods and its own Node, and is refused the rest in the same words."""
    replay(node, name)


def test_access_review_without_a_grant(node: RawClient) -> None:
    """Scene 08: the review names the authorizer's reason."""
    replay(node, "08", REVIEW)


@pytest.mark.parametrize("name", ["09", "10"])
def test_unknown_users(anonymous: RawClient, name: str) -> None:
    """Nobody is system:anonymous; an unknown token is refused before authorization."""
    replay(anonymous, name)


def test_access_review_with_a_grant(server: ApiServer, node: RawClient) -> None:
    """Scene 11: a grant through the RBAC API works at once and is named as the reason."""
    server.admin.grant()
    replay(node, "11", REVIEW)


@pytest.mark.parametrize("name", ["12", "13", "16", "17", "18"])
def test_lists_with_a_grant(server: ApiServer, node: RawClient, name: str) -> None:
    """Whole, first page, from the cache, with a broken token, with field selectors."""
    server.admin.grant()
    replay(node, name)


def test_pages_follow_each_other(server: ApiServer, node: RawClient) -> None:
    """Scenes 13 to 15: the tokens lead through one snapshot, though pods change meanwhile."""
    server.admin.grant()
    token, versions = "", set()
    for name in ("13", "14", "15"):
        answer = node.get(f"/api/v1/pods?limit=5&continue={token}")
        assert_recorded(answer, load_scene(name))
        metadata = answer.parse()["metadata"]
        versions.add(metadata["resourceVersion"])
        token = metadata.get("continue", "")
        server.control.make_pod(name=f"between-{name}", namespace="aaa")
    assert len(versions) == 1


def test_watch_from_an_old_version(server: ApiServer, node: RawClient) -> None:
    """Scene 20: 200, one ERROR event with code 410, the end."""
    server.admin.grant()
    scene = load_scene("20")
    with node.open(scene["request"]["path"]) as stream:
        events = list(stream.read_to_end())
    assert stream.status == scene["response"]["status"]
    assert normalise_headers(stream.headers) == normalise_headers(scene["response"]["headers"])
    assert [blank_floor(event) for event in events] == [blank_floor(scene["response"]["body"])]


def blank_floor(event: Json) -> Json:
    message = re.sub(r"\(\d+\)", "(*)", event["object"]["message"])
    return event | {"object": event["object"] | {"message": message}}


def test_life_of_a_pod_in_a_watch(server: ApiServer, node: RawClient) -> None:
    """Scene 21: the same writes give the same events, bookmarks follow, the timeout ends it."""
    server.admin.grant()
    scene = load_scene("21")
    lines: list[Json] = [entry["line"] for entry in scene["stream"] if "line" in entry]
    server.control.change_settings(bookmark_interval_seconds=0.4)
    start = server.control.resource_version()
    path = f"/api/v1/pods?watch=1&resourceVersion={start}&allowWatchBookmarks=true"
    with node.open(path + "&timeoutSeconds=1") as stream:
        write_life(server, [line["object"] for line in lines])
        events = list(stream.read_to_end())
    assert normalise_headers(stream.headers) == normalise_headers(scene["response"]["headers"])
    assert [strip_managers(event) for event in events] == [strip_managers(line) for line in lines]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(versions)


def write_life(server: ApiServer, objects: list[Json]) -> None:
    """What the recorder did: create, bind, three statuses, another pod's status, two deletes."""
    admin = server.admin
    admin.create_pod(objects[0])
    admin.bind_pod("shop", "new-1", "node-c")
    for step in objects[2:5]:
        admin.replace_status("shop", "new-1", step["status"])
    other = objects[5]
    admin.replace_status("shop", other["metadata"]["name"], other["status"])
    admin.delete_pod("shop", "new-1", grace_seconds=1)
    admin.delete_pod("shop", "new-1", grace_seconds=0)


def strip_managers(event: Json) -> object:
    """managedFields depend on who writes and are not computed by the test server."""
    shown = dict(event["object"])
    shown["metadata"] = {k: v for k, v in shown["metadata"].items() if k != "managedFields"}
    return normalise({"type": event["type"], "object": shown})


def test_streaming_list(server: ApiServer, node: RawClient) -> None:
    """Scene 22: each pod in an ADDED event, then the bookmark that ends the initial events."""
    server.admin.grant()
    scene = load_scene("22")
    lines: list[Json] = [entry["line"] for entry in scene["stream"] if "line" in entry]
    pods = [dict(line["object"]) for line in lines if line["type"] == "ADDED"]
    server.control.set_pods(pods, replace=True)
    with node.open(
        scene["request"]["path"].replace("timeoutSeconds=4", "timeoutSeconds=1")
    ) as stream:
        events = list(stream.read_to_end())
    assert normalise_headers(stream.headers) == normalise_headers(scene["response"]["headers"])
    assert normalise(events) == normalise(lines)
