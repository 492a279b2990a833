"""Which fault comes when, drawn beforehand by a seeded dice.

Owns the dice and what may overlap: two faults do where they hold no lock in common. Knows no clock:
times are seconds after the first fault could come.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tests.soak.kinds import Kind

EVERY_SECONDS: Final = 20.0
# Pods with these numbers on each node stay for the whole run: they are what dies and is revived.
PINNED: Final = (1, 2, 3)
# What a fault leaves behind is over by then, and what it holds is free again.
_REST_SECONDS: Final = 12.0
_TRIES: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One fault: from ``begin`` to ``end``, in seconds; its nodes by index, its pod by number."""

    number: int
    kind: str
    begin: float
    end: float
    nodes: tuple[int, ...] = ()
    pod: int = 0
    locks: frozenset[str] = frozenset()

    def __str__(self) -> str:
        where = "".join(f" {letter(index)}" for index in self.nodes)
        pod = f" pod {self.pod}" if self.pod else ""
        return f"{self.begin:7.1f} to {self.end:7.1f} s  {self.kind}{where}{pod}"


def letter(index: int) -> str:
    """A node as the schedule names it."""
    return f"node-{chr(ord('a') + index)}"


def draw(
    kinds: Sequence[Kind],
    *,
    seed: int,
    seconds: float,
    nodes: int,
    every_seconds: float = EVERY_SECONDS,
) -> list[Planned]:
    """A fault every so often; all are over after so many seconds. The same seed draws the same."""
    dice = random.Random(f"faults {seed}")
    times = [number * every_seconds for number in range(int(seconds // every_seconds))]
    return [*_draw(kinds, dice, times, seconds=seconds, nodes=nodes)]


def _draw(
    kinds: Sequence[Kind],
    dice: random.Random,
    times: Sequence[float],
    *,
    seconds: float,
    nodes: int,
) -> Iterator[Planned]:
    held: list[Planned] = []
    bag: list[Kind] = []
    for number, at in enumerate(times):
        held = [one for one in held if one.end + _REST_SECONDS > at]
        taken = frozenset[str]().union(*(one.locks for one in held))
        for attempt in range(_TRIES):
            # Each kind once, in any order, before any comes again: a short run has many.
            if attempt == 0 and not bag:
                bag = dice.sample(kinds, len(kinds))
            kind = bag[attempt % len(bag)] if attempt < len(bag) else dice.choice(kinds)
            planned = _roll(kind, number, at, dice, nodes)
            if not planned.locks & taken and planned.end <= seconds:
                if kind in bag:
                    bag.remove(kind)
                held.append(planned)
                yield planned
                break


def _roll(kind: Kind, number: int, at: float, dice: random.Random, nodes: int) -> Planned:
    first = dice.choice([index for index in range(nodes) if kind.group.has(index)] or [0])
    second = dice.choice([index for index in range(nodes) if index != first] or [0])
    chosen = (first, second)[: kind.nodes]
    names = dict(zip("XY", chosen, strict=False))
    locks = frozenset(
        f"{what}:{names[who]}" if who else what
        for what, _, who in (lock.partition(":") for lock in kind.locks)
    )
    return Planned(
        number=number,
        kind=kind.name,
        begin=at,
        end=at + round(dice.uniform(kind.shortest, kind.longest), 1),
        nodes=chosen,
        pod=dice.choice(PINNED) if kind.has_pod else 0,
        locks=locks,
    )
