"""The journal's native protocol, and plain text on a terminal: `logging` handlers for both.

Owns how an entry is written. `logging_journald` carries the protocol; the fields, the MESSAGE_IDs
and the escaping are ours. Never waits: what the journal does not take at once is kept for the next
`flush`, up to a bound; what is beyond that is counted, and the count is written after the rest.
"""

import logging
import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from logging_journald import JournaldTransport

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.escaping import escape

__all__ = ["JournalHandler", "escape", "flush", "install", "set_level", "write"]

# A journal's queue holds 10 entries where nobody raised net.unix.max_dgram_qlen, and it takes some
# seconds to start again. What a burst tells is far less than this.
_MOST_WAITING = 1_000

_LOG = logging.getLogger("pokepodsd")
_LEVELS = {
    Level.ERROR: logging.ERROR,
    Level.WARNING: logging.WARNING,
    Level.NOTICE: logging.INFO + 5,
    Level.INFO: logging.INFO,
    Level.DEBUG: logging.DEBUG,
}
Fields = list[tuple[str, Any]]
_PRIORITIES = {number: level.value for level, number in _LEVELS.items()}
_NAMES = {number: level.name.lower() for level, number in _LEVELS.items()}


def write(entry: Entry) -> None:
    """Write one journal entry."""
    _LOG.log(_LEVELS[entry.level], "%s", entry.text, extra={"entry": entry})


def flush() -> None:
    """Write what the journal did not take before, as far as it takes it now."""
    for handler in logging.getLogger().handlers:
        handler.flush()


def set_level(name: str) -> None:
    """Set the least severe level that is written, by the name in ``log.level``."""
    _LOG.setLevel(_LEVELS[Level[name.upper()]])


def install(environment: Mapping[str, str]) -> None:
    """Send the log to the journal if stderr leads there (systemd.exec(5), JOURNAL_STREAM)."""
    handler = JournalHandler() if _is_journal(environment) else _plain_handler()
    root = logging.getLogger()
    root.handlers[:] = [handler]


class JournalHandler(logging.Handler):
    """Writes records to journald's native socket."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        # Not connected: journald that restarts leaves a connected socket dead, and the package's
        # own reconnection, where it fails, leaves a closed one.
        self._transport = JournaldTransport(path, connected=False)
        self._transport.socket.setblocking(False)
        self._waiting: deque[Fields] = deque()
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, after those that wait."""
        self.flush()
        if self._lost or len(self._waiting) == _MOST_WAITING:
            self._lost += 1
            return
        self._waiting.append([*_fields(record)])
        self.flush()

    def flush(self) -> None:
        """Write what waits, as far as the journal takes it."""
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()
        if self._lost and not self._waiting and self._send([*_lost_fields(self._lost)]):
            self._lost = 0

    def _send(self, fields: Fields) -> bool:
        try:
            self._transport.send(iter(fields))
        except OSError:
            # The journal's queue is full, or the journal restarts. Waiting would stop the pokes.
            return False
        return True


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
    yield "MESSAGE", escape(record.getMessage())
    yield "PRIORITY", _PRIORITIES.get(record.levelno, Level.INFO.value)
    yield "SYSLOG_IDENTIFIER", "pokepodsd"
    entry = getattr(record, "entry", None)
    if isinstance(entry, Entry):
        yield "MESSAGE_ID", entry.kind.value
        for name, value in entry.fields.items():
            yield f"POKEPODSD_{name}", escape(value)


def _lost_fields(count: int) -> Iterator[tuple[str, Any]]:
    yield "MESSAGE", f"{count} entries were lost: the journal did not take them"
    yield "PRIORITY", Level.WARNING.value
    yield "SYSLOG_IDENTIFIER", "pokepodsd"
    yield "MESSAGE_ID", EventKind.ENTRIES_LOST.value


class _PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        level = _NAMES.get(record.levelno, record.levelname.lower())
        time = self.formatTime(record, "%H:%M:%S")
        return f"{time}.{int(record.msecs):03d} {level}: {escape(record.getMessage())}"


def _plain_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_PlainFormatter())
    return handler


def _is_journal(environment: Mapping[str, str]) -> bool:
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    status = os.fstat(sys.stderr.fileno())
    return (device, inode) == (str(status.st_dev), str(status.st_ino))
