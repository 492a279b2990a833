"""Checks the reading of the API server's bodies, and the words for its refusals."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.answers import WatchError, explain, message_of, parse_event, parse_page
from pokepodsd.errors import GarbledError
from tests.apiserver.podfactory import pod
from tests.core.builders import error_line, event_line, page_body, pod_object, scene_body


def test_page_gives_objects_version_and_token() -> None:
    """The token is empty on the last page."""
    items, version, token = parse_page(page_body(7, "more", "a", "b"))
    assert [item["metadata"]["name"] for item in items] == ["a", "b"]
    assert (version, token) == ("7", "more")
    assert parse_page(page_body(7, ""))[2] == ""


def test_empty_list_of_a_go_server_is_a_list() -> None:
    """Go writes a nil slice as null."""
    body = b'{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":null}'
    assert parse_page(body) == ((), "1", "")


def as_go_writes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


BRACKETS = ['"managedFields":[', ']},"spec":{', '\\"managedFields":[', '\\"]},"spec":{']
HOSTILE = st.sampled_from([*BRACKETS, "[", "]}", '"', "\\"])


@given(st.lists(HOSTILE, max_size=4), st.lists(HOSTILE, max_size=3))
def test_managed_fields_are_left_out_and_nothing_else(parts: list[str], names: list[str]) -> None:
    """They are a third of a pod, and nobody reads them; whatever text a pod and its owners hold."""
    text = "".join(parts)
    made = pod("a", labels={"note": text}, addresses=["10.0.0.1"])
    made["metadata"]["resourceVersion"] = "7"
    for entry in made["metadata"]["managedFields"]:
        entry["fieldsV1"] = {**entry["fieldsV1"], **{f'v:"{name}"': {} for name in names}}
    body = {"kind": "PodList", "metadata": {"resourceVersion": "9"}, "items": [made, made]}
    (first, second), version, _ = parse_page(as_go_writes(body))
    made["metadata"]["managedFields"] = []
    assert (first, second, version) == (made, made, "9")


def test_managed_fields_anywhere_else_do_no_harm() -> None:
    """A server that writes its fields in another order is read all the same."""
    made = pod("a", addresses=["10.0.0.1"])
    made["metadata"]["resourceVersion"] = "7"
    turned = {"spec": made["spec"], "status": made["status"], "metadata": made["metadata"]}
    other = {**made, "metadata": dict(reversed(made["metadata"].items()))}
    for one in (turned, other):
        kind, seen = parse_event(as_go_writes({"type": "ADDED", "object": one}))
        assert (kind, seen) == ("ADDED", one)


@pytest.mark.parametrize("scene", ["01", "07", "19", "20"])
def test_another_kind_of_object_is_no_empty_list(scene: str) -> None:
    """A version, a Node, a Table, an event: read as a list of no pods, each would empty the set."""
    with pytest.raises(GarbledError):
        parse_page(scene_body(scene))
    one_pod = json.dumps({"kind": "Pod", "items": [], **pod_object("a", 5)}).encode()
    with pytest.raises(GarbledError):
        parse_page(one_pod)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b"[]",
        b"null",
        b"5",
        b"{}",
        b'{"kind":"PodList","items":[],"metadata":{}}',
        b'{"kind":"PodList","metadata":{"resourceVersion":"7"}}',
        b'{"kind":"PodList","metadata":null,"items":[]}',
        b'{"kind":"PodList","metadata":{"resourceVersion":""},"items":[]}',
        b'{"kind":"PodList","metadata":{"resourceVersion":7},"items":[]}',
        b'{"kind":"PodList","metadata":{"resourceVersion":"7","continue":7},"items":[]}',
        b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":["a"]}',
        b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":{"a":1}}',
        b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":5}',
        b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":true}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_list_is_garbled(body: bytes) -> None:
    """A proxy's page, another kind of object, half a list: none of it is believed."""
    with pytest.raises(GarbledError):
        parse_page(body)


@pytest.mark.parametrize("cut", [1, 100, 5_000, -2])
def test_truncated_page_is_garbled(cut: int) -> None:
    """A list that was cut off is not a shorter list."""
    with pytest.raises(GarbledError):
        parse_page(scene_body("12")[:cut])


