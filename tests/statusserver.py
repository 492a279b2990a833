"""Where a node tells its status: a control socket, and the opt-in listener's page."""

import json
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self


class ControlServer:
    """Answers `status` on a unix socket with a stream of lines; ``lines`` is what it says."""

    def __init__(self, path: Path, document: Mapping[str, Any]) -> None:
        header = {key: document[key] for key in document if key not in ("peers", "targets")}
        lines: list[dict[str, Any]] = [{"status": header}]
        lines += [{"peer": peer} for peer in document["peers"]]
        lines.append({"end": {"peers": len(document["peers"]), "targets": 0}})
        self.said = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        self.asked = b""
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                self.asked = lines.readline()
                connection.sendall(self.said)


class StatusPage:
    """The listener's /status; any other path is not found."""

    def __init__(self, document: Any) -> None:
        self.asked: list[str] = []
        body = json.dumps(document).encode()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                is_there = self.path.partition("?")[0] == "/status"
                self.send_response(200 if is_there else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"
