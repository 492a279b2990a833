"""The daemon's control socket: one line of JSON in, some lines out, and the connection held.

Owns the unix socket in the runtime directory, on both sides of it. What a request asks for lasts as
long as its connection: whoever asked may end in any way, and nothing of it stays. Root and the
daemon's own group may connect, by the mode of the socket; who it is, the kernel says.
"""

import contextlib
import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pokepodsd.errors import ControlError

NAME = "control.sock"
DEFAULT_DIRECTORY = Path("/run/pokepodsd")
_LONGEST_LINE = 64 * 1024
_PATIENCE_SECONDS = 10.0
_MOST_CONNECTIONS = 16
# pid, uid and gid: struct ucred of unix(7), SO_PEERCRED.
_CREDENTIALS = struct.Struct("iII")
# So much is made and sent at once: what a client does not read is not made.
_CHUNK = 4 * 1024


class Connection:
    """One client of the daemon."""

    def __init__(self, accepted: socket.socket) -> None:
        self._socket = accepted
        self._socket.setblocking(False)
        self._received = self._unsent = b""
        self._lines: Iterator[Mapping[str, Any]] | None = None
        self.is_open = True
        told = accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self.uid: int = _CREDENTIALS.unpack(told)[1]
        """Who it is."""
        self.is_full = False
        """Whether the client must read before there can be more."""
        self.is_held = False
        """Whether it stays open for what was asked for."""

    def fileno(self) -> int:
        """The socket, for a selector."""
        return self._socket.fileno()

    def read(self) -> Mapping[str, Any] | None:
        """A request, if one is complete; `is_open` says whether the client is still there.

        Raises:
            ControlError: what came is no request; the connection is closed.
        """
        try:
            data = self._socket.recv(_LONGEST_LINE)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        if not data:
            self.close()
            return None
        self._received += data
        line, newline, rest = self._received.partition(b"\n")
        if not newline and len(self._received) < _LONGEST_LINE:
            return None
        self._received = rest
        try:
            request = json.loads(line)
        except (ValueError, RecursionError) as error:
            self.close()
            raise ControlError(f"not a request: {error!r:.100}") from error
        if not isinstance(request, dict):
            self.close()
            raise ControlError("not a request: no JSON object")
        return request

    def answer(self, lines: Iterator[Mapping[str, Any]]) -> None:
        """Have these sent by `write`, a line each; what was being sent before is cut off."""
        self._lines = lines

    @property
    def has_more(self) -> bool:
        """Whether there is something to write, or to be made."""
        return self.is_open and (self._lines is not None or bool(self._unsent))

    def write(self) -> None:
        """Make and send a part of the answer, without waiting."""
        while self._lines is not None and len(self._unsent) < _CHUNK:
            line = next(self._lines, None)
            if line is None:
                self._lines = None
            else:
                self._unsent += json.dumps(line, separators=(",", ":")).encode() + b"\n"
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
            self.is_full = False
        except BlockingIOError:
            self.is_full = True
        except OSError:
            self.close()

    def close(self) -> None:
        """End it."""
        self.is_open = False
        self._socket.close()


class Listener:
    """The daemon's side; `connections` are those that are open.

    Raises:
        OSError: the socket cannot be made.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / NAME
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        before = os.umask(0o117)
        try:
            self._socket.bind(str(path))
            self._socket.listen(_MOST_CONNECTIONS)
        except OSError:
            self._socket.close()
            raise
        finally:
            os.umask(before)
        self._path = path
        self.connections: list[Connection] = []

    def fileno(self) -> int:
        """The socket, for a selector."""
        return self._socket.fileno()

    @property
    def is_full(self) -> bool:
        """Whether nobody more is taken."""
        return len(self.connections) >= _MOST_CONNECTIONS

    def accept(self) -> None:
        """Take whoever waits, as many as there may be."""
        # Whatever it is (nobody waits, one gave up, no more descriptors), it is tried again later.
        with contextlib.suppress(OSError):
            while not self.is_full:
                accepted, _ = self._socket.accept()
                self.connections.append(Connection(accepted))

    def close(self) -> None:
        """End every connection, and remove the socket."""
        for one in self.connections:
            one.close()
        self._socket.close()
        self._path.unlink(missing_ok=True)


class Client:
    """The other side: one request, whose effect lasts until `close`."""

    def __init__(self, path: Path) -> None:
        """Connect.

        Raises:
            ControlError: there is no daemon, or it may not be asked.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_PATIENCE_SECONDS)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise ControlError(
                f"no pokepodsd can be asked at {path}: {error.strerror}. Is it running "
                "(systemctl status pokepodsd), and are you root?"
            ) from error

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The daemon's answer.

        Raises:
            ControlError: it has none, or it refuses, with the reason.
        """
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._socket.makefile("rb").readline()
            return _parse_reply(line)
        except (OSError, ValueError) as error:
            raise ControlError(f"the running pokepodsd does not answer: {error}") from error

    def stream(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The daemon's answer of many lines, up to the one that has "end", which is the last.

        Raises:
            ControlError: it has none, or it refuses, with the reason.
        """
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            for line in self._socket.makefile("rb"):
                reply = _parse_reply(line)
                yield reply
                if "end" in reply:
                    return
        except (OSError, ValueError) as error:
            raise ControlError(f"the running pokepodsd does not answer: {error}") from error
        raise ControlError("the running pokepodsd ended in the midst of its answer")

    def is_ended(self) -> bool:
        """Whether the daemon has ended the connection: what was asked for is over."""
        self._socket.setblocking(False)
        try:
            return self._socket.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """End what was asked for."""
        self._socket.close()


def _parse_reply(line: bytes) -> Mapping[str, Any]:
    reply = json.loads(line)
    if not isinstance(reply, dict):
        raise ControlError("the running pokepodsd answers what is no reply")
    if "error" in reply:
        raise ControlError(str(reply["error"]))
    return reply