@pytest.mark.parametrize("kind", ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"])
def test_event_gives_type_and_object(kind: str) -> None:
    """The four kinds that carry an object."""
    assert parse_event(event_line(kind, pod_object("a", 5))) == (kind, pod_object("a", 5))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b'"ADDED"',
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":null}',
        b'{"type":"ADDED","object":{"metadata":{}}}',
        b'{"type":"ADDED","object":{"metadata":{"resourceVersion":5}}}',
        b'{"type":"ADDED","object":{"metadata":{"resourceVersion":""}}}',
        b'{"type":"RENAMED","object":{"metadata":{"resourceVersion":"5"}}}',
        b'{"type":[],"object":{"metadata":{"resourceVersion":"5"}}}',
        b'{"type":{},"object":{"metadata":{"resourceVersion":"5"}}}',
        b'{"type":"ERROR","object":"broken"}',
        b"{" * 100_000,
    ],
)
def test_what_is_no_event_is_garbled(line: bytes) -> None:
    """A line without a type, an object or its resourceVersion cannot be followed."""
    with pytest.raises(GarbledError):
        parse_event(line)


def test_error_event_carries_its_code_and_message() -> None:
    """The recorded end of a watch whose version is too old."""
    with pytest.raises(WatchError) as caught:
        parse_event(scene_body("20"))
    assert caught.value.code == 410
    assert "too old resource version: 1 (10623)" in str(caught.value)
    with pytest.raises(WatchError, match="HTTP 500: no message"):
        parse_event(b'{"type":"ERROR","object":{}}')
    with pytest.raises(WatchError, match="HTTP 429: slow down"):
        parse_event(error_line(429, "slow down"))


@pytest.mark.parametrize("code", ["1e999", '"many"', "null", "[410]", "4.5"])
def test_error_event_with_an_odd_code_is_a_failure_of_the_server(code: str) -> None:
    """It ends the watch all the same, and is not taken for an expired version."""
    line = b'{"type":"ERROR","object":{"code":%s,"message":"broken"}}' % code.encode()
    with pytest.raises(WatchError, match="HTTP 500: broken") as caught:
        parse_event(line)
    assert caught.value.code == 500


def test_error_event_fills_no_journal() -> None:
    """Its message is cut as that of a refusal is."""
    with pytest.raises(WatchError) as caught:
        parse_event(error_line(500, "x" * 100_000))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("depth", [100, 400, 900, 2_000])
@pytest.mark.parametrize("field", ["kind", "items", "metadata", "type", "object", "message"])
def test_nesting_without_end_is_garbled_wherever_it_is(field: str, depth: int) -> None:
    """Neither the reading nor the words about it end in another exception."""
    base = json.loads(page_body(1, "", "a")) | {"type": "ADDED", "object": pod_object("a", 1)}
    whole = json.dumps({key: value for key, value in base.items() if key != field})
    body = f'{whole[:-1]},"{field}":{"[" * depth}{"]" * depth}}}'.encode()
    assert len(message_of(body)) <= 300
    for read in (parse_page, parse_event):
        with contextlib.suppress(GarbledError, WatchError):
            read(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "items", "type", "object", "metadata", "resourceVersion", "continue"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)
PAGES = st.fixed_dictionaries(
    {
        "kind": st.just("PodList") | JSON,
        "items": JSON,
        "metadata": st.fixed_dictionaries({"resourceVersion": st.just("1") | JSON}) | JSON,
    }
)


@given((JSON | PAGES).map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30))
def test_any_body_is_a_page_or_garbled(body: bytes) -> None:
    """Whatever was answered; and what passes is objects, a version and a token."""
    try:
        items, version, token = parse_page(body)
    except GarbledError:
        return
    assert all(isinstance(item, dict) for item in items)
    assert version
    assert isinstance(token, str)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "object", "metadata", "resourceVersion", "message"]), inner
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=30)
)
def test_message_of_any_body_is_text_of_bounded_length(body: bytes) -> None:
    """No body of a refusal raises, and none fills the journal."""
    assert len(message_of(body)) <= 300


@pytest.mark.parametrize("scene", ["02", "03", "05", "09", "10", "17"])
def test_message_of_recorded_refusals(scene: str) -> None:
    """The server's own words are kept."""
    body: dict[str, Any] = json.loads(scene_body(scene))
    assert message_of(scene_body(scene)) == body["message"]
    assert message_of(b"<html>Bad Gateway</html>") == ""


@pytest.mark.parametrize(
    ("status", "message", "text"),
    [
        (500, "", "HTTP 500"),
        (503, "etcd is away", "HTTP 503: etcd is away"),
        (401, "", "HTTP 401 (the credentials are not accepted)"),
        (429, "x", "HTTP 429: x (it has too much to do)"),
        (
            302,
            "",
            "HTTP 302 (a proxy or load balancer stands where the kubeconfig's server should be)",
        ),
    ],
)
def test_refusal_is_explained_in_one_clause(status: int, message: str, text: str) -> None:
    """Status, what the server said, and what it means for the operator."""
    assert explain(status, message) == text
