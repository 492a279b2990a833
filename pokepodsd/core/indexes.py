"""Small indexes, from a key to the few names that it has.

Owns how they are kept: nothing stays of a key that has none. Names are in tuples, since nearly all
keys have one name, for which a set takes four times the memory.
"""

from collections import Counter
from itertools import islice
from typing import TypeVar

_Key = TypeVar("_Key")
_Name = TypeVar("_Name")


def insert(index: dict[_Key, tuple[_Name, ...]], key: _Key, name: _Name) -> None:
    """Give a key a name, if it does not have it already."""
    known = index.get(key, ())
    if name not in known:
        index[key] = (*known, name)


def discard(index: dict[_Key, tuple[_Name, ...]], key: _Key, name: _Name) -> None:
    """Take a name from a key that has some."""
    index[key] = tuple(one for one in index[key] if one != name)
    if not index[key]:
        del index[key]


def shift(counts: dict[_Key, Counter[_Name]], key: _Key, name: _Name, by: int) -> bool:
    """Count how often a key has a name, and say whether the name came or went."""
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


def cut(some: set[_Key], most: int | None) -> set[_Key]:
    """Take what is more than so many out of a set."""
    more = set() if most is None else set(islice(some, most, None))
    some -= more
    return more
