"""What a whole cluster pays, from 10 to 5,000 nodes: packets, and bytes from the API server.

Owns which clusters are simulated, and what is said of them. The simulation is deterministic: no
socket, no clock, its own dice. `python -m tests.bench.fleet --write` puts its tables into the page
for operators.
"""

import sys
from collections.abc import Callable, Iterator, Sequence

import click

from tests.bench.figures import Curves, Figure, Finding, Goal, Passage, Run
from tests.bench.scalepage import PAGE, tables, with_tables
from tests.bench.simulation.churn import PODS_A_NODE
from tests.bench.simulation.cluster import Cost, cost
from tests.core.builders import make_config

# How many nodes of a cluster are simulated wholly, those that see all pods and those that see their
# own; the others are taken to do the same.
SAMPLED = {10: (2, 2), 100: (2, 2), 300: (1, 2), 1_000: (1, 2), 5_000: (1, 1)}
_SHORT = (10, 300)
# A bucket of 90 ms may be full when the second begins.
_MOST_IN_SECOND = round(make_config().poke.max_rate * 1.09)
# n log n has an exponent of 1.09 between 30,000 and 150,000, and a larger one below. There is no
# fixed cost and no noise of a machine, so that all sizes are judged.
_STEEPEST = 1.1
_ALL, _OWN = "sees all pods", "sees its own pods"


def measure(run: Run) -> Iterator[Finding]:
    """The cost by the number of nodes, with and without the right to see all pods."""
    costs = list(simulate(_SHORT if run.is_short else tuple(SAMPLED)))
    yield _fullest_second(costs)
    yield _pokes(costs)
    yield _learnt(costs)
    yield _sent(costs)
    words = ", ".join(f"{own} and {some} of {nodes:,}" for nodes, (some, own) in SAMPLED.items())
    yield Passage(
        name="The whole cluster, simulated",
        text=f"{tables(costs)}\nNodes simulated wholly, without and with the right: {words}.",
    )


def simulate(sizes: Sequence[int]) -> Iterator[Cost]:
    """The costs of clusters of so many nodes, without the right and with it."""
    for nodes in sizes:
        of_all, of_own = SAMPLED[nodes]
        yield cost(nodes, is_granted=False, sampled=of_own)
        yield cost(nodes, is_granted=True, sampled=of_all)


def _fullest_second(costs: Sequence[Cost]) -> Figure:
    goal = Goal(
        most=_MOST_IN_SECOND,
        statistic="worst",
        most_short=_MOST_IN_SECOND,
        margin="none is needed: virtual time",
    )
    return Figure(
        name="pokes of a node in its fullest second, 10 to 5,000 nodes",
        unit="packets",
        ours=[float(one.most_in_second) for one in costs],
        goals=[goal],
        note="poke.max_rate, and what the bucket holds when the second begins.",
    )


def _pokes(costs: Sequence[Cost]) -> Curves:
    return Curves(
        name="Packets of one node",
        x_label="nodes",
        y_label="pokes a second",
        lines=_lines(costs, lambda one: (one.nodes, one.pokes)),
        steepest=_STEEPEST,
        note="Each node pokes each other node's tunnel, and pods within poke.max_rate.",
    )


def _learnt(costs: Sequence[Cost]) -> Curves:
    return Curves(
        name="Bytes of watches to one node",
        x_label=f"pods in the cluster ({PODS_A_NODE} a node)",
        y_label="bytes a second",
        lines={_ALL: [(one.nodes * PODS_A_NODE, one.watch_bytes) for one in _granted(costs)]},
        steepest=_STEEPEST,
        note="In proportion to the pods: their changes are what is sent.",
    )


def _sent(costs: Sequence[Cost]) -> Curves:
    return Curves(
        name="Bytes of watches to all nodes",
        x_label="nodes",
        y_label="bytes a second",
        lines=_lines(costs, lambda one: (one.nodes, one.nodes * one.watch_bytes)),
        note="Where each node sees all pods, each change goes to each node: the square of the"
        " nodes. This is why packaging/doc/scale.md says from when on to do without.",
    )


def _granted(costs: Sequence[Cost]) -> list[Cost]:
    return [one for one in costs if one.is_granted]


def _lines(
    costs: Sequence[Cost], point: Callable[[Cost], tuple[float, float]]
) -> dict[str, list[tuple[float, float]]]:
    return {
        name: [point(one) for one in costs if one.is_granted is is_granted]
        for name, is_granted in ((_ALL, True), (_OWN, False))
    }


@click.command()
@click.option("--write", is_flag=True, help="Put the tables into packaging/doc/scale.md.")
def main(write: bool) -> None:
    """Simulate all clusters and print the tables."""
    made = tables(list(simulate(tuple(SAMPLED))))
    print(made)
    if write:
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
        print(f"written: {PAGE}", file=sys.stderr)


if __name__ == "__main__":
    main()
