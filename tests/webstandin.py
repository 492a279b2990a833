"""Owns an HTTP server on loopback whose answers a test decides. Knows nothing of what they mean."""

from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self

# The end of the server waits for so long.
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: the path with its query, and what came with it."""

    path: str
    authorization: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to it."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"


class WebStandIn:
    """A context manager; each request is answered in a thread of its own."""

    def __init__(self, respond: Callable[[Asked], Answer]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                authorization = self.headers.get("Authorization", "")
                asked = Asked(path=self.path, authorization=authorization, body=body)
                answer = respond(asked)
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        serve = self._server.serve_forever
        self._thread = Thread(target=serve, kwargs={"poll_interval": _POLL_SECONDS})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    @property
    def place(self) -> str:
        """The address with the port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http://{self.place}"

    def close(self) -> None:
        """End it; nobody listens there from then on. A second time is none."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
