"""Owns the receiving end of a unix datagram socket. Refuses to know what its datagrams mean."""

import os
import socket
from pathlib import Path
from typing import Generic, Self, TypeVar

from tests.lab.mailbox import Mailbox
from tests.lab.reader import SocketReader

Item = TypeVar("Item")


class Listener(Generic[Item]):
    """Reads in a thread and keeps all that came; a subclass says in `_receive_one` what that is."""

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._mailbox: Mailbox[Item] = Mailbox(f"{what} {path}")
        self._endpoint = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._prepare()
        self._endpoint.bind(os.fspath(path))
        self._reader = SocketReader(self._endpoint, self._receive_one, self._mailbox.fail)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and remove the socket. What came can still be read."""
        self._reader.close()
        self._mailbox.close()
        self.path.unlink(missing_ok=True)

    def _snapshot(self) -> list[Item]:
        self._reader.drain()
        return self._mailbox.snapshot()

    def _prepare(self) -> None:
        """Set what is to be set before anybody can send."""

    def _receive_one(self) -> None:
        raise NotImplementedError
