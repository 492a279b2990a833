"""Owns a daemon's control socket without a daemon: it answers as a test says."""

import json
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.statusdocument import lines

Answer = Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any] | bytes]]


class FakeDaemon:
    """Listens until the end of the `with` block; ``requests`` are those that came.

    What it is to answer with is a line for each object; bytes are said as they are.
    """

    def __init__(self, path: Path, answer: Answer) -> None:
        self.requests: list[Mapping[str, Any]] = []
        self._answer = answer
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @staticmethod
    def telling(path: Path, document: Mapping[str, Any]) -> "FakeDaemon":
        """One that tells this status, whatever it is asked for."""
        return FakeDaemon(path, lambda _: lines(document))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.path.unlink()
        # Ends an accept that another thread waits in, which close does not.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._socket.accept()
            except OSError:
                return
            # A client may go before it has read all.
            with suppress(OSError), accepted, accepted.makefile("rwb") as stream:
                self._take(stream.readline(), stream.write)

    def _take(self, line: bytes, write: Callable[[bytes], int]) -> None:
        if not line:
            return
        request = json.loads(line)
        self.requests.append(request)
        for reply in self._answer(request):
            write(reply if isinstance(reply, bytes) else json.dumps(reply).encode() + b"\n")
