"""One parser as it is fuzzed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Entry = Callable[[bytes], None]
"""Takes any bytes. Whatever it raises is a defect: what a parser may raise, it takes care of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An entry, and what the search begins with.

    ``longest`` is that of an input in bytes.
    """

    entry: Entry
    seeds: Callable[[], Iterable[bytes]]
    longest: int = 16 * 1024
    words: tuple[bytes, ...] = ()
    """What the format is made of: put in and changed for one another."""
