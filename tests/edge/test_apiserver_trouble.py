"""Checks that whatever goes wrong on the way to the API server is one error of ours."""

import contextlib
import datetime
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes.client import Configuration

from pokepodsd.core.protocol import Ask, Timings
from pokepodsd.edge.apiserver import ApiServer
from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import ApiError, ConnectionLostError, SilentError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.pki import Authority
from tests.edge.rawserver import RawServer
from tests.edge.support import printed

LIST = Ask(parameters={"limit": "500"}, is_watch=False)
WATCH = Ask(parameters={"watch": "1"}, is_watch=True)
SHORT = Timings(silence=0.3, answer=0.3, connect=0.5)


@pytest.fixture
def configuration(kubelet: Path, scratch: Path) -> Configuration:
    return Kubeconfig(kubelet, scratch=scratch).load()


def read_whole(api: ApiServer, question: Ask) -> None:
    with api.ask(question) as answer:
        if question.is_watch:
            list(answer.chunks())
        else:
            answer.body()


def ask_and_fail(
    configuration: Configuration, question: Ask = LIST, timings: Timings = SHORT
) -> ApiError:
    """The error of a question; its text is checked to be a line that a person can read."""
    api = ApiServer(configuration, timings)
    with pytest.raises(ApiError) as caught:
        read_whole(api, question)
    api.close()
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert " object at 0x" not in text
    return caught.value


@pytest.mark.parametrize("question", [LIST, WATCH], ids=["list", "watch"])
@pytest.mark.parametrize("fault", ["drop", "drop_midway"])
def test_dropped_connection_is_lost(
    server: ClusterServer, configuration: Configuration, question: Ask, fault: str
) -> None:
    """A connection that ends before or within the answer; the text is about a connection."""
    server.control.add_fault(fault)
    error = ask_and_fail(configuration, question)
    assert type(error) is ConnectionLostError
    assert "invalid literal" not in str(error)


@pytest.mark.parametrize("question", [LIST, WATCH], ids=["list", "watch"])
def test_silence_is_noticed(
    server: ClusterServer, configuration: Configuration, question: Ask
) -> None:
    """A server that takes the question and says nothing is given up after its time."""
    server.control.delete_pod("fleet", "app-000000")
    server.control.add_fault("silent")
    begin = time.monotonic()
    assert type(ask_and_fail(configuration, question)) is SilentError
    assert 0.3 <= time.monotonic() - begin < 3


def test_trickle_is_given_up(server: ClusterServer, configuration: Configuration) -> None:
    """A list that comes a byte at a time is not waited for until its end."""
    server.control.add_fault("trickle", "list", interval_seconds=0.02)
    begin = time.monotonic()
    assert type(ask_and_fail(configuration)) is SilentError
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize("fault", ["truncated_line", "html"])
def test_what_ends_in_order_is_an_answer(
    server: ClusterServer, configuration: Configuration, fault: str
) -> None:
    """Half a document or a page of another server is handed over: its sense is judged elsewhere."""
    server.control.add_fault(fault, "list")
    with ApiServer(configuration, SHORT).ask(LIST) as answer:
        assert answer.is_ok
        assert answer.body()


def test_certificate_of_another_authority(configuration: Configuration, tmp_path: Path) -> None:
    """A server that cannot be trusted gets no question."""
    configuration.ssl_ca_cert = str(Authority(tmp_path / "other").certificate_path)
    error = ask_and_fail(configuration)
    assert type(error) is ConnectionLostError
    assert "certificate verify failed" in str(error)


def test_certificate_that_expired(tmp_path: Path) -> None:
    """Nothing is asked, and the reason says which certificate matter it is."""
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    with RawServer(tmp_path, b"", valid_until=past) as raw:
        error = ask_and_fail(raw.configuration)
        assert raw.head == b""
    assert type(error) is ConnectionLostError
    assert "certificate has expired" in str(error)


def test_server_of_another_name(configuration: Configuration) -> None:
    """A certificate for another name is not taken."""
    configuration.tls_server_name = "elsewhere.example"
    assert "elsewhere.example" in str(ask_and_fail(configuration))


def test_name_that_does_not_resolve(configuration: Configuration) -> None:
    """RFC 6761 promises that .invalid never does."""
    configuration.host = "https://api.invalid:6443"
    error = ask_and_fail(configuration)
    assert type(error) is ConnectionLostError
    assert "name" in str(error).lower()


def test_refused_connection(configuration: Configuration) -> None:
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    configuration.host = f"https://127.0.0.1:{port}"
    assert str(ask_and_fail(configuration)) == "Connection refused"


def test_stopped_server(server: ClusterServer, configuration: Configuration) -> None:
    """A server whose kernel accepts and which itself stands still is silent."""
    server.freeze()
    try:
        assert type(ask_and_fail(configuration)) in {SilentError, ConnectionLostError}
    finally:
        server.thaw()


@contextlib.contextmanager
def plain_server(said: bytes) -> Iterator[int]:
    """A server without TLS."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(said)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n", b""])
def test_server_that_speaks_no_tls(configuration: Configuration, said: bytes) -> None:
    """Another program on the port, as the wrong one behind a load balancer."""
    with plain_server(said) as port:
        configuration.host = f"https://127.0.0.1:{port}"
        assert isinstance(ask_and_fail(configuration), ConnectionLostError)


@pytest.mark.parametrize(
    "said",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_broken_http_is_lost(tmp_path: Path, said: bytes) -> None:
    """An answer that is no HTTP, or less than it promised."""
    with RawServer(tmp_path, said, closes=True) as raw:
        assert isinstance(ask_and_fail(raw.configuration), ConnectionLostError)


@pytest.mark.parametrize("token", ["two\nlines-SECRET", "back\rSECRET", "\u20acSECRET"])
def test_token_that_no_header_holds_is_not_shown(configuration: Configuration, token: str) -> None:
    """What a token file wrongly holds is an error, whose text and causes do not quote it."""
    configuration.api_key["authorization"] = f"Bearer {token}"
    assert "SECRET" not in printed(ask_and_fail(configuration))
