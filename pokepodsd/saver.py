"""Keeps the file of last known targets up to date.

Owns when it is written: some seconds after the targets changed, a part in each turn of the loop,
and at the stop.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import SECOND_NS, MonotonicNs, Target
from pokepodsd.edge import statefile
from pokepodsd.errors import StateFileError

# A file that is at most so old, for a write every so often at the most.
EVERY_NS: Final = 10 * SECOND_NS


class Saver:
    """Reads the targets once, and writes them whenever they changed."""

    def __init__(self, directory: Path, targets: Callable[[], Iterable[Target]]) -> None:
        self._directory = directory
        self._targets = targets
        self._writer: statefile.Writer | None = None
        self._saved_revision = 0
        self._writing_revision = 0
        self._next = MonotonicNs(0)
        self._has_failed = False
        self.entries: list[Entry] = []

    def read(self) -> list[Target]:
        """The last known targets; a file that cannot be used is set aside with one entry."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            return statefile.read(self._directory)
        except StateFileError as error:
            self._warn(EventKind.STATE_SET_ASIDE, f"the last known targets are lost: {error}")
        except OSError as error:
            self._fail(error)
        return []

    def tick(self, revision: int, now: MonotonicNs) -> None:
        """Write a part, or begin a new save if the targets changed."""
        try:
            if self._writer is not None:
                if self._writer.step():
                    self._writer = None
                    self._saved_revision = self._writing_revision
                    self._has_failed = False
            elif revision != self._saved_revision and now >= self._next:
                self._next = MonotonicNs(now + EVERY_NS)
                self._writing_revision = revision
                self._writer = statefile.Writer(self._directory, self._targets())
        except OSError as error:
            self._writer = None
            self._fail(error)

    def next_due(self, revision: int) -> MonotonicNs | None:
        """When `tick` has something to do."""
        if self._writer is not None:
            return MonotonicNs(0)
        return self._next if revision != self._saved_revision else None

    def finish(self, revision: int) -> None:
        """Save what is not saved yet; the last act before the stop."""
        try:
            if self._writer is not None:
                self._writer.finish()
                self._saved_revision = self._writing_revision
            if revision != self._saved_revision:
                statefile.Writer(self._directory, self._targets()).finish()
        except OSError as error:
            self._fail(error)

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
