"""Checks the HTTP server with real clients: proper ones, slow ones, many, and wrong ones."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse

import pytest

from pokepodsd.edge.httpserver import MOST_CONNECTIONS, HttpServer, Reply, Request

LONG = b"pokepodsd_peers 1\n" * 1_000
PATIENCE_SECONDS = 20.0


def respond(request: Request) -> Reply:
    return Reply({"/long": LONG}.get(request.path, f"{request.query}".encode()))


@contextmanager
def serving(listen: str, answer: Callable[[Request], Reply]) -> Iterator[HttpServer]:
    with HttpServer(listen, answer) as made:
        thread = threading.Thread(target=made.serve)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with serving("127.0.0.1:0", respond) as made:
        yield made


def place(server: HttpServer) -> tuple[str, int]:
    host, port = server.server_address[:2]
    return str(host), int(port)


def get(
    server: HttpServer, path: str, method: str = "GET", **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(*place(server), timeout=PATIENCE_SECONDS)
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def raw(server: HttpServer, sent: bytes) -> bytes:
    """All that comes back until the connection ends."""
    with socket.create_connection(place(server), timeout=PATIENCE_SECONDS) as client:
        client.sendall(sent)
        return read_all(client)


def read_all(client: socket.socket) -> bytes:
    found = b""
    try:
        while part := client.recv(65_536):
            found += part
    except ConnectionResetError:
        # It ended while we still spoke.
        return found
    return found


def test_a_page_with_its_query(server: HttpServer) -> None:
    """What was asked for reaches whoever answers, without the percent signs."""
    response, body = get(server, "/page?peer=node%20b&empty=")
    assert (response.status, body) == (200, b"{'peer': 'node b', 'empty': ''}")
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Server"].startswith("pokepodsd/")


def test_an_address_of_ipv6() -> None:
    """It stands in brackets, as in a URL."""
    with serving("[::1]:0", respond) as made:
        assert get(made, "/long")[1] == LONG


@pytest.mark.parametrize("listen", ["999.1.1.1:80", "[127.0.0.1]:99999", "[1:2]:80", "127.0.0.1:"])
def test_what_is_no_address_is_an_error_of_the_system(listen: str) -> None:
    """It is told as any other reason why nothing can be served there."""
    with pytest.raises(OSError):
        HttpServer(listen, respond)


def test_head_has_the_headers_alone(server: HttpServer) -> None:
    """The length is that of the page, the body is not sent."""
    response, body = get(server, "/long", "HEAD")
    assert (response.status, body) == (200, b"")
    assert response.headers["Content-Length"] == str(len(LONG))


def test_compressed_where_it_is_asked_for(server: HttpServer) -> None:
    """gzip is for those who take it, and for pages that are worth it."""
    response, body = get(server, "/long", Accept_Encoding="br, gzip")
    assert response.headers["Content-Encoding"] == "gzip"
    assert (gzip.decompress(body), len(body) < 500) == (LONG, True)
    for path, encoding in (("/long", "identity"), ("/long", "gzip;q=0"), ("/short", "gzip")):
        response, body = get(server, path, Accept_Encoding=encoding)
        assert response.headers["Content-Encoding"] is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])
def test_nothing_is_taken(server: HttpServer, method: str) -> None:
    """Every other method is refused, with those that there are."""
    response, body = get(server, "/long", method)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    assert body == b"405 only GET and HEAD\n"


WRONG = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"400"),
    "a path that is too long": (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", b"414"),
    "too many headers": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n", b"431"),
    "a header that is too long": (b"GET / HTTP/1.1\r\na: " + b"b" * 20_000 + b"\r\n\r\n", b"431"),
    "too many parameters": (b"GET /?" + b"a=b&" * 20 + b" HTTP/1.1\r\n\r\n", b"400"),
    "another version": (b"GET / HTTP/7.0\r\n\r\n", b"505"),
}


@pytest.mark.parametrize(("sent", "status"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_request_is_refused(server: HttpServer, sent: bytes, status: bytes) -> None:
    """With a status where one can be had, and a line of plain text."""
    found = raw(server, sent)
    assert status in found.partition(b"\n")[0] or found.startswith(status)
    assert b"<html" not in found
    assert get(server, "/")[0].status == 200


def test_slow_clients_do_not_stop_a_scrape(server: HttpServer) -> None:
    """More of them than there is room, none of which ends its request: pages are served on, and
    each of them is ended in time.
    """
    slow = [socket.create_connection(place(server)) for _ in range(MOST_CONNECTIONS + 3)]
    for one in slow:
        one.settimeout(PATIENCE_SECONDS)
        one.sendall(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(5):
        assert get(server, "/long")[1] == LONG
    assert [b"200" in read_all(one) for one in slow] == [False] * len(slow)
    for one in slow:
        one.close()


def test_a_drop_now_and_then_keeps_nobody_connected(server: HttpServer) -> None:
    """The time of a request counts from its begin, not from its last byte."""
    with socket.create_connection(place(server), timeout=PATIENCE_SECONDS) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        client.settimeout(0.3)
        ended = False
        while not ended:
            try:
                client.sendall(b"x")
                ended = client.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True


def test_one_too_many_is_told_so() -> None:
    """Where all that have asked wait for their answer, the next one is refused at once, and they
    are served.
    """
    gate, arrived = threading.Event(), threading.Semaphore(0)

    def wait(_: Request) -> Reply:
        arrived.release()
        gate.wait(PATIENCE_SECONDS)
        return Reply(b"late")

    with serving("127.0.0.1:0", wait) as server:
        clients = [socket.create_connection(place(server)) for _ in range(MOST_CONNECTIONS)]
        for one in clients:
            one.settimeout(PATIENCE_SECONDS)
            one.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert arrived.acquire(timeout=PATIENCE_SECONDS)
        assert b"503 too many connections" in raw(server, b"")
        gate.set()
        assert all(read_all(one).endswith(b"late") for one in clients)
        for one in clients:
            one.close()
