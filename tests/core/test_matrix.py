"""Checks the order of nodes, one-way failures, and which failures are told as one."""

from collections.abc import Mapping

import pytest

from pokepodsd.core.matrix import (
    Cell,
    Matrix,
    Node,
    Order,
    Report,
    State,
    arranged,
    failures,
)
from pokepodsd.core.ordering import natural_order


def matrix(
    size: int, states: Mapping[tuple[int, int], State], reports: Mapping[int, Report] | None = None
) -> Matrix:
    """Nodes n0, n1..., all well but these."""
    rows = tuple(
        tuple(
            Cell(state=State.ITSELF if one == other else states.get((one, other), State.OK))
            for other in range(size)
        )
        for one in range(size)
    )
    nodes = tuple(
        Node(name=f"n{number}", report=(reports or {}).get(number, Report.REPORTING))
        for number in range(size)
    )
    return Matrix(at_seconds=0, source="a test", nodes=nodes, rows=rows)


def names(found: Matrix) -> list[str]:
    return [node.name for node in found.nodes]


def test_numbers_in_names_count_as_numbers() -> None:
    """node-2 comes before node-10."""
    listed = ["node-10", "node-2", "node-a", "node", "2"]
    assert sorted(listed, key=natural_order) == ["node", "node-2", "node-10", "node-a", "2"]


def test_trouble_comes_first() -> None:
    """First who takes part in most failures, then who does not report, then what is not well."""
    states = {
        (9, 8): State.TUNNEL_BROKEN,
        (8, 9): State.TUNNEL_BROKEN,
        (8, 5): State.TUNNEL_BROKEN,
        (3, 4): State.POD_ONLY,
    }
    found = arranged(matrix(10, states, {7: Report.MISSING}), Order.TROUBLE)
    assert names(found) == ["n8", "n9", "n5", "n7", "n3", "n4", "n0", "n1", "n2", "n6"]
    assert found.rows[0][1].state is State.TUNNEL_BROKEN
    assert found.rows[4][5].state is State.POD_ONLY
    assert names(arranged(found, Order.NAME)) == names(matrix(10, {}))


def test_a_cause_is_sorted_before_its_victims() -> None:
    """A node that nobody reaches, and one that is cut off, do not make all others troubled."""
    states = {(one, 6): State.NODE_UNREACHABLE for one in range(9) if one != 6}
    states |= {(3, other): State.CUT_OFF for other in range(9) if other != 3}
    states[4, 5] = State.TUNNEL_BROKEN
    found = arranged(matrix(9, states, {3: Report.CUT_OFF}), Order.TROUBLE)
    assert names(found)[:4] == ["n3", "n6", "n4", "n5"]


@pytest.mark.parametrize(
    ("back", "is_one_way"),
    [
        (State.OK, True),
        (State.POD_ONLY, True),
        (State.OPENING, True),
        (State.TUNNEL_BROKEN, False),
        (State.NODE_UNREACHABLE, False),
        (State.CUT_OFF, False),
        (State.UNKNOWN, False),
        (State.NOT_REPORTING, False),
    ],
)
def test_one_way(back: State, *, is_one_way: bool) -> None:
    """A failure is one way only if the other direction is known not to fail."""
    found = matrix(2, {(0, 1): State.TUNNEL_BROKEN, (1, 0): back})
    assert found.is_one_way(0, 1) is is_one_way
    assert found.is_one_way(1, 0) is False


def test_what_has_one_cause_is_told_once() -> None:
    """A cut-off node is one failure, and so is one that most cannot reach; the rest by pair."""
    states = {(one, 6): State.NODE_UNREACHABLE for one in range(12) if one not in (6, 3, 11)}
    states |= {(3, other): State.CUT_OFF for other in range(12) if other != 3}
    states |= {(4, 5): State.TUNNEL_BROKEN, (1, 5): State.TUNNEL_BROKEN}
    found = failures(matrix(12, states, {3: Report.CUT_OFF, 11: Report.MISSING}))
    assert [(one.pokers, len(one.poked), one.state) for one in found] == [
        ((3,), 11, State.CUT_OFF),
        ((0, 1, 2, 4, 5, 7, 8, 9, 10), 1, State.NODE_UNREACHABLE),
        ((1,), 1, State.TUNNEL_BROKEN),
        ((4,), 1, State.TUNNEL_BROKEN),
    ]


@pytest.mark.parametrize(("pokers", "told"), [(4, 4), (5, 1), (6, 1)])
@pytest.mark.parametrize("silent", [0, 4])
def test_a_cause_is_one_of_most_that_report(pokers: int, silent: int, told: int) -> None:
    """Five of nine others are most, whoever does not report; four are each its own."""
    states = {(number, 0): State.TUNNEL_BROKEN for number in range(1, pokers + 1)}
    reports = dict.fromkeys(range(10, 10 + silent), Report.MISSING)
    assert len(failures(matrix(10 + silent, states, reports))) == told


def test_five_of_many_that_report_are_each_its_own() -> None:
    """They are not most of them: each may have a cause of its own."""
    states = {(number, 0): State.TUNNEL_BROKEN for number in range(1, 6)}
    assert len(failures(matrix(20, states))) == 5


def test_counts() -> None:
    """Pairs are counted by state, those that there are none of left out."""
    found = matrix(3, {(0, 1): State.OPENING})
    assert found.counts() == {State.OK: 5, State.OPENING: 1, State.ITSELF: 3}
    assert found.pairs == 6
