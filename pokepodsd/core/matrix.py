"""Who pokes whom in a cluster, and what came of it: nodes, and a cell for each direction of a pair.

Owns what a cell may be, the order of nodes, and which failures are told as one. Knows neither where
it was read nor how it looks. Times are seconds since 1970, durations seconds.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pokepodsd.core.ordering import natural_order
from pokepodsd.core.verdict import Verdict

# The first second that a calendar of four digits has no year for.
END_OF_TIME_SECONDS: Final = 253_402_300_800


class State(Enum):
    """What is known of one node's pokes to another: a verdict, or why there is none."""

    OK = Verdict.OK.value
    OPENING = Verdict.OPENING.value
    TUNNEL_BROKEN = Verdict.TUNNEL_BROKEN.value
    NODE_UNREACHABLE = Verdict.NODE_UNREACHABLE.value
    POD_ONLY = Verdict.POD_ONLY.value
    UNDERLAY_FILTERED = Verdict.UNDERLAY_FILTERED.value
    CUT_OFF = "cut off"
    """The poking node itself is cut off: the other one is not to blame."""
    UNKNOWN = "unknown"
    """The poking node reports, and says nothing about the other one."""
    NOT_REPORTING = "not reporting"
    """There is no word from the poking node."""
    ITSELF = "itself"

    @property
    def is_failing(self) -> bool:
        """Whether nothing passes."""
        return self in _FAILING

    @property
    def is_verdict(self) -> bool:
        """Whether the poking node has judged it."""
        return self not in _NO_VERDICT


_FAILING: Final = frozenset({State.TUNNEL_BROKEN, State.NODE_UNREACHABLE, State.CUT_OFF})
_NO_VERDICT: Final = frozenset({State.UNKNOWN, State.NOT_REPORTING, State.ITSELF})
# Fewer that cannot reach one node are told one by one.
_MANY: Final = 5


class Report(Enum):
    """What a node says of itself."""

    REPORTING = "reporting"
    CUT_OFF = "cut off"
    MISSING = "not reporting"


class Order(Enum):
    """How nodes are sorted."""

    NAME = "name"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One node's pokes to another; times of round trips are those of the last 15 minutes."""

    state: State
    since_seconds: float | None = None
    rtt_seconds: float | None = None
    """The median."""
    worst_rtt_seconds: float | None = None
    text: str = ""
    """What failed, or why nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node; ``note`` is why it does not report, or what else there is to know of its report."""

    name: str
    addresses: tuple[str, ...] = ()
    report: Report = Report.REPORTING
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Failing pairs of one kind that are told as one: who pokes and who is poked, by number."""

    pokers: tuple[int, ...]
    poked: tuple[int, ...]
    state: State
    since_seconds: float | None
    text: str
    is_one_way: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Nodes, and ``rows[poker][poked]``; ``source`` says where it was read, and when."""

    at_seconds: float
    source: str
    nodes: tuple[Node, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def pairs(self) -> int:
        """How many directions of pairs there are."""
        return len(self.nodes) * (len(self.nodes) - 1)

    def failing(self) -> Iterator[tuple[int, int, Cell]]:
        """Every pair that fails: who pokes, who is poked, and the cell."""
        for poker, row in enumerate(self.rows):
            for poked, cell in enumerate(row):
                if cell.state.is_failing:
                    yield poker, poked, cell

    def is_one_way(self, poker: int, poked: int) -> bool:
        """Whether this direction fails, and the other one is known not to."""
        back = self.rows[poked][poker].state
        fails = self.rows[poker][poked].state.is_failing
        return fails and back.is_verdict and not back.is_failing

    def counts(self) -> dict[State, int]:
        """How many pairs there are of each state; states without any are left out."""
        counter = Counter(cell.state for row in self.rows for cell in row)
        return {state: counter[state] for state in State if counter[state]}


def order_of(matrix: Matrix, order: Order) -> list[int]:
    """The nodes' numbers as they are to be shown.

    By trouble: first who takes part in most failing pairs, then who does not report, then who takes
    part in most pairs that are not well; those that are alike by name.
    """
    failing, unwell = troubled(matrix)

    def urgency(number: int) -> tuple[int, bool, int]:
        is_missing = matrix.nodes[number].report is Report.MISSING
        return -failing[number], not is_missing, -unwell[number]

    by_name = sorted(
        range(len(matrix.nodes)), key=lambda number: natural_order(matrix.nodes[number].name)
    )
    return by_name if order is Order.NAME else sorted(by_name, key=urgency)


def arranged(matrix: Matrix, order: Order) -> Matrix:
    """The same matrix, its nodes in this order."""
    numbers = order_of(matrix, order)
    return Matrix(
        at_seconds=matrix.at_seconds,
        source=matrix.source,
        nodes=tuple(matrix.nodes[number] for number in numbers),
        rows=tuple(tuple(matrix.rows[poker][poked] for poked in numbers) for poker in numbers),
    )


def failures(matrix: Matrix) -> list[Failure]:
    """What fails, in the order of nodes; what has one cause is told once.

    A node that is cut off fails to reach the others: that is one failure. One that most nodes which
    report do not reach is one too, for each state of theirs.
    """
    cut_off: dict[int, list[int]] = {}
    by_poked: dict[tuple[int, State], list[int]] = {}
    for poker, poked, cell in matrix.failing():
        if cell.state is State.CUT_OFF:
            cut_off.setdefault(poker, []).append(poked)
        else:
            by_poked.setdefault((poked, cell.state), []).append(poker)
    found = [_failure(matrix, (poker,), poked) for poker, poked in cut_off.items()]
    reporting = sum(node.report is Report.REPORTING for node in matrix.nodes)
    for (poked, _), pokers in by_poked.items():
        if len(pokers) >= _MANY and 2 * len(pokers) > reporting - 1:
            found.append(_failure(matrix, tuple(pokers), [poked]))
        else:
            found += [_failure(matrix, (poker,), [poked]) for poker in pokers]
    return sorted(found, key=lambda one: (-len(one.pokers) * len(one.poked), one.pokers, one.poked))


def _failure(matrix: Matrix, pokers: tuple[int, ...], poked: Sequence[int]) -> Failure:
    cells = [matrix.rows[poker][other] for poker in pokers for other in poked]
    since = [cell.since_seconds for cell in cells if cell.since_seconds is not None]
    texts = {cell.text for cell in cells}
    return Failure(
        pokers=pokers,
        poked=tuple(poked),
        state=cells[0].state,
        since_seconds=min(since, default=None),
        text=texts.pop() if len(texts) == 1 else "",
        is_one_way=all(matrix.is_one_way(poker, other) for poker in pokers for other in poked),
    )


def troubled(matrix: Matrix) -> tuple[Counter[int], Counter[int]]:
    """In how many failing pairs, and in how many others that are not well, each node takes part.

    What is told as one failure counts for the one node that it is about, not for all the others.
    """
    failing: Counter[int] = Counter()
    for failure in failures(matrix):
        weight = len(failure.pokers) * len(failure.poked)
        for side in (failure.pokers, failure.poked):
            if len(side) == 1:
                failing[side[0]] += weight
    unwell: Counter[int] = Counter()
    for poker, row in enumerate(matrix.rows):
        for poked, cell in enumerate(row):
            is_other = cell.state.is_verdict and not cell.state.is_failing
            if is_other and cell.state is not State.OK:
                unwell.update((poker, poked))
    return failing, unwell
