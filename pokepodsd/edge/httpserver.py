"""A small HTTP server for pages that are read: GET and HEAD, one answer a connection.

Owns the sockets, and what a client may take: how many there are, how much of a request is read, and
how long each may last. What the pages say is the caller's; the protocol is left to `http.server` of
the standard library.
"""

import contextlib
import errno
import gzip
import io
import ipaddress
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import LineTooLong
from http.server import BaseHTTPRequestHandler
from typing import Any, ClassVar, cast
from urllib.parse import parse_qsl

from pokepodsd import __version__
from pokepodsd.core.negotiation import is_taken

MOST_CONNECTIONS = 8
# A request of Prometheus has 500 bytes.
_LONGEST_REQUEST = 16 * 1024
_MOST_PARAMETERS = 10
ASKING_SECONDS = 5.0
_ANSWERING_SECONDS = 15.0
_LOOK_SECONDS = 0.25
_WORTH_COMPRESSING = 1000
_METHODS = ("GET", "HEAD")
_FULL = b"HTTP/1.0 503 Service Unavailable\r\n\r\n503 too many connections\n"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for."""

    path: str
    query: Mapping[str, str]
    accept: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    body: bytes
    content_type: str = TEXT
    status: HTTPStatus = HTTPStatus.OK


@dataclass(slots=True)
class _Connection:
    deadline: float
    has_asked: bool = False


@dataclass(slots=True)
class _Connections:
    """Those that are open, by their socket; the oldest first."""

    there: dict[socket.socket, _Connection] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, one: socket.socket) -> bool:
        """Whether there is room; who came first and still has not asked makes some."""
        with self.lock:
            if len(self.there) >= MOST_CONNECTIONS:
                waiting = (other for other, state in self.there.items() if not state.has_asked)
                oldest = next(waiting, None)
                if oldest is None:
                    return False
                self._end(oldest)
            self.there[one] = _Connection(time.monotonic() + ASKING_SECONDS)
            return True

    def note_asked(self, one: socket.socket) -> None:
        with self.lock:
            if one in self.there:
                self.there[one] = _Connection(time.monotonic() + _ANSWERING_SECONDS, has_asked=True)

    def end_overdue(self) -> None:
        with self.lock:
            now = time.monotonic()
            for one in [one for one, state in self.there.items() if now > state.deadline]:
                self._end(one)

    def forget(self, one: socket.socket) -> None:
        """To be called before it is closed: its number may be another's at once."""
        with self.lock:
            self.there.pop(one, None)

    def _end(self, one: socket.socket) -> None:
        """Its thread notices, and closes it."""
        del self.there[one]
        # OSError: the client was quicker.
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class HttpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens from the beginning; `serve_forever` answers.

    Raises:
        OSError: it cannot listen there.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 16

    def __init__(self, listen: str, respond: Callable[[Request], Reply]) -> None:
        """``listen`` is an address and a port, as in ``[::1]:80``."""
        host, _, port = listen.rpartition(":")
        try:
            address, number = ipaddress.ip_address(host.strip("[]")), int(port)
        except ValueError as error:
            raise OSError(errno.EINVAL, str(error)) from error
        self.address_family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        self.respond = respond
        self.connections = _Connections()
        try:
            super().__init__((str(address), number), _Handler)
        except OverflowError as error:
            raise OSError(errno.EINVAL, "ports go up to 65535") from error

    def serve(self) -> None:
        """Answer, until `shutdown`."""
        self.serve_forever(poll_interval=_LOOK_SECONDS)

    def service_actions(self) -> None:
        """End what is overdue; called again and again by `serve_forever`."""
        self.connections.end_overdue()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread, if there is room for one more."""
        if self.connections.add(request):
            super().process_request(request, client_address)
        else:
            with contextlib.suppress(OSError):
                request.send(_FULL, socket.MSG_DONTWAIT)
            self.shutdown_request(request)

    def close_request(self, request: Any) -> None:
        """Close a connection."""
        self.connections.forget(request)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, unless it is that the client is gone."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Head(io.BufferedReader):
    """The request, of which so much is read and no more."""

    _left = _LONGEST_REQUEST

    def readline(self, _: int | None = -1, /) -> bytes:
        if self._left <= 0:
            raise LineTooLong("header")
        line = super().readline(self._left)
        self._left -= len(line)
        return line


class _Handler(BaseHTTPRequestHandler):
    """One connection, with one request."""

    timeout: ClassVar[float] = ASKING_SECONDS
    server_version = f"pokepodsd/{__version__}"
    sys_version = ""
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = TEXT
    raw_requestline: bytes

    def setup(self) -> None:
        super().setup()
        self.rfile = _Head(socket.SocketIO(self.connection, "r"))

    def parse_request(self) -> bool:
        """Read the request; whether it is one that is answered."""
        self.command, self.requestline, self.request_version = "", "", self.protocol_version
        if not self.raw_requestline.endswith(b"\n"):
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return False
        if not super().parse_request():
            return False
        self._server.connections.note_asked(self.connection)
        if self.command not in _METHODS:
            refusal = Reply(b"405 only GET and HEAD\n", status=HTTPStatus.METHOD_NOT_ALLOWED)
            self._send(refusal, {"Allow": ", ".join(_METHODS)})
            return False
        return True

    def do_GET(self) -> None:
        """Answer."""
        path, _, query = self.path.partition("?")
        try:
            parsed = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS))
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        accept = ", ".join(self.headers.get_all("Accept", []))
        reply = self._server.respond(Request(path=path, query=parsed, accept=accept))
        self._send(reply, {"Vary": "Accept, Accept-Encoding"})

    do_HEAD = do_GET  # noqa: N815 -- http.server's name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as it is called there
        """Nothing: a scrape is no news."""

    @property
    def _server(self) -> HttpServer:
        return cast(HttpServer, self.server)

    def _send(self, reply: Reply, headers: Mapping[str, str]) -> None:
        body = reply.body
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        accepted = ", ".join(self.headers.get_all("Accept-Encoding", []))
        if len(body) > _WORTH_COMPRESSING and is_taken("gzip", accepted):
            body = gzip.compress(body, compresslevel=6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
