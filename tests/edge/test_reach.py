"""The steps to a server, on the loopback: each failure is told as its own."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.edge.reach import (
    UnreachableError,
    UnresolvedError,
    UntrustedError,
    connect,
    handshake,
    resolve,
)
from tests.apiserver.client import ApiServer
from tests.apiserver.pki import Authority

HERE = "127.0.0.1"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Bound, so that nobody else gets it, and not listened to."""
    with socket.socket() as bound:
        bound.bind((HERE, 0))
        yield bound.getsockname()[1]


def test_a_name_has_addresses() -> None:
    """Each once; an address is its own."""
    assert resolve(HERE, 443) == [HERE]
    found = resolve("localhost", 443)
    assert len(found) == len(set(found)) > 0


def test_a_name_without_an_address_is_told() -> None:
    """A name that cannot be one does not wait for any server."""
    with pytest.raises(UnresolvedError):
        resolve("a..b", 443)


def test_the_first_address_that_answers_is_taken(api_server: ApiServer, closed_port: int) -> None:
    """And each that does not is named with its reason."""
    assert connect(["127.0.0.2", HERE], api_server.port, seconds=5.0) == HERE
    with pytest.raises(UnreachableError, match=r"127.0.0.2: .*refused; 127.0.0.1: .*refused"):
        connect(["127.0.0.2", HERE], closed_port, seconds=5.0)


def test_tls_by_the_right_authority(api_server: ApiServer) -> None:
    """The version that was agreed on."""
    path = str(api_server.authority.certificate_path)
    version = handshake(
        HERE, api_server.port, name=HERE, authority=path, is_verified=True, seconds=5.0
    )
    assert version.startswith("TLSv1.")


def test_tls_by_another_authority_or_name_is_told(api_server: ApiServer, tmp_path: Path) -> None:
    """Unless nobody asks."""
    other = str(Authority(tmp_path / "other").certificate_path)
    own = str(api_server.authority.certificate_path)
    for name, authority, reason in (
        (HERE, other, "certificate"),
        ("192.0.2.1", own, "192.0.2.1"),
        (HERE, str(tmp_path / "missing"), "cannot be read"),
    ):
        with pytest.raises(UntrustedError, match=reason):
            handshake(
                HERE, api_server.port, name=name, authority=authority, is_verified=True, seconds=5.0
            )
    assert handshake(
        HERE, api_server.port, name="192.0.2.1", authority=other, is_verified=False, seconds=5.0
    )


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_what_speaks_no_tls_is_told(said: bytes) -> None:
    """Plain HTTP, and a silence that is waited for in bounded time."""
    with socket.create_server((HERE, 0)) as listening:
        taken: list[socket.socket] = []

        def serve() -> None:
            connection, _ = listening.accept()
            taken.append(connection)
            connection.sendall(said)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(UntrustedError):
            handshake(
                HERE,
                listening.getsockname()[1],
                name=HERE,
                authority=None,
                is_verified=False,
                seconds=0.5,
            )
        thread.join()
        taken[0].close()
