"""Each fault that can be ordered appears on the wire, as often as ordered and no more."""

import http.client
import json
import time
from pathlib import Path

import pytest

from tests.apiserver.client import ApiServer
from tests.apiserver.podfactory import fleet
from tests.apiserver.rawclient import RawClient

LIST = "/api/v1/pods"
BROKEN = (ConnectionError, http.client.IncompleteRead, http.client.RemoteDisconnected, OSError)


@pytest.fixture
def server(api_server: ApiServer) -> ApiServer:
    api_server.control.reset()
    api_server.control.make_pods(fleet(3))
    api_server.admin.grant()
    return api_server


@pytest.fixture
def client(server: ApiServer, tmp_path: Path) -> RawClient:
    certificate = server.authority.issue_node("node-a")
    ca = server.authority.certificate_path
    return RawClient(server.url, ca, tmp_path, certificate=certificate)


@pytest.fixture
def watch(server: ApiServer) -> str:
    return f"{LIST}?watch=1&resourceVersion={server.control.resource_version()}"


@pytest.mark.parametrize(
    ("code", "retry_after", "reason"),
    [
        (401, None, "Unauthorized"),
        (403, None, "Forbidden"),
        (410, None, "Expired"),
        (500, None, "InternalError"),
        (503, 7, "ServiceUnavailable"),
    ],
)
def test_status(
    server: ApiServer, client: RawClient, code: int, retry_after: int | None, reason: str
) -> None:
    """A Status body of that code, once, with Retry-After where ordered."""
    server.control.add_fault("status", "list", code=code, retry_after=retry_after)
    answer = client.get(LIST)
    assert (answer.status, answer.parse()["reason"]) == (code, reason)
    assert answer.headers.get("Retry-After") == (str(retry_after) if retry_after else None)
    assert client.get(LIST).status == 200


def test_too_many_requests(server: ApiServer, client: RawClient) -> None:
    """429 is plain text with Retry-After, as priority and fairness answers."""
    server.control.add_fault("status", code=429, retry_after=2)
    answer = client.get(LIST)
    assert (answer.status, answer.headers["Retry-After"]) == (429, "2")
    assert answer.data == b"Too many requests, please try again later.\n"


def test_redirect(server: ApiServer, client: RawClient) -> None:
    """302 names another place, which a client must not send its credentials to."""
    server.control.add_fault("status", code=302, location="https://127.0.0.1:1/trap")
    answer = client.get(LIST)
    assert (answer.status, answer.headers["Location"]) == (302, "https://127.0.0.1:1/trap")


def test_matching_and_counting(server: ApiServer, client: RawClient, watch: str) -> None:
    """A fault for watches spares lists, and lasts for as many requests as ordered."""
    server.control.add_fault("status", "watch", 2, code=500)
    assert client.get(LIST).status == 200
    assert [client.get(watch).status for _ in range(2)] == [500, 500]
    assert server.control.faults() == []
    with client.open(watch) as stream:
        assert stream.status == 200


def test_a_fault_without_count_lasts(server: ApiServer, client: RawClient) -> None:
    """Until cleared."""
    server.control.add_fault("status", "list", None, code=500)
    assert [client.get(LIST).status for _ in range(4)] == [500] * 4
    server.control.clear_faults()
    assert client.get(LIST).status == 200


@pytest.mark.parametrize("is_watch", [False, True])
def test_drop(server: ApiServer, client: RawClient, watch: str, is_watch: bool) -> None:
    """The connection is reset without an answer."""
    server.control.add_fault("drop")
    with pytest.raises(BROKEN):
        client.get(watch if is_watch else LIST)
    assert [entry.fault for entry in server.control.requests() if entry.fault] == ["drop"]


def test_drop_midway_of_a_list(server: ApiServer, client: RawClient) -> None:
    """Headers and half of the body come, then the connection ends without the end of the body."""
    server.control.add_fault("drop_midway", "list")
    with client.open(LIST) as stream:
        assert stream.status == 200
        with pytest.raises(BROKEN):
            stream.read_some(10**9)


def test_drop_midway_of_a_watch(server: ApiServer, client: RawClient, watch: str) -> None:
    """Half of an event comes, then the connection ends."""
    server.control.add_fault("drop_midway", "watch")
    with client.open(watch) as stream:
        assert stream.status == 200
        with pytest.raises(BROKEN):
            stream.read_line()


def test_truncated_line(server: ApiServer, client: RawClient, watch: str) -> None:
    """Half of an event, no newline, and a proper end of the stream."""
    server.control.add_fault("truncated_line", "watch")
    with client.open(watch) as stream:
        line = stream.read_line()
        assert line.startswith(b'{"type":')
        assert not line.endswith(b"\n")
        assert stream.read_line() == b""


def test_truncated_list(server: ApiServer, client: RawClient) -> None:
    """A list ends properly in the middle of its JSON."""
    server.control.add_fault("truncated_line", "list")
    with pytest.raises(json.JSONDecodeError):
        client.get(LIST).parse()


def test_garbage_line(server: ApiServer, client: RawClient, watch: str) -> None:
    """One line that is no JSON; the events after it are sound."""
    server.control.add_fault("garbage_line", "watch")
    with client.open(watch) as stream:
        assert stream.read_line() == b"\x00garbage, not JSON\n"
        server.control.delete_pod("fleet", "app-000001")
        assert stream.read_event()["type"] == "DELETED"


