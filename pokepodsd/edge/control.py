"""The daemon's control socket: one line of JSON in, some lines out, and the connection held.

Owns the unix socket in the runtime directory, on both sides of it. What a request asks for lasts as
long as its connection: whoever asked may end in any way, and nothing of it stays. Root and the
daemon's own group may connect, by the mode of the socket; who it is, the kernel says.
"""

import contextlib
import errno
import json
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pokepodsd.errors import ControlError, DeniedError, NoDaemonError

NAME = "control.sock"
DEFAULT_DIRECTORY = Path("/run/pokepodsd")
_LONGEST_LINE = 64 * 1024
# The longest line of an answer is that of a peer with its tunnels.
_LONGEST_REPLY = 4 * 1024 * 1024
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
        self._received = b""
        if rest:
            self.close()
            raise ControlError("not a request: more than one at a time")
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
        OSError: the socket cannot be made; EADDRINUSE where another process listens there.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / NAME
        if _is_listened_at(path):
            raise OSError(errno.EADDRINUSE, "another running pokepodsd answers there")
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

    def __init__(self, path: Path, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Connect; ``patience_seconds`` is how long the daemon may be silent, at any time.

        Raises:
            NoDaemonError: nobody listens there.
            DeniedError: this user may not ask.
            ControlError: the daemon is too busy to be asked, or that is no place for a socket.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _connect(self._socket, str(path), patience_seconds)
        except ControlError:
            self._socket.close()
            raise
        self._received = self._socket.makefile("rb")

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The daemon's answer, where it is one line.

        Raises:
            ControlError: it has none, or it refuses, with the reason.
        """
        self._send(request)
        return self._reply()

    def stream(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The lines of an answer that has several; the last one, and no other, has "end".

        Raises:
            ControlError: it has none, refuses, with the reason, or breaks off.
        """
        self._send(request)
        is_ended = False
        while not is_ended:
            line = self._reply()
            is_ended = "end" in line
            yield line

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
        self._received.close()
        self._socket.close()

    def _send(self, request: Mapping[str, Any]) -> None:
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise ControlError(f"the running pokepodsd takes no request: {error}") from error

    def _reply(self) -> Mapping[str, Any]:
        try:
            line = self._received.readline(_LONGEST_REPLY)
            if not line.endswith(b"\n"):
                reason = "too long a line" if line else "the connection ended"
                raise ControlError(f"the running pokepodsd does not answer: {reason}")
            reply = json.loads(line)
        except (OSError, ValueError, RecursionError) as error:
            raise ControlError(f"the running pokepodsd does not answer: {error}") from error
        if not isinstance(reply, dict):
            raise ControlError("the running pokepodsd answers what is no reply")
        if "error" in reply:
            raise ControlError(str(reply["error"]))
        return reply


def _is_listened_at(path: Path) -> bool:
    """Whether a process listens, be it that it does not accept; a socket left behind has none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as asking:
        # EAGAIN: its queue is full (unix(7)).
        return asking.connect_ex(str(path)) in {0, errno.EAGAIN}


def _connect(client: socket.socket, path: str, patience_seconds: float) -> None:
    # With a timeout of Python's, connect does not wait where the daemon's queue is full.
    seconds, rest = divmod(patience_seconds, 1)
    timeval = struct.pack("@ll", int(seconds), int(rest * 1_000_000))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
    try:
        client.connect(path)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NoDaemonError(path, error.strerror or "") from error
    except PermissionError as error:
        raise DeniedError(path, error.strerror or "") from error
    except BlockingIOError as error:
        raise ControlError(f"the pokepodsd at {path} is too busy to be asked: try again") from error
    except OSError as error:
        raise ControlError(f"{path} can be no control socket: {error.strerror or error}") from error
    client.settimeout(patience_seconds)
