"""Which pods come, go, move and restart, one after another, by a seeded dice.

Owns the plan: the same seed gives the same changes in the same order, whenever they are made.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tests.soak.schedule import PINNED

# An address is given to nobody else before so many were freed after it: who pokes a pod that is
# gone is not taken for who pokes the next.
_RESTING: Final = 200
_FIRST: Final = PINNED[-1] + 1


class Change(Enum):
    """What happens to a pod."""

    CREATE = "create"
    DELETE = "delete"
    REPLACE = "another pod has the address"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Slot:
    """A pod's place: its node by index, and its number there."""

    node: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change of one pod; ``generation`` tells the pods apart that have had its place."""

    change: Change
    slot: Slot
    name: str
    generation: int


class Churn:
    """The pods of a run, and what becomes of them. ``per_node`` is how many places a node has."""

    def __init__(self, *, seed: int, nodes: int, pods: int, per_node: int) -> None:
        self._dice = random.Random(f"churn {seed}")
        self._made = 0
        self._names: dict[Slot, str] = {}
        self._movable: list[Slot] = []
        pinned = [Slot(node, number) for node in range(nodes) for number in PINNED]
        rest = [Slot(node, n) for n in range(_FIRST, per_node + 1) for node in range(nodes)]
        count = max(pods - len(pinned), 0)
        if count + _RESTING > len(rest):
            raise ValueError(f"no room for {pods} pods: {len(rest)} places")
        for slot in (*pinned, *rest[:count]):
            self._name(slot)
        self._movable = rest[:count]
        self._free = deque(self._dice.sample(rest[count:], len(rest) - count))
        self.pods = pods

    def first(self) -> Sequence[tuple[Slot, str]]:
        """The pods of the beginning, with their names."""
        return list(self._names.items())

    def steps(self) -> Iterator[Step]:
        """The changes, for ever; as many pods come as go. A move is a pod that goes and comes."""
        while True:
            match self._dice.choices(("replace", "restart", "move", "swap"), (1, 2, 2, 3))[0]:
                case "replace":
                    slot = self._dice.choice(self._movable)
                    yield self._step(Change.REPLACE, slot, self._name(slot))
                case "restart":
                    slot = self._dice.choice(self._movable)
                    yield self._step(Change.RESTART, slot, self._names[slot])
                case "move":
                    name = self._names[old := self._remove()]
                    yield self._step(Change.DELETE, old, self._names.pop(old))
                    yield self._step(Change.CREATE, slot := self._take(), name)
                    self._names[slot] = name
                case _:
                    yield self._step(Change.DELETE, old := self._remove(), self._names.pop(old))
                    yield self._step(Change.CREATE, slot := self._take(), self._name(slot))

    def _step(self, change: Change, slot: Slot, name: str) -> Step:
        if change is not Change.RESTART:
            self._made += 1
        return Step(change=change, slot=slot, name=name, generation=self._made)

    def _remove(self) -> Slot:
        slot = self._movable.pop(self._dice.randrange(len(self._movable)))
        self._free.append(slot)
        return slot

    def _take(self) -> Slot:
        slot = self._free.popleft()
        self._movable.append(slot)
        return slot

    def _name(self, slot: Slot) -> str:
        self._made += 1
        self._names[slot] = f"web-{self._made}"
        return self._names[slot]
