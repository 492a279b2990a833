"""Owns a growing list that one thread fills and others wait on. Refuses to poll."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tests.lab.errors import LabError, LabTimeoutError

Item = TypeVar("Item")

TAIL = 20


class Mailbox(Generic[Item]):
    """Keeps all that arrived, in order, and wakes whoever waits for it."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._items: list[Item] = []
        self._changed = threading.Condition()
        self._error: Exception | None = None
        self._closed = False

    def put(self, item: Item) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def fail(self, error: Exception) -> None:
        """Make every later read raise, because what is kept may not be all that came."""
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def close(self) -> None:
        """Promise that nothing more arrives: who waits in vain is told at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def snapshot(self) -> list[Item]:
        with self._changed:
            self._raise_failure()
            return list(self._items)

    def wait_for(self, predicate: Callable[[Item], bool], timeout_seconds: float) -> Item:
        """Return the first item, already here or still to come, that the predicate accepts."""
        deadline = time.monotonic() + timeout_seconds
        seen = 0
        with self._changed:
            while True:
                self._raise_failure()
                for item in self._items[seen:]:
                    if predicate(item):
                        return item
                seen = len(self._items)
                self._wait_for_change(deadline, timeout_seconds)

    def _wait_for_change(self, deadline: float, timeout_seconds: float) -> None:
        if self._closed:
            raise LabError(f"{self._what}: ended without what was waited for; {self._tail()}")
        if not self._changed.wait(deadline - time.monotonic()):
            raise LabTimeoutError(f"{self._what}: not within {timeout_seconds} s; {self._tail()}")

    def _raise_failure(self) -> None:
        if self._error is not None:
            raise LabError(f"{self._what}: {self._error}") from self._error

    def _tail(self) -> str:
        last = "".join(f"\n  {item}" for item in self._items[-TAIL:])
        return f"{len(self._items)} arrived, the last of them:{last or ' none'}"
