"""Owns a TLS server of one connection that says exactly the bytes it is given. Parses nothing."""

import contextlib
import datetime
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

from kubernetes.client import Configuration

from tests.apiserver.pki import Authority

PATIENCE_SECONDS = 5.0


class RawServer:
    """Takes one connection; answers the request with `said`, and closes only when told to."""

    def __init__(
        self,
        folder: Path,
        said: bytes,
        *,
        closes: bool = False,
        valid_until: datetime.datetime | None = None,
    ) -> None:
        self.authority = Authority(folder)
        self._said = said
        self._closes = closes
        self._context = self.authority.make_server_context(["127.0.0.1"], not_after=valid_until)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_SECONDS)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.head = b""
        self.rest: bytes | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.close()
        self._thread.join()

    @property
    def configuration(self) -> Configuration:
        """How to reach it and whom to trust."""
        configuration = Configuration()
        configuration.host = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        configuration.ssl_ca_cert = str(self.authority.certificate_path)
        return configuration

    def wait_end(self) -> bytes | None:
        """What the client said after its request until it hung up; None if it did not."""
        self._thread.join(2 * PATIENCE_SECONDS)
        return self.rest

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            plain, _ = self._listener.accept()
            plain.settimeout(PATIENCE_SECONDS)
            with self._context.wrap_socket(plain, server_side=True) as connection:
                self._answer(connection)

    def _answer(self, connection: ssl.SSLSocket) -> None:
        while b"\r\n\r\n" not in self.head:
            self.head += connection.recv(65_536)
        connection.sendall(self._said)
        if not self._closes:
            self.rest = connection.recv(65_536)
