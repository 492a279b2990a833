"""Keeps the file of last known targets up to date.

Owns when it is read: a part in each turn of the loop, so that no poke waits for 150,000 pods. And
when it is written: some seconds after the targets changed, a part in each turn as well, and at the
stop; never while it is read, or while a list comes in: what is known then is less than what was
saved. Of two daemons with one folder, the first writes; the other takes over when that has ended.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import SECOND_NS, MonotonicNs, Target
from pokepodsd.edge import statefile
from pokepodsd.edge.claim import Claim
from pokepodsd.errors import StateFileError

# A file that is at most so old, for a write every so often at the most.
EVERY_NS: Final = 10 * SECOND_NS
# Of more than these, it is the later: a write takes 4 us a target, and 0.4 % of the time at most.
_OFTEN: Final = 10_000
# So many targets are read in a turn, 6 ms; and before the first, for a start with all of them where
# they are few.
PART: Final = 200
FIRST_PART: Final = 2_000


class Saver:
    """Reads the targets once, and writes them when they changed."""

    def __init__(self, directory: Path, targets: Callable[[], Iterable[Target]]) -> None:
        self._directory = directory
        self._targets = targets
        self._claim = Claim(directory)
        self._reader: statefile.Reader | None = None
        self._writer: statefile.Writer | None = None
        self._saved_revision = 0
        self._writing_revision = 0
        self._next = MonotonicNs(0)
        self._has_failed = False
        self.entries: list[Entry] = []

    def open(self) -> int:
        """Begin to read the last known targets; how many there are.

        A file that cannot be used is set aside with one entry.
        """
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            reader = statefile.Reader(self._directory)
        except StateFileError as error:
            self._lose("the last known targets are lost", error)
        except OSError as error:
            self._fail(error)
        else:
            self._reader = None if reader.is_done else reader
            self._claim_early()
            return reader.total
        return 0

    def read(self, most: int = PART) -> list[Target]:
        """The next of the last known targets, until there are none."""
        part = []
        try:
            if self._reader is not None:
                part = self._reader.read(most)
                if self._reader.is_done:
                    self._reader = None
        except StateFileError as error:
            self._reader = None
            self._lose("some of the last known targets are lost", error)
        return part

    def tick(self, revision: int, now: MonotonicNs, *, is_listing: bool) -> None:
        """Write a part, or begin a new save if the targets changed."""
        if self._reader is not None or is_listing:
            return
        try:
            if self._writer is not None:
                if self._writer.step():
                    self._writer = None
                    self._saved_revision = self._writing_revision
                    self._has_failed = False
            elif revision != self._saved_revision and now >= self._next:
                self._writing_revision = revision
                self._writer = self._begin()
                every_ns = EVERY_NS * max(self._writer.total, _OFTEN) // _OFTEN
                self._next = MonotonicNs(now + every_ns)
        except OSError as error:
            self._writer = None
            self._next = MonotonicNs(now + EVERY_NS)
            self._fail(error)

    def next_due(self, revision: int, *, is_listing: bool) -> MonotonicNs | None:
        """When `read` or `tick` has something to do."""
        if self._reader is not None:
            return MonotonicNs(0)
        if is_listing:
            return None
        if self._writer is not None:
            return MonotonicNs(0)
        return self._next if revision != self._saved_revision else None

    def finish(self, revision: int) -> None:
        """Save what is not saved yet; the last act before the stop."""
        if self._reader is not None:
            return
        try:
            if self._writer is not None:
                self._writer.finish()
                self._saved_revision = self._writing_revision
            if revision != self._saved_revision:
                self._begin().finish()
        except OSError as error:
            self._fail(error)
        finally:
            self._claim.drop()

    def _begin(self) -> statefile.Writer:
        self._claim.take()
        return statefile.Writer(self._directory, self._targets())

    def _claim_early(self) -> None:
        """Have the folder from the start, so that it is the second daemon that cannot."""
        try:
            self._claim.take()
        except OSError as error:
            self._fail(error)

    def _lose(self, what: str, error: StateFileError) -> None:
        self._warn(EventKind.STATE_SET_ASIDE, f"{what}: {error}")

    def _fail(self, error: OSError) -> None:
        if not self._has_failed:
            self._has_failed = True
            self._warn(
                EventKind.STATE_NOT_SAVED,
                f"the targets cannot be kept in {self._directory}: {error.strerror}. After a "
                "restart they are not known until the API server answers; see state.directory",
            )

    def _warn(self, kind: EventKind, text: str) -> None:
        self.entries.append(Entry(kind=kind, level=Level.WARNING, text=text))


def state_directory(setting: str) -> Path:
    """The folder for the state file: the setting, or "auto" (systemd.exec(5), StateDirectory=)."""
    if setting != "auto":
        return Path(setting)
    return Path(os.environ.get("STATE_DIRECTORY", "/var/lib/pokepodsd").partition(":")[0])
