"""The vocabulary of the preflight: a finding, and the remedy that belongs to it.

Owns these values and the document that they make together. Knows no check.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from pokepodsd.core.shape import time_text

VERSION = 1


class Level(Enum):
    """How bad it is; a warning leaves the tunnels working."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Place(Enum):
    """Where the command of a remedy is pasted, and what it does there.

    HERE and CLUSTER mend the fault: on this host, or wherever kubectl has an administrator's
    rights. For ELSEWHERE no command of this host mends it; the command shows more of it.
    """

    HERE = "here"
    CLUSTER = "cluster"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A command for a shell, as it is."""

    command: str
    place: Place = Place.HERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found; ``check`` is its name for programs, ``name`` for people."""

    check: str
    name: str
    level: Level
    text: str
    remedy: Remedy | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What a check is called; makes its findings."""

    check: str
    name: str

    def about(self, what: str) -> "Topic":
        """The same check of one thing of several."""
        return Topic(check=self.check, name=f"{self.name} {what}")

    def ok(self, text: str) -> Finding:
        """Nothing is to be done."""
        return self._make(Level.OK, text, None)

    def warning(self, text: str, command: str, place: Place = Place.HERE) -> Finding:
        """The tunnels work, and something is to be done."""
        return self._make(Level.WARNING, text, Remedy(command=command, place=place))

    def failed(self, text: str, command: str, place: Place = Place.HERE) -> Finding:
        """What keeps the tunnels, or the whole program, from working."""
        return self._make(Level.FAILED, text, Remedy(command=command, place=place))

    def skipped(self, because: str, command: str | None = None) -> Finding:
        """It could not be looked at."""
        remedy = None if command is None else Remedy(command=command)
        return self._make(Level.SKIPPED, f"because {because}", remedy)

    def _make(self, level: Level, text: str, remedy: Remedy | None) -> Finding:
        return Finding(check=self.check, name=self.name, level=level, text=text, remedy=remedy)


def document(
    findings: Sequence[Finding], *, program: str, host: str, config: str, at_ns: int
) -> dict[str, Any]:
    """What `pokepodsd check -o json` prints: packaging/schema/check-1.json; ``at_ns`` is unix."""
    at = datetime.fromtimestamp(at_ns / 1e9, tz=UTC)
    counts = Counter(one.level for one in findings)
    return {
        "version": VERSION,
        "program": program,
        "at": time_text(at),
        "host": host,
        "config": config,
        "has_failed": counts[Level.FAILED] > 0,
        "counts": {level.value: counts[level] for level in Level},
        "findings": [
            {
                "check": one.check,
                "name": one.name,
                "level": one.level.value,
                "text": one.text,
                "remedy": one.remedy
                and {"command": one.remedy.command, "place": one.remedy.place.value},
            }
            for one in findings
        ],
    }
