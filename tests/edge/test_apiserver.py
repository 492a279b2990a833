"""Checks questions and answers over real TLS: what is asked, what comes, and when."""

import contextlib
import email.utils
import gzip
import json
import threading
import time
from pathlib import Path

import pytest

from pokepodsd.core.model import NodeName
from pokepodsd.core.protocol import Ask, Timings
from pokepodsd.edge.apiserver import ApiServer
from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import ApiError, ConnectionLostError, GarbledError, SilentError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.podfactory import fleet
from tests.edge.rawserver import RawServer

LIST = Ask(parameters={"limit": "500"}, is_watch=False)
WATCH = Ask(parameters={"watch": "1", "allowWatchBookmarks": "true"}, is_watch=True)
NEW_POD = {"name": "new", "namespace": "fleet"}


@pytest.fixture
def api(kubelet: Path, scratch: Path) -> ApiServer:
    return ApiServer(Kubeconfig(kubelet, scratch=scratch).load(), Timings())


def answer_of(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_pages_are_read_compressed(server: ClusterServer, api: ApiServer) -> None:
    """A list of several pages comes whole, and over the wire at a fraction of its size."""
    server.control.make_pods(fleet(700))
    names, parameters, sizes = set(), {"limit": "500"}, []
    while True:
        with api.ask(Ask(parameters=parameters, is_watch=False)) as answer:
            assert (answer.status, answer.is_ok, answer.retry_after) == (200, True, None)
            body = answer.body()
        page = json.loads(body)
        sizes.append(len(body))
        names |= {item["metadata"]["name"] for item in page["items"]}
        if not (token := page["metadata"].get("continue")):
            break
        parameters = {"limit": "500", "continue": token}
    server.control.wait_requests(2, "list", ended=True)
    written = [one.bytes for one in server.control.requests() if one.kind == "list"]
    assert (len(names), len(sizes)) == (700, 2)
    assert all(wire < size / 5 for wire, size in zip(written, sizes, strict=True))


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_sized_answer_is_read_whole(tmp_path: Path, encoding: str) -> None:
    """An answer that is not chunked is read to its end, compressed or not."""
    body = json.dumps({"items": list(range(100_000))}).encode()
    packed = gzip.compress(body) if encoding == "gzip" else body
    said = answer_of("200 OK", f"Content-Encoding: {encoding}", body=packed)
    with RawServer(tmp_path, said) as raw:
        api = ApiServer(raw.configuration, Timings())
        with api.ask(LIST) as answer:
            assert answer.body() == body
        api.close()


def test_damaged_compression_is_garbled(tmp_path: Path) -> None:
    """What does not unpack is what the protocol does not say."""
    said = answer_of("200 OK", "Content-Encoding: gzip", body=b"no gzip at all")
    with RawServer(tmp_path, said) as raw:
        api = ApiServer(raw.configuration, Timings())
        with api.ask(LIST) as answer, pytest.raises(GarbledError):
            answer.body()
        api.close()


def test_connections_end_with_close(tmp_path: Path) -> None:
    """A connection that is kept for the next question is hung up when the credentials go."""
    with RawServer(tmp_path, answer_of("200 OK", body=b"{}")) as raw:
        api = ApiServer(raw.configuration, Timings())
        with api.ask(LIST) as answer:
            assert answer.body() == b"{}"
        api.close()
        assert raw.wait_end() == b""
    assert raw.head.startswith(b"GET /api/v1/pods?limit=500 HTTP/1.1\r\n")
    assert b"User-Agent: pokepodsd/" in raw.head


def test_unread_answer_ends_its_connection(tmp_path: Path) -> None:
    """An answer that was not read to its end is not left to confuse the next question."""
    with RawServer(tmp_path, answer_of("200 OK", body=b"{}")[:-1]) as raw:
        api = ApiServer(raw.configuration, Timings())
        with api.ask(LIST):
            pass
        assert raw.wait_end() == b""


def test_next_question_uses_the_same_connection(server: ClusterServer, api: ApiServer) -> None:
    """Pages cost one handshake, and the certificate names the node."""
    for _ in range(2):
        with api.ask(LIST) as answer:
            answer.body()
    assert {one.user for one in server.control.requests()} == {"system:node:node-a"}


def test_events_come_at_once(server: ClusterServer, api: ApiServer) -> None:
    """Each event of a watch is handed over when it is written, not when a buffer is full."""
    version = str(server.control.resource_version())
    with api.ask(
        Ask(parameters={**WATCH.parameters, "resourceVersion": version}, is_watch=True)
    ) as answer:
        chunks = answer.chunks()
        for number in range(3):
            server.control.make_pod(name=f"new-{number}", namespace="fleet")
            event = json.loads(next(chunks))
            received_ns = time.monotonic_ns()
            assert event["object"]["metadata"]["name"] == f"new-{number}"
            assert received_ns - server.control.events()[-1].at_ns < 500_000_000


def test_interrupt_ends_a_watch_soon(server: ClusterServer, api: ApiServer) -> None:
    """Another thread ends a quiet watch in no time, by an error of ours or in order."""
    version = str(server.control.resource_version())
    quiet = Ask(parameters={**WATCH.parameters, "resourceVersion": version}, is_watch=True)
    begin = time.monotonic()
    with api.ask(quiet) as answer:
        server.control.wait_watches(1)
        other = threading.Thread(target=answer.interrupt)
        other.start()
        with contextlib.suppress(ApiError):
            assert list(answer.chunks()) == []
        other.join()
        answer.interrupt()
    assert time.monotonic() - begin < 2
    answer.interrupt()
    server.control.wait_watches_gone()


def test_lookup_reads_one_node_from_the_cache(server: ClusterServer, api: ApiServer) -> None:
    """One GET by name, which the server answers without asking etcd; no list and no watch."""
    server.control.clear_log()
    for name, status in (("node-a", 404), ("node-b", 403), ("no/name?at=all", 403)):
        with api.look_up(NodeName(name), patience=3) as answer:
            assert answer.status == status
            answer.body()
    paths = [one.path for one in server.control.requests()]
    assert paths[:2] == [f"/api/v1/nodes/node-{one}?resourceVersion=0" for one in "ab"]
    assert "/" not in paths[2].removeprefix("/api/v1/nodes/")


def test_lookup_has_a_patience_of_its_own(server: ClusterServer, api: ApiServer) -> None:
    """A silent server is given up after the time of the lookup, not after that of a list."""
    server.control.add_fault("silent")
    begin = time.monotonic()
    with pytest.raises(SilentError), api.look_up(NodeName("node-a"), patience=0.3):
        pass
    assert 0.3 <= time.monotonic() - begin < 3


def test_lookup_and_watch_go_on_side_by_side(server: ClusterServer, api: ApiServer) -> None:
    """A lookup from another thread takes nothing from an open watch."""
    version = str(server.control.resource_version())
    statuses: list[int] = []

    def look_up() -> None:
        with api.look_up(NodeName("node-a"), patience=3) as answer:
            answer.body()
            statuses.append(answer.status)

    with api.ask(
        Ask(parameters={**WATCH.parameters, "resourceVersion": version}, is_watch=True)
    ) as answer:
        chunks = answer.chunks()
        for _ in range(3):
            other = threading.Thread(target=look_up)
            other.start()
            other.join(5)
            assert not other.is_alive()
        server.control.make_pod(name="new", namespace="fleet")
        assert json.loads(next(chunks))["object"]["metadata"]["name"] == "new"
    assert statuses == [404] * 3


@pytest.mark.parametrize("is_used", [True, False])
def test_closed_server_is_asked_no_more(
    server: ClusterServer, api: ApiServer, is_used: bool
) -> None:
    """After `close` nothing is asked with these credentials, whatever was asked before."""
    if is_used:
        with api.ask(LIST) as answer:
            answer.body()
    api.close()
    server.control.clear_log()
    with pytest.raises(ConnectionLostError), api.look_up(NodeName("node-a"), patience=3):
        pass
    with pytest.raises(ConnectionLostError), api.ask(LIST):
        pass
    assert server.control.requests() == []


def test_close_ends_what_a_lookup_holds(tmp_path: Path) -> None:
    """A lookup that is under way while the credentials go hangs up when it has its answer."""
    with RawServer(tmp_path, answer_of("200 OK", body=b"{}")) as raw:
        api = ApiServer(raw.configuration, Timings())
        with api.look_up(NodeName("node-a"), patience=3) as answer:
            other = threading.Thread(target=api.close)
            other.start()
            other.join()
            assert answer.body() == b"{}"
        assert raw.wait_end() == b""


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 422, 429, 500, 503])
def test_refusal_is_an_answer(server: ClusterServer, api: ApiServer, code: int) -> None:
    """A status is for others to judge, and its body is there to be read."""
    server.control.add_fault("status", code=code)
    with api.ask(LIST) as answer:
        assert (answer.status, answer.is_ok) == (code, False)
        assert answer.body()


