"""The tables of `packaging/doc/scale.md`, made from simulated clusters.

Owns the columns, the rounding, and where in the page they stand. Judges nothing.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.simulation.cluster import Cost

PAGE = Path(__file__).parents[2] / "packaging" / "doc" / "scale.md"
BEGIN = "<!-- made by `python -m tests.bench.fleet --write` -->\n"
END = "<!-- end of what is made -->"
_NODE_COLUMNS = (
    "nodes",
    "sees",
    "pods poked",
    "each every",
    "pokes a second: tunnels + nodes + pods",
    "on its link",
    "a pod is asked, at most",
)
_API_COLUMNS = (
    "nodes",
    "sees",
    "lists, if all start",
    "watch events sent",
    "watches",
    "requests a minute (refused)",
)


def tables(costs: Sequence[Cost]) -> str:
    """Both tables, the one of a node and the one of the API server, for these clusters."""
    head = (
        "What one node does, in steady time:",
        "",
        *_table(_NODE_COLUMNS, map(node_row, costs)),
        "",
        "What the API server sends, to all nodes together:",
        "",
        *_table(_API_COLUMNS, map(api_row, costs)),
    )
    return "\n".join(head) + "\n"


def node_row(cost: Cost) -> str:
    """One line of the first table."""
    kind = "a few of each node" if cost.is_narrowed else "all"
    return _row(
        f"{cost.nodes:,}",
        _sees(cost),
        f"{rounded(cost.pods_poked)}, {kind}",
        _time(cost.interval_seconds),
        " + ".join(map(rounded, (cost.tunnel_pokes, cost.underlay_pokes, cost.pod_pokes))),
        f"{amount(cost.link_bytes)}/s",
        _often(cost.receives_most),
    )


def api_row(cost: Cost) -> str:
    """One line of the second table."""
    everywhere = cost.nodes
    asked, refused = cost.requests * 60 * everywhere, cost.refused * 60 * everywhere
    return _row(
        f"{cost.nodes:,}",
        _sees(cost),
        amount(cost.list_bytes * everywhere),
        f"{rounded(cost.events * everywhere)} a second",
        f"{amount(cost.watch_bytes * everywhere)}/s",
        f"{rounded(asked)} ({rounded(refused)})",
    )


def with_tables(page: str, made: str) -> str:
    """The page with these tables in place of those it has.

    Raises:
        ValueError: it has no place for them, or several.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in after:
        raise ValueError(f"there is not one place for the tables: {BEGIN.strip()} ... {END}")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def rounded(value: float) -> str:
    """Two digits that count; more before a decimal point are zeroes."""
    if value == 0:
        return "0"
    number = float(f"{value:.2g}")
    return f"{number:,.0f}" if number >= 10 else f"{number:g}"


def amount(size: float) -> str:
    """Bytes in decimal units."""
    for unit in ("B", "kB", "MB"):
        if float(f"{size:.2g}") < 1000:
            return f"{rounded(size)} {unit}"
        size /= 1000
    return f"{rounded(size)} GB"


def _often(a_second: float) -> str:
    return f"{rounded(a_second)} a second" if a_second >= 1 else f"every {_time(1 / a_second)}"


def _time(seconds: float) -> str:
    return f"{rounded(seconds)} s" if seconds < 100 else f"{rounded(seconds / 60)} min"


def _sees(cost: Cost) -> str:
    return "all pods" if cost.is_granted else "its own pods"


def _table(columns: Sequence[str], rows: Iterator[str]) -> Iterator[str]:
    yield _row(*columns)
    yield "|---" * len(columns) + "|"
    yield from rows


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
