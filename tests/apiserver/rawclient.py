"""A plain HTTPS client that sees the wire: status, headers, lines and how a stream ended.

Owns: one connection a request, without retries or redirects. Refuses: any Kubernetes semantics.
"""

import errno
import http.client
import json
import select
import socket
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.apiserver.pki import IssuedCertificate
from tests.apiserver.status import Json

TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    data: bytes

    def parse(self) -> Json:
        parsed: Json = json.loads(self.data)
        return parsed


class Stream:
    """An answer that is read as it comes."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._connection = connection
        # The connection lets go of its socket where the answer says that it will be closed.
        self._socket: socket.socket = connection.sock
        self._buffer = b""
        self._response = connection.getresponse()
        self.status = self._response.status
        self.headers = dict(self._response.getheaders())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_line(self) -> bytes:
        """Up to and with its newline; without one, or empty, at the proper end.

        Raises IncompleteRead where the end is missing: `HTTPResponse.readline` would hide that.
        """
        while b"\n" not in self._buffer:
            if not self._read_more():
                break
        line, newline, self._buffer = self._buffer.partition(b"\n")
        return line + newline

    def read_some(self, count: int) -> bytes:
        """So many bytes, fewer at the proper end."""
        while len(self._buffer) < count and self._read_more():
            pass
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def wait_reset(self) -> bool:
        """Whether the connection was reset at the TCP level, which `ssl` shows as an end of file.

        `SSLSocket.recv` cannot tell: SSL_read_ex gives 0 for both.
        """
        waiting = select.poll()
        waiting.register(self._socket.fileno(), 0)
        if not waiting.poll(TIMEOUT_SECONDS * 1000):
            return False
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return error == errno.ECONNRESET

    def _read_more(self) -> bool:
        data = self._response.read1()
        self._buffer += data
        return bool(data)

    def read_event(self) -> Json:
        event: Json = json.loads(self.read_line())
        return event

    def read_events(self, count: int) -> list[Json]:
        return [self.read_event() for _ in range(count)]

    def read_to_end(self) -> Iterator[Json]:
        """Events until the server ends the stream properly."""
        while line := self.read_line():
            yield json.loads(line)

    def set_timeout(self, seconds: float) -> None:
        """Of one read."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        self._response.close()
        self._connection.close()


class RawClient:
    """With a client certificate, a bearer token, or neither."""

    def __init__(
        self,
        url: str,
        ca: Path,
        folder: Path,
        *,
        certificate: IssuedCertificate | None = None,
        token: str | None = None,
    ) -> None:
        parsed = urllib.parse.urlsplit(url)
        self._host, self._port = parsed.hostname or "", parsed.port or 443
        self._context = ssl.create_default_context(cafile=str(ca))
        self._token = token
        if certificate is not None:
            path = folder / f"client-{certificate.serial}.pem"
            path.write_bytes(certificate.pem)
            self._context.load_cert_chain(path)

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Answer:
        return self.request("GET", path, headers=headers, timeout_seconds=timeout_seconds)

    def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> Answer:
        connection = self.send(method, path, body, headers, timeout_seconds)
        try:
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def open(self, path: str, headers: Mapping[str, str] | None = None) -> Stream:
        """Returns when the headers are there."""
        return Stream(self.send("GET", path, None, headers))

    def send(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> http.client.HTTPSConnection:
        """Sends and does not wait for an answer."""
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=timeout_seconds, context=self._context
        )
        sent = {"Accept": "application/json", "User-Agent": "pokepodsd-recorder"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= dict(headers or {})
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, sent)
        return connection
