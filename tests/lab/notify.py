"""Owns the receiving side of sd_notify(3). Judges no message."""

import re
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.listener import Listener

LARGEST_MESSAGE = 65_536
CREDENTIALS = struct.Struct("=3i")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One datagram: when it was read by the monotonic clock, who sent it, what it says."""

    at_ns: int
    pid: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


class NotifySocket(Listener[Notification]):
    """What a service finds at NOTIFY_SOCKET; `path` is its value."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "notify socket")

    def _prepare(self) -> None:
        self._endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    @property
    def messages(self) -> list[Notification]:
        return self._snapshot()

    def beats(self) -> list[int]:
        """Return when each WATCHDOG=1 came, by the monotonic clock."""
        return [message.at_ns for message in self.messages if "WATCHDOG=1" in message.lines]

    def values(self, name: str) -> list[str]:
        """Return every value that came for the name, such as STATUS, in order."""
        lines = [line for message in self.messages for line in message.lines]
        return [line.removeprefix(f"{name}=") for line in lines if line.startswith(f"{name}=")]

    def wait_for(
        self, line: str, timeout_seconds: float = 5.0, *, since_ns: int = 0
    ) -> Notification:
        """Return the first message, past or to come, that holds the line, such as READY=1."""
        return self._mailbox.wait_for(
            lambda message: message.at_ns >= since_ns and line in message.lines, timeout_seconds
        )

    def wait_for_status(
        self, pattern: str, timeout_seconds: float = 5.0, *, since_ns: int = 0
    ) -> Notification:
        """Return the first message whose STATUS= holds the pattern."""
        wanted = re.compile(f"^STATUS=.*{pattern}", re.MULTILINE)
        return self._mailbox.wait_for(
            lambda message: message.at_ns >= since_ns and bool(wanted.search(message.text)),
            timeout_seconds,
        )

    def _receive_one(self) -> None:
        # Descriptors that come along (BARRIER=1, FDSTORE=1) find no room, so the kernel closes
        # them: this is what a barrier waits for.
        room = socket.CMSG_LEN(CREDENTIALS.size)
        data, ancillary, _, _ = self._endpoint.recvmsg(LARGEST_MESSAGE, room)
        pid, _, _ = CREDENTIALS.unpack(ancillary[0][2])
        self._mailbox.put(Notification(at_ns=time.monotonic_ns(), pid=pid, text=data.decode()))
