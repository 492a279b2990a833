"""The thread that hears and sees the daemons: their journals, their beats, their pokes.

Owns digesting all of it as it comes, so that nothing grows with the time but the entries.
"""

import select
import threading
import time
from pathlib import Path
from typing import Final

from tests.lab.journal import Entry
from tests.soak import notices
from tests.soak.pokes import PokeBook
from tests.soak.relaying import Relaying
from tests.soak.tap import Tap
from tests.soak.truth import SECOND_NS, Spell
from tests.soak.world import World

_LULL_NS: Final = SECOND_NS // 4
_SWEEP_NS: Final = 5 * SECOND_NS


class Recorder:
    """Runs while the world stands; `close` before the world goes."""

    def __init__(self, world: World, log: Path) -> None:
        self._world = world
        self._begin_ns = time.monotonic_ns()
        self._log = log.open("w", encoding="utf-8", buffering=1)
        allowance = round(1.5 * world.size.interval_seconds * SECOND_NS) + 3 * SECOND_NS
        self.books = {
            name: PokeBook(
                daemon=name,
                truth=world.truth,
                lives=world.lives,
                others=world.others(),
                allowance_ns=allowance,
            )
            for name in world.units
        }
        self._taps = {node.name: Tap(node) for node in world.nodes}
        self._is_over = threading.Event()
        self.judges_pokes = False
        """Whether pods must be poked by now: not while all start."""
        self._next_sweep = 0
        self._relaying = Relaying(world.relay_pid, self._begin_ns)
        world.truth.slow = self._relaying.spells
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Record no more."""
        if self._is_over.is_set():
            return
        self._is_over.set()
        self._thread.join()
        for tap in self._taps.values():
            tap.__exit__()
        self._log.close()

    def log(self, text: str) -> None:
        """A line in the log of events, with the seconds since the start."""
        at = (time.monotonic_ns() - self._begin_ns) / SECOND_NS
        self._log.write(f"{at:9.2f}  {text}\n")

    def seconds(self, at_ns: int) -> float:
        """A time as the log has it."""
        return (at_ns - self._begin_ns) / SECOND_NS

    def _run(self) -> None:
        poller = select.poll()
        for unit in self._world.units.values():
            poller.register(unit.journal, select.POLLIN)
            poller.register(unit.notify, select.POLLIN)
        next_drain = 0
        try:
            while not self._is_over.is_set():
                poller.poll(_LULL_NS // 1_000_000)
                now = time.monotonic_ns()
                with self._world.lock:
                    for unit in self._world.units.values():
                        unit.turn(self._take, now)
                    if now >= next_drain:
                        next_drain = now + _LULL_NS
                        self._drain(now)
        except Exception as error:
            self._world.harness.append(f"the recorder ended: {error!r}")
            raise

    def _take(self, daemon: str, entry: Entry) -> None:
        notice = notices.read(daemon, time.monotonic_ns(), entry)
        self._world.notices.append(notice)
        self.log(f"{daemon}: {notice.kind.name} {notice.text}")

    def _drain(self, now_ns: int) -> None:
        for name, tap in self._taps.items():
            book = self.books[name]
            if lost := tap.drain(book.saw if self.judges_pokes else book.glimpsed):
                self._world.harness.append(f"{name}: the tap lost {lost} packets")
                spell = Spell(fault="tap", begin_ns=now_ns - 2 * SECOND_NS, end_ns=now_ns)
                self._world.truth.absent[name].append(spell)
        if self._relaying.look(now_ns) is not None:
            self.log("--- this machine is too slow to be a network")
        if self.judges_pokes and now_ns >= self._next_sweep:
            self._next_sweep = now_ns + _SWEEP_NS
            for book in self.books.values():
                book.sweep(now_ns)
        for unit in self._world.units.values():
            for text in unit.unexpected:
                self._unexpected(unit.name, text, now_ns)
            unit.unexpected.clear()

    def _unexpected(self, daemon: str, text: str, now_ns: int) -> None:
        self.books[daemon].note(now_ns, "a daemon that runs on", text)
