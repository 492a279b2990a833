"""A matrix as a program reads it: version 1 of `packaging/schema/matrix-1.json`.

Owns the document. Each node and each pair stands on a line of its own, so that it can be searched
and compared by line.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from pokepodsd import __version__
from pokepodsd.core.matrix import Matrix, State
from pokepodsd.core.shape import time_text

VERSION: Final = 1


def document_parts(matrix: Matrix) -> Iterator[str]:
    """The document's text, a part at a time."""
    header = {
        "version": VERSION,
        "program": __version__,
        "at": _time(matrix.at_seconds),
        "source": matrix.source,
        "pairs_total": matrix.pairs,
        "states": {
            state.value: number
            for state, number in matrix.counts().items()
            if state is not State.ITSELF
        },
    }
    yield json.dumps(header)[:-1]
    yield from _array("nodes", _nodes(matrix))
    yield from _array("pairs", _pairs(matrix))
    yield "}\n"


def _array(name: str, entries: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield f',\n"{name}": ['
    separator = "\n"
    for entry in entries:
        yield f"{separator}{json.dumps(entry)}"
        separator = ",\n"
    yield "\n]"


def _nodes(matrix: Matrix) -> Iterator[dict[str, Any]]:
    for node in matrix.nodes:
        yield {
            "name": node.name,
            "addresses": list(node.addresses),
            "report": node.report.value,
            "note": node.note,
        }


def _pairs(matrix: Matrix) -> Iterator[dict[str, Any]]:
    for poker, row in enumerate(matrix.rows):
        for poked, cell in enumerate(row):
            if poker == poked:
                continue
            rtt = cell.rtt_seconds
            yield {
                "from": matrix.nodes[poker].name,
                "to": matrix.nodes[poked].name,
                "state": cell.state.value,
                "is_failing": cell.state.is_failing,
                "is_one_way": matrix.is_one_way(poker, poked),
                "since": None if cell.since_seconds is None else _time(cell.since_seconds),
                "rtt": None
                if rtt is None
                else {"median_seconds": rtt, "worst_seconds": cell.worst_rtt_seconds},
                "text": cell.text,
            }


def _time(seconds: float) -> str:
    return time_text(datetime.fromtimestamp(seconds, UTC))
