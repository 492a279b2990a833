"""Runs that take turns, so that what else the machine does meets all of them.

Owns their order and nothing else.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

Value = TypeVar("Value")


def interleave(runs: int, contenders: Mapping[str, Callable[[], Value]]) -> dict[str, list[Value]]:
    """Let each contender run ``runs`` times: A B C, C B A, A B C, ...

    Every other round goes backwards, so that none always comes after the same one.
    """
    values: dict[str, list[Value]] = {name: [] for name in contenders}
    for number in range(runs):
        order = list(contenders)[:: 1 if number % 2 == 0 else -1]
        for name in order:
            values[name].append(contenders[name]())
    return values
