"""The last known targets, written atomically, read at start.

Owns ``targets.json`` in the state directory: a line of JSON that says what the file is, and a line
for each target. It is a cache: it is replaced by rename, so that a reader finds the old one or the
new one whole, and it is not flushed to the disk, since waiting for a disk would stop the pokes.
Written a part at a time, for the same reason.
"""

import contextlib
import ipaddress
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from pokepodsd.core.model import Family, NodeName, Target, TargetId, Uid
from pokepodsd.errors import StateFileError

NAME = "targets.json"
_FORMAT = "pokepodsd targets"
_VERSION = 2
# Twice the 150,000 pods that Kubernetes itself is tested for, at most 400 bytes each.
MOST_TARGETS = 300_000
_LONGEST_FILE = 120 * 1024 * 1024
_PART = 250
_UNUSABLE = (OSError, ValueError, KeyError, TypeError, StateFileError, RecursionError)


def read(directory: Path) -> list[Target]:
    """The targets that were last saved; none if none ever were.

    Raises:
        StateFileError: the file is damaged or foreign; it has been set aside, so that it is not
            read again and can be looked at.
    """
    path = directory / NAME
    try:
        return _load(path)
    except _UNUSABLE as error:
        raise StateFileError(_set_aside(path, error)) from error


def peek(directory: Path) -> list[Target]:
    """The targets that were last saved, for whoever is not their owner: the file stays as it is.

    Raises:
        StateFileError: the file is damaged or foreign, or may not be read.
    """
    path = directory / NAME
    try:
        return _load(path)
    except _UNUSABLE as error:
        raise StateFileError(f"{path} cannot be used ({error})") from error


def _load(path: Path) -> list[Target]:
    try:
        _check_size(path)
        with path.open(encoding="utf-8") as file:
            return list(_parse(file))
    except FileNotFoundError:
        return []


class Writer:
    """One save under way."""

    def __init__(self, directory: Path, targets: Iterable[Target]) -> None:
        kept = list(islice(targets, MOST_TARGETS))
        self._path = directory / NAME
        self._rows = iter(kept)
        self._partial = directory / f"{NAME}.new"
        self._file: IO[str] = self._partial.open("w", encoding="utf-8")
        header = {"format": _FORMAT, "version": _VERSION, "targets": len(kept)}
        self._file.write(json.dumps(header) + "\n")

    def step(self) -> bool:
        """Write a part; whether the save is complete.

        Raises:
            OSError: it cannot be written; the save before stays in force.
        """
        part = list(islice(self._rows, _PART))
        try:
            self._file.writelines(json.dumps(_row(target)) + "\n" for target in part)
            if part:
                return False
            self._file.close()
            self._partial.replace(self._path)
        except OSError:
            # Closing writes what is buffered, which fails again.
            with contextlib.suppress(OSError):
                self._file.close()
            self._partial.unlink(missing_ok=True)
            raise
        return True

    def finish(self) -> None:
        """Write all that is left.

        Raises:
            OSError: as `step`.
        """
        while not self.step():
            pass


def _check_size(path: Path) -> None:
    if path.stat().st_size > _LONGEST_FILE:
        raise StateFileError("it is larger than any that pokepodsd writes")


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


def _parse(lines: Iterable[str]) -> Iterator[Target]:
    rows = iter(lines)
    header = json.loads(next(rows, "null"))
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise StateFileError("it was not written by pokepodsd")
    if header.get("version") != _VERSION:
        raise StateFileError(f"its version is {header.get('version')}, not {_VERSION}")
    count = 0
    for count, row in enumerate(rows, start=1):
        if count > MOST_TARGETS:
            raise StateFileError("it holds too many targets")
        yield _target(json.loads(row))
    if count != header["targets"]:
        raise StateFileError(f"it is cut off: {count} of {header['targets']} targets")


def _target(row: list[Any]) -> Target:
    uid, namespace, name, node, address, created, host = row
    texts = (uid, namespace, name, address, created, host, "" if node is None else node)
    if not all(isinstance(text, str) for text in texts):
        raise StateFileError("a target has a field that is not text")
    parsed = ipaddress.ip_address(address)
    return Target(
        id=TargetId(f"{uid}/{parsed}"),
        uid=Uid(uid),
        namespace=namespace,
        name=name,
        node=NodeName(node) if node is not None else None,
        address=str(parsed),
        family=Family(parsed.version),
        created=created,
        host=host,
    )


def _set_aside(path: Path, error: Exception) -> str:
    aside = path.with_suffix(".damaged")
    try:
        path.replace(aside)
    except OSError as second:
        return f"{path} cannot be used ({error}) and not be set aside ({second.strerror})"
    return f"{path} cannot be used ({error}); it was set aside as {aside.name}"
