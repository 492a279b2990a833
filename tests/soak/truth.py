"""What really was the matter, from when to when: the ground that judges the daemons.

Owns the spells in which something could not be reached, learnt or done. Says nothing of what a
daemon did. Times are nanoseconds of the monotonic clock; a spell without end is still on.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

SECOND_NS: Final = 1_000_000_000
NEVER_NS: Final = 2**63
# A change that the API server has is with every daemon after so long.
LEARNT_NS: Final = 10 * SECOND_NS
# After an outage of the API: the longest delay of the reader, a connection that the kernel tries
# again rarely, and a list by all daemons at once.
CAUGHT_UP_NS: Final = 100 * SECOND_NS
# Whoever pokes a pod that was made after an outage has the rest of the list soon.
_REST_OF_LIST_NS: Final = 20 * SECOND_NS


@dataclass(slots=True, kw_only=True)
class Spell:
    """A time in which something holds, and the fault that is why; ``settled_ns`` may be later."""

    fault: str
    begin_ns: int
    end_ns: int = NEVER_NS
    settled_ns: int = NEVER_NS

    def overlaps(self, begin_ns: int, end_ns: int) -> bool:
        """Whether they have a moment in common."""
        return self.begin_ns <= end_ns and self.end_ns >= begin_ns


@dataclass(slots=True, kw_only=True)
class Outage(Spell):
    """A spell in which a daemon cannot reach something.

    The ``subject`` is ``peer/NODE``, ``pod/ADDRESS``, ``api``, or ``self`` for all peers. It holds
    for certain from ``sure_ns`` on, when the fault had been made, until it began to be undone.
    """

    daemon: str
    subject: str
    node: str = ""
    sure_ns: int = NEVER_NS
    undone_ns: int = NEVER_NS

    @property
    def certain_ns(self) -> int:
        """How long it was for certain."""
        return max(0, self.undone_ns - self.sure_ns)


class Truth:
    """All that was the matter."""

    def __init__(self) -> None:
        self.outages: dict[str, list[Outage]] = defaultdict(list)
        """By daemon."""
        self.deaf: dict[str, list[Spell]] = defaultdict(list)
        """When a daemon cannot learn of pods."""
        self.absent: dict[str, list[Spell]] = defaultdict(list)
        """When a daemon does not run."""
        self.faults: list[Spell] = []
        """Every fault that was made, whatever it makes untrue."""
        self.slow: list[Spell] = []
        """When this machine itself was too slow to be a network."""

    def all_outages(self) -> Iterator[Outage]:
        """Those of all daemons."""
        for outages in self.outages.values():
            yield from outages

    def on(self, at_ns: int, linger_ns: int = 0) -> list[str]:
        """The faults that were on at this time, or ended less than ``linger_ns`` before."""
        return [one.fault for one in self.faults if one.overlaps(at_ns - linger_ns, at_ns)]

    def known_ns(self, daemon: str, changed_ns: int) -> int:
        """When the daemon has learnt for certain what changed then; `NEVER_NS`: not yet."""
        known = changed_ns + LEARNT_NS
        for spell in self.deaf[daemon]:
            if spell.begin_ns <= known and spell.settled_ns >= changed_ns:
                known = max(known, spell.settled_ns)
        return known

    def settle(self, daemon: str, made_ns: int, at_ns: int) -> None:
        """The daemon pokes, at ``at_ns``, a pod that was made then: it has heard of it."""
        for spell in self.deaf[daemon]:
            if spell.end_ns < made_ns:
                heard = max(at_ns, spell.end_ns) + _REST_OF_LIST_NS
                spell.settled_ns = min(spell.settled_ns, heard)

    def present_ns(self, daemon: str, since_ns: int, now_ns: int) -> int:
        """Since when the daemon runs without a break, if there was one since then; else 0."""
        spells = [one for one in self.absent[daemon] if one.overlaps(since_ns, now_ns)]
        return max((one.end_ns for one in spells), default=0)


def close_deaf(spells: Iterable[Spell], now_ns: int) -> None:
    """The fault behind these is over: the daemons have some time to catch up."""
    for spell in spells:
        spell.end_ns = now_ns
        spell.settled_ns = now_ns + CAUGHT_UP_NS
