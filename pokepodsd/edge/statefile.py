"""The last known targets, written atomically, read at start.

Owns ``targets.json`` in the state directory: a line of JSON that says what the file is, and a line
for each target. It is a cache: it is replaced by rename, so that a reader finds the old one or the
new one whole, and it is not flushed to the disk, since waiting for a disk would stop the pokes.
Written a part at a time, for the same reason. A link is never followed, and what another user
wrote is never taken for what was saved.
"""

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterable, Iterator, Set
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from sys import intern
from typing import IO, Any

from pokepodsd.core.addresses import parsed
from pokepodsd.core.model import NodeName, Target, TargetId, Uid
from pokepodsd.errors import StateFileError

NAME = "targets.json"
_FORMAT = "pokepodsd targets"
_VERSION = 2
# Twice the 150,000 pods that Kubernetes itself is tested for, at most 400 bytes each.
MOST_TARGETS = 300_000
LONGEST_FILE = 120 * 1024 * 1024
_PART = 300
# Seven texts of `core.objects.LONGEST_TEXT` bytes, each of which is escaped with six.
_LONGEST_ROW = 16 * 1024
_HEADER = 80
_UNUSABLE = (OSError, ValueError, KeyError, TypeError, StateFileError, RecursionError)


class Reader:
    """The last save, read a part at a time.

    Raises, from everything:
        StateFileError: the file is damaged or foreign; it has been set aside, so that it is not
            read again and can be looked at.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._file: IO[str] | None = None
        self._targets: Iterator[Target] = iter(())
        self.total = 0
        """How many targets there are, by its own word."""
        with self._setting_aside(), contextlib.suppress(FileNotFoundError):
            self._file = _open(self._path, {0, os.geteuid()})
            self.total = _read_header(self._file)
            # A line without an end is not read to it.
            rows = iter(partial(self._file.readline, _LONGEST_ROW + 1), "")
            self._targets = _read_targets(rows, self.total)

    @property
    def is_done(self) -> bool:
        """Whether all was read."""
        return self._file is None

    def read(self, most: int) -> list[Target]:
        """The next targets."""
        with self._setting_aside():
            part = list(islice(self._targets, most))
        if len(part) < most:
            self.close()
        return part

    def close(self) -> None:
        """Read no more."""
        self._targets = iter(())
        if self._file is not None:
            self._file.close()
            self._file = None

    @contextlib.contextmanager
    def _setting_aside(self) -> Iterator[None]:
        try:
            yield
        except _UNUSABLE as error:
            self.close()
            raise StateFileError(_set_aside(self._path, error)) from error


def read(directory: Path) -> list[Target]:
    """The targets that were last saved; none if none ever were.

    Raises:
        StateFileError: as `Reader`.
    """
    return Reader(directory).read(MOST_TARGETS + 1)


def peek(directory: Path) -> list[Target]:
    """The targets that were last saved, for whoever is not their owner: the file stays as it is.

    Raises:
        StateFileError: the file is damaged or foreign, or may not be read.
    """
    path = directory / NAME
    try:
        with _open(path, {0, os.geteuid(), directory.stat().st_uid}) as file:
            return list(_read_targets(file, _read_header(file)))
    except FileNotFoundError:
        return []
    except _UNUSABLE as error:
        raise StateFileError(f"{path} cannot be used ({error})") from error


class Writer:
    """One save under way."""

    def __init__(
        self, directory: Path, targets: Iterable[Target], *, longest: int = LONGEST_FILE
    ) -> None:
        """``longest`` is how many bytes the file may have: what comes after them is left out."""
        kept = list(islice(targets, MOST_TARGETS))
        self._path = directory / NAME
        self.total = len(kept)
        """How many targets it saves; fewer in the end, where one file does not hold them all."""
        self._rows = iter(kept)
        self._written = 0
        self._partial = directory / f"{NAME}.new"
        self._partial.unlink(missing_ok=True)
        # Made anew (O_EXCL), which follows no link.
        self._file: IO[str] = self._partial.open("x", encoding="utf-8")
        header = _header(self.total)
        self._left = longest - len(header)
        self._file.write(header)

    def step(self) -> bool:
        """Write a part; whether the save is complete.

        Raises:
            OSError: it cannot be written; the save before stays in force.
        """
        part = list(islice(self._rows, _PART))
        try:
            self._file.writelines(takewhile(self._has_room, map(_line, part)))
            if part and self._left >= 0:
                return False
            if self._written < self.total:
                self.total = self._written
                self._file.seek(0)
                self._file.write(_header(self.total))
            self._file.close()
            self._partial.replace(self._path)
        except OSError:
            # Closing writes what is buffered, which fails again.
            with contextlib.suppress(OSError):
                self._file.close()
            self._partial.unlink(missing_ok=True)
            raise
        return True

    def _has_room(self, line: str) -> bool:
        # JSON is ASCII: each character is a byte.
        self._left -= len(line)
        self._written += self._left >= 0
        return self._left >= 0

    def finish(self) -> None:
        """Write all that is left.

        Raises:
            OSError: as `step`.
        """
        while not self.step():
            pass


def _open(path: Path, owners: Set[int]) -> IO[str]:
    """The file to read, if it can be a save of one of these users."""
    try:
        # A pipe that nobody writes to would be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise StateFileError("it is a symbolic link") from error
        raise
    try:
        _check(os.fstat(handle), owners)
        return open(handle, encoding="utf-8")
    except (OSError, StateFileError):
        os.close(handle)
        raise


def _check(found: os.stat_result, owners: Set[int]) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise StateFileError("it is no regular file")
    if found.st_uid not in owners:
        raise StateFileError(f"it belongs to the user {found.st_uid}")
    if found.st_size > LONGEST_FILE:
        raise StateFileError("it is larger than any that pokepodsd writes")


def _header(total: int) -> str:
    """As long for every number of targets."""
    header = {"format": _FORMAT, "version": _VERSION, "targets": total}
    return f"{json.dumps(header):<{_HEADER}}\n"


def _line(target: Target) -> str:
    return json.dumps(_row(target)) + "\n"


def _row(target: Target) -> list[Any]:
    return [
        target.uid,
        target.namespace,
        target.name,
        target.node,
        target.address,
        target.created,
        target.host,
    ]


def _read_header(file: IO[str]) -> int:
    """How many targets follow."""
    header = json.loads(file.readline(_LONGEST_ROW) or "null")
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise StateFileError("it was not written by pokepodsd")
    if header.get("version") != _VERSION:
        raise StateFileError(f"its version is {header.get('version')}, not {_VERSION}")
    total = header["targets"]
    if not isinstance(total, int) or not 0 <= total <= MOST_TARGETS:
        raise StateFileError("it holds too many targets")
    return total


def _read_targets(rows: Iterable[str], total: int) -> Iterator[Target]:
    count = 0
    for count, row in enumerate(rows, start=1):
        if count > total:
            raise StateFileError(f"it holds more than the {total} targets that it speaks of")
        if len(row) > _LONGEST_ROW:
            raise StateFileError("a target is longer than any that pokepodsd writes")
        yield _target(json.loads(row), has_escapes="\\u" in row)
    if count != total:
        raise StateFileError(f"it is cut off: {count} of {total} targets")


def _target(row: list[Any], *, has_escapes: bool) -> Target:
    uid, namespace, name, node, address, created, host = row
    # An "if" for each: of 150,000 targets a loop would take as long as all the rest.
    if not (
        type(uid) is type(namespace) is type(name) is type(address) is str
        and type(created) is type(host) is str
        and (node is None or type(node) is str)
    ):
        raise StateFileError("a target has a field that is not text")
    if has_escapes:
        # Half a pair is JSON, and no text: a ValueError.
        "".join(text or "" for text in row).encode()
    canonical, family = parsed(address)
    return Target(
        id=TargetId(f"{uid}/{canonical}"),
        uid=Uid(uid),
        # One text for all that have the same.
        namespace=intern(namespace),
        name=name,
        node=None if node is None else NodeName(intern(node)),
        address=canonical,
        family=family,
        created=created,
        host=intern(host),
    )


def _set_aside(path: Path, error: Exception) -> str:
    aside = path.with_suffix(".damaged")
    try:
        path.replace(aside)
    except OSError as second:
        return f"{path} cannot be used ({error}) and not be set aside ({second.strerror})"
    return f"{path} cannot be used ({error}); it was set aside as {aside.name}"
