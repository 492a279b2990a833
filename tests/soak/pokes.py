"""Whether each daemon pokes every pod that exists in its time, and none that is gone.

Owns that judgement, one poke at a time, in memory that grows with the pods and not with the pokes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.soak.truth import NEVER_NS, SECOND_NS, Truth

# A pod that is gone may be poked by what was under way.
GONE_NS: Final = 5 * SECOND_NS


@dataclass(slots=True, kw_only=True)
class Life:
    """When the pod at an address was made, and when it was deleted.

    ``is_moved_in``: nobody had the address before, so that a poke shows that the pod is known.
    """

    created_ns: int
    deleted_ns: int = NEVER_NS
    is_moved_in: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """What is not as it must be: when, at which daemon, what was to be seen, and what was."""

    at_ns: int
    daemon: str
    expected: str
    seen: str
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class PokeBook:
    """One daemon's pokes of pods, by address.

    ``allowance_ns`` is how long a pod may wait for its next poke. ``others`` are the addresses
    that are poked besides: the nodes' and the tunnels'.
    """

    daemon: str
    truth: Truth
    lives: Mapping[str, Life]
    others: frozenset[str]
    allowance_ns: int
    pokes: int = 0
    longest_ns: int = 0
    """The longest that a pod waited which was well known all the time."""
    longest_at_ns: int = 0
    violations: list[Violation] = field(default_factory=list)
    _last: dict[str, int] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def saw(self, address: str, at_ns: int) -> None:
        """A poke left."""
        self.pokes += 1
        if address in self.others:
            return
        life = self.lives.get(address)
        if life is None:
            self.note(at_ns, "no poke to what is no target", f"a poke to {address}")
            return
        last = self._last.get(address, 0)
        if at_ns > life.deleted_ns:
            self._check_gone(address, life, at_ns)
        elif last < life.created_ns and life.is_moved_in:
            self.truth.settle(self.daemon, life.created_ns, at_ns)
        elif last:
            gap = at_ns - last
            if gap > self.longest_ns and not self.truth.present_ns(self.daemon, last, at_ns):
                self.longest_ns, self.longest_at_ns = gap, at_ns
        if at_ns - last > self.allowance_ns:
            self._check_waited(address, life, at_ns)
        if life.deleted_ns == NEVER_NS:
            self._told.discard(address)
        self._last[address] = at_ns

    def sweep(self, now_ns: int) -> None:
        """Look for pods that still wait; and forget those that are long gone."""
        for address, life in self.lives.items():
            last = self._last.get(address, 0)
            if now_ns - max(last, life.created_ns) > self.allowance_ns:
                self._check_waited(address, life, now_ns)

    def glimpsed(self, address: str, at_ns: int) -> None:
        """A poke left while nothing is judged yet."""
        self.pokes += 1
        self._last[address] = at_ns

    def _check_waited(self, address: str, life: Life, at_ns: int) -> None:
        """Was the next poke due before ``at_ns``, and before the pod was gone?"""
        if address in self._told or life.deleted_ns < NEVER_NS:
            return
        last = self._last.get(address, 0)
        since = last
        if last < life.created_ns:
            since = self.truth.known_ns(self.daemon, life.created_ns)
        present = self.truth.present_ns(self.daemon, min(since, at_ns), at_ns)
        since = max(since, present)
        if at_ns <= since + self.allowance_ns:
            return
        self._told.add(address)
        self.note(
            at_ns,
            f"a poke to {address} within {self.allowance_ns / SECOND_NS:.0f} s",
            f"none for {(at_ns - max(last, life.created_ns)) / SECOND_NS:.1f} s",
        )

    def _check_gone(self, address: str, life: Life, at_ns: int) -> None:
        known = self.truth.known_ns(self.daemon, life.deleted_ns)
        present = self.truth.present_ns(self.daemon, life.deleted_ns, at_ns)
        if address in self._told or known >= NEVER_NS or present >= NEVER_NS:
            return
        if at_ns > max(known, present) + GONE_NS:
            self._told.add(address)
            gone = (at_ns - life.deleted_ns) / SECOND_NS
            self.note(
                at_ns, f"no poke to {address}, whose pod is gone", f"one {gone:.1f} s after that"
            )

    def note(self, at_ns: int, expected: str, seen: str) -> None:
        """Something is not as it must be."""
        self.violations.append(
            Violation(
                at_ns=at_ns,
                daemon=self.daemon,
                expected=expected,
                seen=seen,
                faults=tuple(self.truth.on(at_ns, self.allowance_ns)),
            )
        )


def all_violations(books: Mapping[str, PokeBook]) -> Iterator[Violation]:
    """Those of all daemons."""
    for book in books.values():
        yield from book.violations
