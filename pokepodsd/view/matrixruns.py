"""A large matrix as runs of like cells, few enough for a picture.

Owns what is given up for that: where there are too many runs, one square stands for several pairs,
for the worst of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pokepodsd.core.matrix import Matrix, State
from pokepodsd.view.matrixlooks import LOOKS

_MOST_RUNS: Final = 20_000
# The first of the looks is the worst; what is well, or is no pair, never hides another.
_RANKS: Final = {state: rank for rank, state in enumerate(LOOKS)}
_BY_RANK: Final = tuple(LOOKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Runs by state, each (column, row, length), in squares of so many pairs a side."""

    side: int
    pairs_a_side: int
    spans: dict[State, list[tuple[int, int, int]]]


def drawn_runs(matrix: Matrix) -> Runs:
    """The finest runs that are not too many; what is well has none."""
    ranks = [[_RANKS[cell.state] for cell in row] for row in matrix.rows]
    pairs_a_side = 1
    while True:
        squares = ranks if pairs_a_side == 1 else _merged(ranks, pairs_a_side)
        spans = _spans(squares)
        if sum(map(len, spans.values())) <= _MOST_RUNS:
            return Runs(side=len(squares), pairs_a_side=pairs_a_side, spans=spans)
        pairs_a_side += 1


def _merged(ranks: Sequence[Sequence[int]], factor: int) -> list[list[int]]:
    size = len(ranks)
    merged = []
    for top in range(0, size, factor):
        columns = [min(column) for column in zip(*ranks[top : top + factor], strict=True)]
        merged.append([min(columns[left : left + factor]) for left in range(0, size, factor)])
    return merged


def _spans(squares: Sequence[Sequence[int]]) -> dict[State, list[tuple[int, int, int]]]:
    spans: dict[State, list[tuple[int, int, int]]] = {}
    for row, ranks in enumerate(squares):
        begin = 0
        for column in range(1, len(ranks) + 1):
            if column < len(ranks) and ranks[column] == ranks[begin]:
                continue
            state = _BY_RANK[ranks[begin]]
            if state is not State.OK:
                spans.setdefault(state, []).append((begin, row, column - begin))
            begin = column
    return spans
