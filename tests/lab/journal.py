"""Owns the receiving side of journald's native protocol, and is as strict as journald or more.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/. Refuses what journald drops silently (bad field names,
trusted fields, files that are not sealed) and, because an entry is a plain dict here, fields that
come twice in one entry.
"""

import fcntl
import os
import re
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.listener import Listener

LARGEST_DATAGRAM = 2**20
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE

# A leading underscore marks a trusted field, which only journald itself may set.
FIELD_NAME = re.compile(rb"[A-Z][A-Z0-9_]{0,63}")

Entry = dict[str, str]


class JournalSocket(Listener[Entry]):
    """What a service finds at /run/systemd/journal/socket, at another path."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "journal socket")

    @property
    def entries(self) -> list[Entry]:
        return self._snapshot()

    def wait_for(self, predicate: Callable[[Entry], bool], timeout_seconds: float = 5.0) -> Entry:
        """Return the first entry, past or to come, that the predicate accepts."""
        return self._mailbox.wait_for(predicate, timeout_seconds)

    def _receive_one(self) -> None:
        data, descriptors, flags, _ = socket.recv_fds(self._endpoint, LARGEST_DATAGRAM, 1)
        try:
            if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
                raise LabError(f"a datagram did not fit: flags {flags:#x}")
            texts = [_read_file(descriptor) for descriptor in descriptors] or [data]
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        for text in texts:
            for entry in parse_entries(text):
                self._mailbox.put(entry)


def parse_entries(data: bytes) -> list[Entry]:
    """Return the entries of one datagram; an empty line parts one entry from the next."""
    entries: list[Entry] = [{}]
    while data:
        line, newline, rest = data.partition(b"\n")
        if not newline:
            raise LabError(f"a line without its end: {line[:80]!r}")
        if not line:
            entries.append({})
            data = rest
            continue
        name, value, data = _field(line, rest)
        if name in entries[-1]:
            raise LabError(f"{name} came twice in one entry")
        entries[-1][name] = value
    return [entry for entry in entries if entry]


def _field(line: bytes, rest: bytes) -> tuple[str, str, bytes]:
    """Return the name, the value and what follows, of either form of a field."""
    name, equals, value = line.partition(b"=")
    if FIELD_NAME.fullmatch(name) is None:
        raise LabError(f"not a field name that a service may set: {name[:80]!r}")
    if not equals:
        value, rest = _sized_value(rest)
    return name.decode(), value.decode(errors="surrogateescape"), rest


def _sized_value(rest: bytes) -> tuple[bytes, bytes]:
    if len(rest) < 8:
        raise LabError("a sized field without its size")
    (size,) = struct.unpack_from("<Q", rest)
    end = 8 + size
    if rest[end : end + 1] != b"\n":
        raise LabError(f"a sized field of {size} bytes does not end with a newline")
    return rest[8:end], rest[end + 1 :]


def _read_file(descriptor: int) -> bytes:
    if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & SEALS != SEALS:
        raise LabError("journald takes only a memory file that is sealed")
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
