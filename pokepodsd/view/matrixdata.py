"""A matrix as the page's script reads it: small enough for 250,000 cells.

Owns the encoding; matrix.js has the other half of it. A row of a field is a text with so many
characters a cell, or those of one cell where all of the row are alike. Nothing in it can end a
script element: the five characters that could are written as escapes.
"""

import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import floor
from typing import Any, Final

from pokepodsd.core.matrix import Cell, Matrix, Order, Report, order_of, troubled
from pokepodsd.view.matrixlooks import LOOKS
from pokepodsd.view.matrixwords import digits, labels

ALPHABET: Final = (
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%()*+,-./:;=?@[]^_{|}"
)[:85]
LABEL_LENGTH: Final = 24
_BASE: Final = len(ALPHABET)
# Ages are exact to a second for three days, then to a minute for 138 days, then to an hour.
_SECONDS: Final = 259_200
_MINUTES: Final = 200_000
_MOST_TEXTS: Final = _BASE**2 - 1
_STATES: Final = {state: number for number, state in enumerate(LOOKS)}
_UNSAFE: Final = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}


def page_data(matrix: Matrix) -> str:
    """The data as JSON, to stand in a script element."""
    names = [node.name for node in matrix.nodes]
    texts = _numbered(cell.text for row in matrix.rows for cell in row)
    at_seconds = matrix.at_seconds
    failing, unwell = troubled(matrix)
    short = labels(names, LABEL_LENGTH)
    data = {
        "at": at_seconds,
        "nodes": [
            [node.name, label, node.report.value, node.note, list(node.addresses)]
            for node, label in zip(matrix.nodes, short, strict=True)
        ],
        "looks": [
            [look.key, look.letter, look.words, look.meaning, state.is_failing, state.is_verdict]
            for state, look in LOOKS.items()
        ],
        "trouble": [
            int(failing[number] + unwell[number] > 0 or node.report is not Report.REPORTING)
            for number, node in enumerate(matrix.nodes)
        ],
        "orders": {order.value: order_of(matrix, order) for order in Order},
        "states": _rows(matrix, lambda cell: str(_STATES[cell.state])),
        "rtt": _rows(matrix, lambda cell: encoded(_duration(cell.rtt_seconds), 2)),
        "worst": _rows(matrix, lambda cell: encoded(_duration(cell.worst_rtt_seconds), 2)),
        "since": _rows(matrix, lambda cell: encoded(_age(cell, at_seconds), 3)),
        "text": _rows(matrix, lambda cell: encoded(texts.get(cell.text, 0), 2)),
        "texts": list(texts),
    }
    return safe(data)


def safe(data: Any) -> str:
    """JSON that can stand in HTML."""
    return json.dumps(data, separators=(",", ":")).translate(_UNSAFE)


@lru_cache(maxsize=65_536)
def encoded(number: int, width: int) -> str:
    """A number in so many characters of the alphabet, the most significant first."""
    text = ""
    for _ in range(width):
        number, digit = divmod(number, _BASE)
        text = ALPHABET[digit] + text
    return text


def _rows(matrix: Matrix, encode: Callable[[Cell], str]) -> list[str]:
    rows = []
    for row in matrix.rows:
        cells = [encode(cell) for cell in row]
        rows.append(cells[0] if len(set(cells)) == 1 else "".join(cells))
    return rows


def _duration(seconds: float | None) -> int:
    """0 for none, 1 below a microsecond, else 2 and more: 900 for each power of ten."""
    if seconds is None:
        return 0
    parts = digits(seconds)
    return 1 if parts is None else 2 + (parts[1] + 6) * 900 + parts[0] - 100


def _age(cell: Cell, at_seconds: float) -> int:
    """0 for none, else 1 and more: seconds, then minutes, then hours."""
    if cell.since_seconds is None:
        return 0
    # Of the seconds that are shown, as in the table.
    age = max(0, floor(at_seconds) - floor(cell.since_seconds))
    if age < _SECONDS:
        return 1 + age
    minutes = (age - _SECONDS) // 60
    if minutes < _MINUTES:
        return 1 + _SECONDS + minutes
    hours = (age - _SECONDS - 60 * _MINUTES) // 3_600
    return min(1 + _SECONDS + _MINUTES + hours, _BASE**3 - 1)


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    """Each text and its number, from 1; there is room for so many, the rest is left out."""
    numbers: dict[str, int] = {}
    for text in texts:
        if text and text not in numbers and len(numbers) < _MOST_TEXTS:
            numbers[text] = len(numbers) + 1
    return numbers
