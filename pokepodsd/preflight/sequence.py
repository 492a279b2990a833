"""Runs checks one after the other, and leaves out what cannot be looked at.

Owns what becomes of a check that raises (a failed finding, with no text of the exception, which may
hold a secret) and of one that depends on another which failed.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator

from pokepodsd.preflight.finding import Finding, Level, Place, Topic

Check = Callable[[], Iterable[Finding]]


class Sequence:
    """What has failed so far, by the check's name for programs."""

    def __init__(self) -> None:
        self._broken: dict[str, str] = {}

    def step(self, topic: Topic, check: Check, *, needs: tuple[str, ...] = ()) -> Iterator[Finding]:
        """Run a check, unless one of those that it needs has failed or was left out."""
        for need in needs:
            if need in self._broken:
                self._broken[topic.check] = self._broken[need]
                yield topic.skipped(self._broken[need])
                return
        for finding in _guarded(topic, check):
            if finding.level is Level.FAILED:
                self._broken.setdefault(finding.check, f"{finding.name} failed")
            elif finding.level is Level.SKIPPED:
                self._broken.setdefault(finding.check, f"{finding.name} was not looked at")
            yield finding


def _guarded(topic: Topic, check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 -- whatever it is, the other checks go on
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        yield topic.failed(
            f"this check itself failed ({type(error).__name__} at {where}), which is a fault of "
            "pokepodsd: report it, with what this prints",
            "pokepodsd --version; uname -sr",
            Place.ELSEWHERE,
        )