def test_fault_after_some_events(server: ApiServer, client: RawClient) -> None:
    """`after` lets that many events pass first."""
    server.control.add_fault("truncated_line", "watch", after=2)
    with client.open(f"{LIST}?watch=1") as stream:
        assert [event["type"] for event in stream.read_events(2)] == ["ADDED", "ADDED"]
        assert not stream.read_line().endswith(b"\n")


@pytest.mark.parametrize("is_watch", [False, True])
def test_html(server: ApiServer, client: RawClient, watch: str, is_watch: bool) -> None:
    """200 with a page, as a captive portal or a wrong load balancer answers."""
    server.control.add_fault("html")
    answer = client.get(watch if is_watch else LIST)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_silent_watch(server: ApiServer, client: RawClient, watch: str) -> None:
    """Headers, then neither events nor bookmarks nor the end at timeoutSeconds."""
    server.control.change_settings(bookmark_interval_seconds=0.05)
    server.control.add_fault("silent", "watch")
    path = f"{watch}&allowWatchBookmarks=true&timeoutSeconds=1"
    with client.open(path) as silent, client.open(path) as sound:
        server.control.delete_pod("fleet", "app-000001")
        types = [event["type"] for event in sound.read_to_end()]
        assert (types[0], types[-1]) == ("DELETED", "BOOKMARK")
        silent.set_timeout(0.05)
        with pytest.raises(TimeoutError):
            silent.read_line()


def test_silent_list(server: ApiServer, client: RawClient) -> None:
    """A list is taken and never answered; other requests are."""
    server.control.add_fault("silent", "list")
    connection = client.send("GET", LIST)
    server.control.wait_requests(1, "list")
    assert client.get(LIST).status == 200
    (silent, _) = (entry for entry in server.control.requests() if entry.kind == "list")
    assert (silent.fault, silent.status, silent.ended_ns) == ("silent", None, None)
    connection.close()
    server.control.wait_requests(2, "list", ended=True)


def test_trickle(server: ApiServer, client: RawClient, watch: str) -> None:
    """Bytes come one at a time, an interval apart."""
    server.control.add_fault("trickle", "watch", interval_seconds=0.02)
    with client.open(watch) as stream:
        server.control.delete_pod("fleet", "app-000001")
        begin = time.monotonic()
        start = b"".join(stream.read_some(1) for _ in range(6))
        assert start == b'{"type'
        assert time.monotonic() - begin > 0.05


@pytest.mark.parametrize(("code", "reason"), [(410, "Expired"), (500, "InternalError")])
def test_error_event(
    server: ApiServer, client: RawClient, watch: str, code: int, reason: str
) -> None:
    """200, an ERROR event with that code, the end."""
    server.control.add_fault("error_event", "watch", code=code)
    with client.open(watch) as stream:
        (event,) = stream.read_to_end()
    status = event["object"]
    assert (event["type"], status["code"], status["reason"]) == ("ERROR", code, reason)


@pytest.mark.parametrize("is_watch", [False, True])
def test_endless_line(server: ApiServer, client: RawClient, watch: str, is_watch: bool) -> None:
    """Bytes without a newline for as long as somebody reads; others are served meanwhile."""
    server.control.add_fault("endless_line")
    with client.open(watch if is_watch else LIST) as stream:
        assert b"\n" not in stream.read_some(4 * 1024 * 1024)
        assert client.get(LIST).status == 200


def test_huge_line(server: ApiServer, client: RawClient) -> None:
    """An event as large as ordered, valid still."""
    server.control.add_fault("huge_line", "watch", size=1_000_000)
    with client.open(f"{LIST}?watch=1") as stream:
        line = stream.read_line()
    assert len(line) > 1_000_000
    assert json.loads(line)["type"] == "ADDED"


def test_huge_list(server: ApiServer, client: RawClient) -> None:
    """A list as large as ordered, valid still."""
    server.control.add_fault("huge_line", "list", size=1_000_000)
    answer = client.get(LIST)
    assert len(answer.data) > 1_000_000
    assert len(answer.parse()["items"]) == 3


@pytest.mark.parametrize("version", ["0", "not-a-number", ""])
def test_wrong_resource_version(server: ApiServer, client: RawClient, version: str) -> None:
    """A list, and the next event of a watch, carry the version that was ordered."""
    server.control.add_fault("wrong_resource_version", count=2, resource_version=version)
    assert client.get(LIST).parse()["metadata"]["resourceVersion"] == version
    with client.open(f"{LIST}?watch=1") as stream:
        wrong, right = stream.read_events(2)
    assert wrong["object"]["metadata"]["resourceVersion"] == version
    assert int(right["object"]["metadata"]["resourceVersion"]) > 0


def test_break_watches(server: ApiServer, client: RawClient, watch: str) -> None:
    """Every open watch is reset at once."""
    with client.open(watch) as first, client.open(watch) as second:
        assert server.control.break_watches() == 2
        for stream in (first, second):
            assert stream.wait_reset()
    server.control.wait_watches_gone()


def test_end_watches(server: ApiServer, client: RawClient, watch: str) -> None:
    """Every open watch ends properly at once, as at its timeout."""
    with client.open(watch) as stream:
        assert server.control.end_watches() == 1
        assert stream.read_line() == b""
    server.control.wait_watches_gone()


def test_frozen_server(server: ApiServer, client: RawClient) -> None:
    """A frozen program answers nothing, and everything once it goes on."""
    server.freeze()
    try:
        with pytest.raises(TimeoutError):
            client.get("/readyz", timeout_seconds=0.1)
    finally:
        server.thaw()
    assert client.get("/readyz").data == b"ok"
