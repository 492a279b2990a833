"""Small indexes: names counted under a key, and ids that stand under one.

Owns that a key is there only while something stands under it. Ids are kept as a tuple, which for
the one that there nearly always is takes a quarter of a set's memory.
"""

from collections import Counter
from collections.abc import Hashable
from itertools import islice
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Name = TypeVar("Name", bound=Hashable)
Id = TypeVar("Id", bound=Hashable)


def cut(some: set[Key], most: int | None) -> set[Key]:
    """Take what is more than so many out of a set."""
    more = set() if most is None else set(islice(some, most, None))
    some -= more
    return more


def shift(counts: dict[Key, Counter[Name]], key: Key, name: Name, by: int) -> bool:
    """Count, and say whether a name came or went."""
    counter = counts.get(key)
    if counter is None:
        counter = counts[key] = Counter()
    number = counter[name] = counter.get(name, 0) + by
    if number == 0:
        del counter[name]
        if not counter:
            del counts[key]
        return True
    return number == by


def insert(index: dict[Key, tuple[Id, ...]], key: Key, one: Id) -> None:
    """Put an id under a key, once."""
    known = index.get(key, ())
    if one not in known:
        index[key] = (*known, one)


def discard(index: dict[Key, tuple[Id, ...]], key: Key, one: Id) -> None:
    """Take an id away from under a key."""
    index[key] = tuple(other for other in index[key] if other != one)
    if not index[key]:
        del index[key]
