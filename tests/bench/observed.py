"""The daemon with an eye on its memory: `python -m tests.bench.observed FILE [its own arguments]`.

Owns what only the interpreter itself can tell: the processor time of each path, passes of the
garbage collector, blocks allocated, and the lines that made what stays. Runs pokepodsd as it is,
with a clock that is read four times a tick. SIGUSR1 writes to FILE what was seen since the last
time; from SIGUSR2 on lines are recorded, beside which no time is to be measured.
"""

import gc
import json
import os
import signal
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from pokepodsd import exchange
from pokepodsd.cli import main

PATHS = ("send", "receive")
"""The functions of `exchange` that all packets pass, a tick's at once."""

_MOST_LINES = 8


class Observer:
    """Notes every pass of the collector, in this process alone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin = 0
        self._pauses: dict[int, list[int]] = {}
        self._taken_ns: Counter[str] = Counter()
        self._forget()

    def watch(self) -> None:
        """From now on."""
        for path in PATHS:
            setattr(exchange, path, self._timed(path, getattr(exchange, path)))
        gc.callbacks.append(self._note)
        # The reader's passes are its own.
        os.register_at_fork(after_in_child=gc.callbacks.clear)
        signal.signal(signal.SIGUSR1, self._write)
        signal.signal(signal.SIGUSR2, lambda _number, _frame: tracemalloc.start())

    def _timed(self, path: str, real: Callable[..., None]) -> Callable[..., None]:
        def timed(*arguments: object) -> None:
            begin = time.thread_time_ns()
            real(*arguments)
            self._taken_ns[path] += time.thread_time_ns() - begin

        return timed

    def _forget(self) -> None:
        self._taken_ns.clear()
        self._pauses = {generation: [] for generation in range(3)}
        self._since = time.monotonic_ns()

    def _note(self, phase: str, about: dict[str, Any]) -> None:
        if phase == "start":
            self._begin = time.perf_counter_ns()
        else:
            self._pauses[about["generation"]].append(time.perf_counter_ns() - self._begin)

    def _write(self, _number: int, _frame: FrameType | None) -> None:
        seen = {
            "ns": time.monotonic_ns() - self._since,
            "taken_ns": self._taken_ns,
            "pauses_ns": self._pauses,
            "blocks": sys.getallocatedblocks(),
            "lines": _lines(),
        }
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(seen), encoding="utf-8")
        part.rename(self._path)
        self._forget()


def _lines() -> list[tuple[str, int, int]]:
    """What is alive of all that was allocated since the recording began: place, blocks, bytes."""
    if not tracemalloc.is_tracing():
        return []
    found = tracemalloc.take_snapshot().statistics("lineno")
    places = [(one.traceback[0].filename, one.traceback[0].lineno, one) for one in found]
    named = [(f"{Path(file).name}:{line}", one.count, one.size) for file, line, one in places]
    return sorted(named, key=lambda item: -item[1])[:_MOST_LINES]


if __name__ == "__main__":
    Observer(Path(sys.argv.pop(1))).watch()
    main(prog_name="pokepodsd")