def test_redirect_is_not_followed(server: ClusterServer, api: ApiServer) -> None:
    """Credentials go nowhere that the kubeconfig does not name."""
    server.control.add_fault("status", code=302, location=f"{server.url}/trap")
    with api.ask(LIST) as answer:
        assert answer.status == 302
        answer.body()
    assert [one.path for one in server.control.requests() if "trap" in one.path] == []


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        (" 7 ", 7, 7),
        ("@+60", 50, 60),
        ("@-60", 0, 0),
        ("soon", None, None),
        ("-1", None, None),
        ("1.5", None, None),
        ("Fri, 31 Dec 99999999 23:59:59 GMT", None, None),
        ("9" * 5_000, None, None),
    ],
)
def test_retry_after_is_read(
    tmp_path: Path, header: str, low: float | None, high: float | None
) -> None:
    """Seconds or a date, both of RFC 9110; anything else is as if it were not there."""
    if header.startswith("@"):
        header = email.utils.formatdate(time.time() + int(header[1:]), usegmt=True)
    with RawServer(tmp_path, answer_of("429 Slow", f"Retry-After: {header}")) as raw:
        api = ApiServer(raw.configuration, Timings())
        with api.ask(LIST) as answer:
            seconds = answer.retry_after
        api.close()
    if low is None or high is None:
        assert seconds is None
    else:
        assert seconds is not None
        assert low <= seconds <= high
