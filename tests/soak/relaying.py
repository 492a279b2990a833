"""When this machine was too slow to be a network.

Owns that judgement: the process that carries the packets between the nodes had no room left, or
waited for a processor. What daemons then say of their peers is true, and none of their faults.
"""

from pathlib import Path
from typing import Final

from tests.soak.truth import SECOND_NS, Spell

_EVERY_NS: Final = SECOND_NS
# The share of a second in which it ran or wanted to; the rest is its room.
_FULL: Final = 0.85
# What is lost meanwhile is told later, by daemons that were as slow.
_LINGER_NS: Final = 15 * SECOND_NS


class Relaying:
    """Looks at the process; ``spells`` are when it had no room."""

    def __init__(self, pid: int, now_ns: int) -> None:
        self._path = Path(f"/proc/{pid}/schedstat")
        self._at_ns = now_ns
        self._wanted_ns = self._read()
        self.spells: list[Spell] = []

    def look(self, now_ns: int) -> Spell | None:
        """Look again, once a second; the spell if it has just begun."""
        if now_ns < self._at_ns + _EVERY_NS:
            return None
        wanted_ns = self._read()
        is_full = wanted_ns - self._wanted_ns > _FULL * (now_ns - self._at_ns)
        begin_ns, self._at_ns, self._wanted_ns = self._at_ns, now_ns, wanted_ns
        if not is_full:
            return None
        if self.spells and self.spells[-1].end_ns >= begin_ns:
            self.spells[-1].end_ns = now_ns + _LINGER_NS
            return None
        spell = Spell(fault="slow machine", begin_ns=begin_ns, end_ns=now_ns + _LINGER_NS)
        self.spells.append(spell)
        return spell

    def _read(self) -> int:
        """The nanoseconds in which it ran or waited for a processor (sched-stats.rst)."""
        ran, waited, _ = self._path.read_text(encoding="ascii").split()
        return int(ran) + int(waited)
