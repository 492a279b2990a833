"""Owns the run of the tests against mutant after mutant: a plug-in that replaces pytest's loop.

The tests are collected once; each mutant has a process of its own, forked from there, and there the
tests that enter its function run until one fails: those that saw a mutant of the same function
before come first, then the quick ones. A limit of the processor's time ends what does not end.
"""

import math
import os
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from _pytest.runner import runtestprotocol

from tests.mutants.making import Mutant
from tests.mutants.observing import Observed, observe
from tests.mutants.swapping import swap_in

Status = Literal["killed", "survived", "timeout", "no tests"]

_SURVIVED, _KILLED, _BROKEN = 0, 1, 2
# What a loop without an end takes of memory before it fails.
_MEMORY_BYTES = 3 << 30
# How often a slow machine may take as long as the observed run.
_PATIENCE = 4
# A child makes its own tables of characters before the first example of hypothesis.
_LEAST_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a mutant."""

    mutant: Mutant
    status: Status
    by: str
    """The test that saw it; empty if none did."""


@dataclass(slots=True)
class _Trial:
    mutant: Mutant
    order: list[int]


class MutantLoop:
    """Runs mutants in the order given, so many at once, and tells each result as it comes."""

    def __init__(
        self,
        mutants: Sequence[Mutant],
        tell: Callable[[Result], None],
        folder: Path,
        workers: int,
        test_seconds: float,
        until: float,
    ) -> None:
        self._waiting = list(reversed(mutants))
        self._tell = tell
        self._folder = folder
        self._workers = workers
        self._test_seconds = test_seconds
        self._until = until
        self._killers: dict[str, list[int]] = defaultdict(list)
        self._trials: dict[int, _Trial] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's own loop."""
        # What is observed once is not reported, and what mutants do is not for the terminal.
        observed = observe(session.items, self._folder)
        print(
            f"{len(session.items)} tests, {sum(observed.seconds):.0f} s of the processor",
            flush=True,
        )
        while self._trials or self._may_begin():
            if self._may_begin() and len(self._trials) < self._workers:
                self._begin(session.items, observed)
            else:
                self._end(session.items)
        return True

    def _may_begin(self) -> bool:
        return bool(self._waiting) and time.monotonic() < self._until

    def _begin(self, items: list[pytest.Item], observed: Observed) -> None:
        mutant = self._waiting.pop()
        order = self._order(mutant, observed)
        if not order:
            self._tell(Result(mutant=mutant, status="no tests", by=""))
            return
        limit = math.ceil(
            _LEAST_SECONDS + _PATIENCE * sum(observed.seconds[number] for number in order)
        )
        seen_by = self._folder / "seen-by"
        seen_by.mkdir(exist_ok=True)
        pid = os.fork()
        if pid == 0:
            _try(mutant, [(number, items[number]) for number in order], limit, seen_by)
        self._trials[pid] = _Trial(mutant, order)

    def _order(self, mutant: Mutant, observed: Observed) -> list[int]:
        place = f"{mutant.module}:{mutant.qualified}"
        entering = observed.entered.get(place, [])
        quick = sorted(entering, key=observed.seconds.__getitem__)
        chosen: list[int] = []
        left = self._test_seconds
        for number in quick:
            left -= observed.seconds[number]
            if chosen and left < 0:
                break
            chosen.append(number)
        first = self._killers[place]
        return first + [number for number in chosen if number not in first]

    def _end(self, items: list[pytest.Item]) -> None:
        pid, status = os.wait()
        trial = self._trials.pop(pid)
        mutant = trial.mutant
        path = self._folder / "seen-by" / str(pid)
        if os.WIFSIGNALED(status):
            self._tell(Result(mutant=mutant, status="timeout", by=""))
        elif os.WEXITSTATUS(status) == _SURVIVED:
            self._tell(Result(mutant=mutant, status="survived", by=""))
        elif os.WEXITSTATUS(status) == _BROKEN:
            raise RuntimeError(f"{mutant.name} cannot be swapped in")
        else:
            number = int(path.read_text())
            killers = self._killers[f"{mutant.module}:{mutant.qualified}"]
            if number in killers:
                killers.remove(number)
            killers.insert(0, number)
            self._tell(Result(mutant=mutant, status="killed", by=items[number].nodeid))
        path.unlink(missing_ok=True)


def _try(mutant: Mutant, tests: list[tuple[int, pytest.Item]], limit: int, seen_by: Path) -> None:
    """Never returns."""
    last = tests[0][0]
    status = _BROKEN
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        swap_in(mutant)
        # What ends the tests from here on, by an exit too, is the mutant.
        status = _KILLED
        followers = [*(item for _, item in tests[1:]), None]
        for (number, item), following in zip(tests, followers, strict=True):
            last = number
            reports = runtestprotocol(item, log=False, nextitem=following)
            if any(report.failed for report in reports):
                break
        else:
            status = _SURVIVED
    finally:
        if status == _KILLED:
            (seen_by / str(os.getpid())).write_text(str(last))
        os._exit(status)
