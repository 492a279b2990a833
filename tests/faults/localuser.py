"""A user of the node at the control socket: `python -m tests.faults.localuser DEED`.

Owns what such a user tries, in its own process and with its own rights; the socket is in the
folder that it is started in. Each deed goes on until the input ends, and then says what came of it.
"""

import contextlib
import json
import os
import resource
import select
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

_SOCKET: Final = "control.sock"
_MANY: Final = 1_000
_HUGE_BYTES: Final = 100 * 2**20
_PART: Final = 2**16
_PATIENCE_SECONDS: Final = 20.0
_ALL: Final = b'{"status":{"peers":"all","targets":"all"}}\n'


def _is_over() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _connect() -> socket.socket | None:
    """A connection; None where none is to be had now."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.setblocking(False)
    try:
        client.connect(_SOCKET)
    except OSError:
        client.close()
        return None
    return client


def _is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def ask() -> object:
    """What a plain connection gives: the name of the errno, or nothing."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.connect(_SOCKET)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return None


def hold() -> object:
    """The daemon's answer to a user who would have its pokes held."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(_PATIENCE_SECONDS)
    client.connect(_SOCKET)
    client.sendall(b'{"hold":"node-b","seconds":60}\n')
    return json.loads(client.makefile().readline())


def crowd() -> object:
    """How often it was let in, of a thousand connections at a time."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MANY + 50,) * 2)
    there: list[socket.socket] = []
    count = 0
    while not _is_over():
        while len(there) < _MANY and (client := _connect()) is not None:
            there.append(client)
            count += 1
        for one in [one for one in there if _is_closed(one)]:
            there.remove(one)
            one.close()
    return count


def mute() -> object:
    """How often it asked for all there is; it reads nothing of it."""
    return sum(1 for _ in _conversations(lambda client: client.send(_ALL)))


def drip() -> object:
    """How often the daemon ended a connection that sent a byte a second of an endless request."""
    ended = 0
    client = _connect()
    while not _is_over():
        try:
            if client is not None:
                client.send(b"{")
        except OSError:
            ended += 1
            client = _connect()
        select.select([sys.stdin], [], [], 1.0)
    return ended


def huge() -> object:
    """How much of a request of 100 MB was taken at most."""
    return _pour(b"x" * _PART)


def flood() -> object:
    """How many bytes of requests were taken at most, of one after the other without an end."""
    return _pour(b'{"metrics":1}\n' * 1_000)


def _pour(part: bytes) -> int:
    """How many bytes of this, over and over, a connection took at most before it was ended."""
    most = 0
    for client in _conversations(lambda _: None):
        sent = 0
        with contextlib.suppress(OSError):
            client.settimeout(1.0)
            while sent < _HUGE_BYTES:
                sent += client.send(part)
        most = max(most, sent)
    return most


def _conversations(begin: Callable[[socket.socket], object]) -> Iterator[socket.socket]:
    """One connection after the other, each until the daemon ends it."""
    while not _is_over():
        client = _connect()
        if client is None:
            time.sleep(0.01)
            continue
        with client, contextlib.suppress(OSError):
            begin(client)
            yield client
            while not _is_over() and not _is_closed(client):
                select.select([sys.stdin], [], [], 0.2)


def main() -> None:
    """Do it until the input ends."""
    deeds: dict[str, Callable[[], object]] = {
        one.__name__: one for one in (ask, hold, crowd, mute, drip, huge, flood)
    }
    print(json.dumps(deeds[sys.argv[1]]()))


if __name__ == "__main__":
    main()
