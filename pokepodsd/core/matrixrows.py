"""One node's word about the others, as a row of the matrix.

Owns what is presumed where a source names only those that are not well, and the rows of nodes that
do not report. Knows no source.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from pokepodsd.core.matrix import Cell, State

ITSELF: Final = Cell(state=State.ITSELF)
_PRESUMED: Final = Cell(state=State.OK, text="not named among those that are not well")
_NOT_POKED: Final = Cell(state=State.UNKNOWN, text="not among its peers")


def told_row(
    told: Mapping[int, Cell],
    *,
    poker: int,
    reporting: Sequence[bool],
    well_unnamed: int,
    unwell_unnamed: int = 0,
) -> tuple[Cell, ...]:
    """A node's row: what it told, and for the others what follows from how many it did not name.

    ``reporting`` says of each node whether it reports. ``well_unnamed`` and ``unwell_unnamed`` are
    numbers of peers. If they are as many as there are nodes left, these are well; if they are as
    many as report, those are. Otherwise it cannot be known which ones are poked at all.
    """
    left = [number for number in range(len(reporting)) if number not in told and number != poker]
    well = _presumed_well(left, reporting, well_unnamed, unwell_unnamed)
    doubt = _doubt(well_unnamed, unwell_unnamed)
    cells = [
        told.get(number, _PRESUMED if number in well else doubt) for number in range(len(reporting))
    ]
    cells[poker] = ITSELF
    return tuple(cells)


def silent_row(poker: int, size: int, why: str) -> tuple[Cell, ...]:
    """The row of a node of which there is no word."""
    cells = [Cell(state=State.NOT_REPORTING, text=why)] * size
    cells[poker] = ITSELF
    return tuple(cells)


def _presumed_well(
    left: Sequence[int], reporting: Sequence[bool], well: int, unwell: int
) -> Collection[int]:
    if unwell:
        return ()
    if well >= len(left):
        return frozenset(left)
    alive = frozenset(number for number in left if reporting[number])
    return alive if well >= len(alive) else ()


def _doubt(well: int, unwell: int) -> Cell:
    if not well and not unwell:
        return _NOT_POKED
    text = f"{well} peers are well and {unwell} are not, without being named"
    return Cell(state=State.UNKNOWN, text=text)
