"""Checks how Prometheus is asked: credentials, certificates, refusals, garbage."""

import base64
import json
import socket
import ssl
import threading
from pathlib import Path

import pytest

from pokepodsd.core.samplematrix import queries, sample_matrix
from pokepodsd.edge.prometheus import Place, Prometheus
from pokepodsd.errors import SourceError
from tests.apiserver.pki import Authority
from tests.matrixworld import small
from tests.prometheusserver import PrometheusServer


def ask(place: Place, selector: str = "") -> int:
    """How many nodes the matrix has."""
    return len(sample_matrix(Prometheus(place).ask(queries(selector)), source="").nodes)


def chain(error: BaseException | None) -> str:
    """What the error and those behind it say, as far as a traceback would show them."""
    if error is None:
        return ""
    context = None if error.__suppress_context__ else error.__context__
    return f"{error!r} {chain(error.__cause__ or context)}"


def test_all_is_asked_at_one_time() -> None:
    """The server's own time is asked first, and each query is of that time."""
    with PrometheusServer(small()) as server:
        assert ask(Place(url=server.url + "/")) == 3
    assert [path for path, _ in server.requests] == ["/api/v1/query"] * 4
    assert {body.partition("&time=")[2] for _, body in server.requests[1:]} == {"1795549463.123"}


def test_a_selector_narrows() -> None:
    """It reaches the server in every query."""
    with PrometheusServer(small(), selector='cluster="prod"') as server:
        assert ask(Place(url=server.url), 'cluster="prod"') == 3
        with pytest.raises(SourceError, match="bad_data: no such"):
            ask(Place(url=server.url))


def test_user_and_password_come_from_the_url() -> None:
    """They are sent as basic authentication, decoded, and are in no error."""
    secret = base64.b64encode(b"me:p@ss").decode()
    with PrometheusServer(small(), authorization=f"Basic {secret}") as server:
        assert ask(Place(url=f"http://me:p%40ss@127.0.0.1:{server.port}")) == 3
        with pytest.raises(SourceError, match="--token-file") as caught:
            ask(Place(url=f"http://me:wrong@127.0.0.1:{server.port}"))
    assert "wrong" not in chain(caught.value)


def test_a_token_comes_from_a_file(tmp_path: Path) -> None:
    """It is sent as a bearer token."""
    path = tmp_path / "token"
    path.write_text("s3cret\n")
    with PrometheusServer(small(), authorization="Bearer s3cret") as server:
        assert ask(Place(url=server.url, token_file=path)) == 3


@pytest.mark.parametrize("content", [b"two\nlines", b"\xff", None])
def test_a_token_that_cannot_be_used_is_told_without_it(
    tmp_path: Path, content: bytes | None
) -> None:
    """Neither the error nor its causes hold the token."""
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with PrometheusServer(small()) as server, pytest.raises(SourceError, match="token") as caught:
        ask(Place(url=server.url, token_file=path))
    assert "lines" not in chain(caught.value)


@pytest.mark.parametrize("url", ["", "prometheus:9090", "ftp://host", "http://", "http://[::1"])
def test_what_is_no_url_is_refused(url: str) -> None:
    """The error says what one looks like."""
    with pytest.raises(SourceError, match="takes a URL such as http://prometheus:9090"):
        Prometheus(Place(url=url))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[" * 100_000),
        (200, b"17"),
        (200, b'{"status": "success", "data": {}}'),
        (200, b'{"status": "success", "data": {"result": 17}}'),
        (200, b'{"status": "success", "data": {"result": [1, "never"]}}'),
        (200, b'{"status": "success", "data": {"result": [1, "1e300"]}}'),
        (200, b'{"status": "success", "data": {"result": [1, %s]}}' % (b"9" * 400)),
        (200, b'{"status": "success", "data": {"result": [1, "NaN"]}}'),
        (302, b""),
        (404, b"404 page not found"),
        (503, b'{"status": "error", "errorType": "timeout", "error": "query timed out"}'),
    ],
)
def test_what_is_no_answer_is_an_error(status: int, body: bytes) -> None:
    """One line that names the server, and nothing else is raised."""
    with PrometheusServer(small()) as server:
        server.said = (status, body)
        with pytest.raises(SourceError, match=rf"^http://127\.0\.0\.1:{server.port} .+$"):
            ask(Place(url=server.url))


@pytest.mark.parametrize(
    "result",
    [
        True,
        [1],
        [None],
        [{}],
        [{"metric": {}}],
        [{"metric": {}, "value": 5}],
        [{"metric": {}, "value": [1]}],
        [{"metric": [], "value": [1, "1"]}],
        [{"metric": {}, "value": [1, "s"]}],
        [{"metric": {}, "value": [1, 10**400]}],
    ],
)
def test_what_is_no_vector_is_an_error(result: object) -> None:
    """Each part of another type: one line that names the server."""
    server = Prometheus(Place(url="http://127.0.0.1:9090"))
    body = json.dumps({"status": "success", "data": {"result": result}}).encode()
    with pytest.raises(SourceError, match=r"^http://127\.0\.0\.1:9090 answers what is no vector"):
        server.samples(200, body)


def test_a_server_that_is_silent_is_given_up() -> None:
    """After the time that the operator gave."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(SourceError, match=r"cannot be asked .*see whether Prometheus runs"):
            ask(Place(url=url, timeout_seconds=0.2))


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_certificate_is_checked(tmp_path: Path, *, is_trusted: bool) -> None:
    """With --ca-file a private authority is trusted, without it is not."""
    authority = Authority(tmp_path)
    context = authority.make_server_context(["127.0.0.1"])
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    hello: list[bool] = []

    def serve() -> None:
        try:
            plain, _ = listener.accept()
            with context.wrap_socket(plain, server_side=True) as connection:
                hello.append(bool(connection.recv(1)))
        except (ssl.SSLError, OSError):
            hello.append(False)

    thread = threading.Thread(target=serve)
    thread.start()
    place = Place(
        url=f"https://127.0.0.1:{listener.getsockname()[1]}",
        ca_file=Path(authority.certificate_path) if is_trusted else None,
    )
    with pytest.raises(SourceError, match="cannot be asked"):
        ask(place)
    thread.join()
    listener.close()
    assert hello == [is_trusted]


def test_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """The error names the file."""
    path = tmp_path / "ca.pem"
    with pytest.raises(SourceError, match=r"certificates cannot be read from .*ca\.pem"):
        Prometheus(Place(url="https://127.0.0.1", ca_file=path))
    path.write_text("nothing")
    with pytest.raises(SourceError, match=r"certificates cannot be read from .*ca\.pem"):
        Prometheus(Place(url="https://127.0.0.1", ca_file=path))
