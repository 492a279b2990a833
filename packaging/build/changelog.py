"""CHANGELOG.md: the one place for the version, the date and the notes of a release.

Owns its format: a heading `## VERSION (YYYY-MM-DD)` for each release, the newest first.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from errors import BuildError

_HEADING = re.compile(r"## (?P<version>\d+\.\d+\.\d+) \((?P<date>\d{4}-\d{2}-\d{2})\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release: its version, the day it is dated (midnight, UTC), and its notes."""

    version: str
    date: datetime
    notes: tuple[str, ...]


def read_releases(path: Path) -> list[Release]:
    """All releases, the newest first.

    Raises:
        BuildError: the file has no release, or a heading of another form.
    """
    releases = []
    for part in re.split(r"^(?=## )", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        found = _HEADING.fullmatch(heading.strip())
        if found is None:
            raise BuildError(f"{path}: {heading!r} is not of the form ## 1.2.3 (2026-01-31)")
        date = datetime.strptime(found["date"], "%Y-%m-%d").replace(tzinfo=UTC)
        releases.append(Release(version=found["version"], date=date, notes=_notes(body)))
    if not releases:
        raise BuildError(f"{path}: no release")
    return releases


def _notes(body: str) -> tuple[str, ...]:
    """The items of its lists, each on one line."""
    items = re.findall(r"^- (.+(?:\n  .+)*)", body, flags=re.MULTILINE)
    return tuple(" ".join(item.split()) for item in items)
