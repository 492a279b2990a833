"""Follows an API server as the reader does, in a thread, and keeps what it learnt.

Owns the thread and the waiting; the client code, from the kubeconfig to the targets, is the real
one. Timings are those of tests: what takes minutes in production takes tenths of a second.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pokepodsd.asker import Asker, Orders
from pokepodsd.core.config import validate
from pokepodsd.core.model import Family
from pokepodsd.core.population import Population
from pokepodsd.core.protocol import Pause, Timings
from pokepodsd.core.records import Lost, Record, Watching
from pokepodsd.errors import CredentialsError

QUICK = Timings(
    page_limit=2,
    watch=20.0,
    silence=1.0,
    answer=1.0,
    connect=1.0,
    first_delay=0.05,
    longest_delay=0.4,
    first_grant_check=1.0,
    longest_grant_check=2.0,
    settled=5.0,
)


class Follower:
    """One follower; a context manager that ends its thread."""

    def __init__(
        self,
        kubeconfig: Path,
        scratch: Path,
        *,
        timings: Timings = QUICK,
        on_record: Callable[[Record], None] = lambda _: None,
        **kubernetes: Any,
    ) -> None:
        """``on_record`` is called in the follower's thread, before it goes on."""
        tables = {"kubernetes": {"kubeconfig": str(kubeconfig), **kubernetes}}
        config = validate(tables, source="the test").kubernetes
        self.records: list[Record] = []
        self.moments: list[float] = []
        self._population = Population(config, frozenset(Family))
        orders = Orders(config=config, timings=timings, scratch=scratch)
        self._asker = Asker(orders, allow=lambda _: None)
        self._changed = threading.Condition()
        self._on_record = on_record
        self._ending = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="follower")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending = True
        while self._thread.is_alive():
            self._asker.interrupt()
            self._thread.join(0.1)

    @property
    def names(self) -> set[str]:
        """The names of the pods that would be poked."""
        with self._changed:
            return {target.name for target in self._population.all()}

    def renew(self) -> None:
        """Notice replaced credentials, as the reader's guard does every few seconds."""
        self._asker.renew_if_changed()

    def count(self, kind: type[Record]) -> int:
        """How many records of this kind came."""
        with self._changed:
            return sum(isinstance(record, kind) for record in self.records)

    def wait_for(self, condition: Callable[[], bool], timeout_seconds: float = 30.0) -> None:
        """Wait until a record makes the condition true."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            while not condition():
                if self._error is not None:
                    raise AssertionError("the follower failed") from self._error
                if not self._changed.wait(deadline - time.monotonic()):
                    tail = "\n  ".join(str(record) for record in self.records[-20:])
                    raise AssertionError(f"not within {timeout_seconds} s:\n  {tail}")

    def wait_names(self, *names: str) -> None:
        """Wait until exactly these pods would be poked, by a complete and open watch."""
        self.wait_for(lambda: self.names == set(names) and not self._population.is_listing)

    def wait_watching(self, times: int = 1) -> None:
        """Wait until a watch was opened so many times."""
        self.wait_for(lambda: self.count(Watching) >= times)

    def _run(self) -> None:
        try:
            while not self._ending:
                self._step()
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
            raise

    def _step(self) -> None:
        if not self._asker.is_connected:
            try:
                self._take(self._asker.connect())
            except CredentialsError as error:
                self._take(Lost(reason=str(error)))
                self._asker.wait(0.05)
            return
        step = self._asker.feed.next_step()
        if isinstance(step, Pause):
            self._asker.wait(step.seconds)
            return
        for record in self._asker.ask(step):
            self._take(record)
            if self._ending:
                return

    def _take(self, record: Record) -> None:
        self._on_record(record)
        with self._changed:
            self.records.append(record)
            self.moments.append(time.monotonic())
            list(self._population.take(record))
            self._changed.notify_all()
