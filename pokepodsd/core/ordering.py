"""The order in which people look for names: node-2 comes before node-10.

Owns that order, for every picture, table and list of nodes.
"""

import re

NaturalKey = tuple[list[tuple[int, str]], str]

# No number of a name is longer than what int() takes in a moment.
_PART = re.compile(r"([0-9]{1,18})|([^0-9]+)")


def natural_order(name: str) -> NaturalKey:
    """What a name is sorted by: its numbers as such, before any text."""
    parts = _PART.findall(name)
    return [(int(number) if number else -1, text) for number, text in parts], name
