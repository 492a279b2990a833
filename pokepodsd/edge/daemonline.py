"""The exporter's end of its socket to the daemon: a line of JSON out, lines of JSON back.

Owns the order of questions and answers, for threads that ask at the same time, and how much of the
daemon's time they take together. An answer that comes too late is dropped when it comes, before
anything else is asked.
"""

import json
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from pokepodsd.core.lines import LineBuffer
from pokepodsd.errors import ControlError, DaemonSilentError, GarbledError

Message = Mapping[str, Any]

PATIENCE_SECONDS = 3.0
# For an answer of many lines, each of which comes within the patience.
_LONGEST_ANSWER_SECONDS = 10.0
_LONGEST_LINE = 4 * 1024 * 1024
_CHUNK = 256 * 1024
# After an answer the daemon is left alone for four times as long as it took, so that whoever asks
# without end has at most a fifth of its time.
_REST = 4.0
_LEAST_REST_SECONDS = 0.05
_MOST_REST_SECONDS = 1.0


class DaemonLine:
    """One question at a time."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._asking = threading.Lock()
        self._writing = threading.Lock()
        self._lines = LineBuffer(longest=_LONGEST_LINE)
        self._read: deque[bytes] = deque()
        self._owed: Message | None = None
        self._rest_until = 0.0

    def ask(self, request: Message) -> list[Message]:
        """Every line of the answer.

        Raises:
            DaemonSilentError: it did not come in time.
            ControlError: the daemon refuses, with the reason.
        """
        if not self._asking.acquire(timeout=PATIENCE_SECONDS):
            raise DaemonSilentError(_silence(PATIENCE_SECONDS))
        try:
            time.sleep(max(0.0, self._rest_until - time.monotonic()))
            started = time.monotonic()
            answer = self._ask(request, started + _LONGEST_ANSWER_SECONDS)
            rest = max(_LEAST_REST_SECONDS, _REST * (time.monotonic() - started))
            self._rest_until = time.monotonic() + min(rest, _MOST_REST_SECONDS)
        finally:
            self._asking.release()
        if "error" in answer[-1]:
            raise ControlError(str(answer[-1]["error"]))
        return answer

    def tell(self, kind: str, text: str) -> None:
        """Have the daemon write a journal entry."""
        self._write({"tell": {"kind": kind, "text": text}})

    def wait_end(self) -> None:
        """Return when the daemon's end of the socket is closed."""
        poller = select.poll()
        # No data: POLLHUP is always told (poll(2)).
        poller.register(self._channel, 0)
        poller.poll()

    def _ask(self, request: Message, until: float) -> list[Message]:
        if self._owed is not None:
            self._collect(self._owed, until)
        self._owed = request
        self._write(request)
        return self._collect(request, until)

    def _collect(self, request: Message, until: float) -> list[Message]:
        found = [self._next(until)]
        while not _is_last(request, found[-1]):
            found.append(self._next(until))
        self._owed = None
        return found

    def _next(self, until: float) -> Message:
        until = min(until, time.monotonic() + PATIENCE_SECONDS)
        while not self._read:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._channel], [], [], left)[0]:
                raise DaemonSilentError(_silence(PATIENCE_SECONDS))
            if not (data := self._channel.recv(_CHUNK)):
                raise DaemonSilentError("pokepodsd has ended")
            self._read.extend(self._lines.feed(data))
        message = json.loads(self._read.popleft())
        if not isinstance(message, dict):
            raise GarbledError("the daemon said what is no object")
        return message

    def _write(self, message: Message) -> None:
        with self._writing:
            self._channel.sendall(json.dumps(message).encode() + b"\n")


def _is_last(request: Message, answer: Message) -> bool:
    return "status" not in request or "end" in answer or "error" in answer


def _silence(seconds: float) -> str:
    return f"pokepodsd did not answer within {seconds:g} s"
