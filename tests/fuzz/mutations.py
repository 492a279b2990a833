"""Changes of an input, by dice: its bytes, the words of its format, the values of its JSON.

The same dice make the same change. Owns the bad values that the tests of single fields use too.
"""

import json
import random
from collections.abc import Sequence
from typing import Any, Final

HOSTILE: Final = (
    "\x1b[2J\x1b]0;owned\x07",
    "two\nlines",
    "carriage\rreturn",
    "line\u2028separator",
    "turned\u202eround",
    "C1 \x9b31m",
    "nul\x00",
    "half \ud800 pair",
    '"quoted" \\ {label}',
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "%s%n{0}",
)
"""Texts that are more than text to what shows or keeps them."""

ENORMOUS: Final = ("x" * 300, "\x01" * 5_000, "é" * 70_000)

WRONG: Final[tuple[Any, ...]] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2**63,
    10**400,
    float("inf"),
    float("nan"),
    "",
    "0",
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": None},
    {"ip": []},
)
"""Values of which most are of the wrong type, wherever they stand."""

ADDRESSES: Final = (
    "0.0.0.0",
    "127.0.0.1",
    "255.255.255.255",
    "224.0.0.1",
    "169.254.1.1",
    "010.1.1.1",
    "1.2.3",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "fe80::1%\x1b[2J",
    "ff02::1",
    "10.0.0.1/24",
    "\uff11\uff10.0.0.1",
)
"""What is no pod's address, in ways of which some look like one."""

BAD: Final[tuple[Any, ...]] = (*WRONG, *HOSTILE, *ENORMOUS, *ADDRESSES)
_MOST_CHANGES: Final = 4
_BYTES: Final = (b"\0", b"\xff", b"\n", b"\x1b[2J", b"\xed\xa0\x80", b"\xc3", b"\\u0000", b"9" * 40)

Path = tuple[str | int, ...]


def paths(value: object, so_far: Path = ()) -> list[Path]:
    """Where every value within a JSON value is, the inner ones after those that hold them."""
    found: list[Path] = []
    inner: Any = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        found.append((*so_far, key))
        found += paths(one, (*so_far, key))
    return found


def replaced(value: Any, path: Path, new: object) -> Any:
    """The JSON value with another one at this place."""
    if not path:
        return new
    first, *rest = path
    copied = value.copy()
    copied[first] = replaced(value[first], tuple(rest), new)
    return copied


def removed(value: Any, path: Path) -> Any:
    """The JSON value without what is at this place."""
    first, *rest = path
    copied = value.copy()
    if rest:
        copied[first] = removed(value[first], tuple(rest))
    else:
        del copied[first]
    return copied


def mutated(data: bytes, dice: random.Random, words: Sequence[bytes], longest: int) -> bytes:
    """The input with one to four changes, of at most so many bytes."""
    for _ in range(dice.randint(1, _MOST_CHANGES)):
        change = dice.choice((_change_json, _change_bytes, _change_words))
        data = change(data, dice, words)
    return data[:longest]


def _change_json(data: bytes, dice: random.Random, words: Sequence[bytes]) -> bytes:
    """One value of one line of JSON, which may follow a first byte that chooses something."""
    lines = data.split(b"\n")
    number = dice.randrange(len(lines))
    line = lines[number]
    begin = min((at for at in (line.find(b"{"), line.find(b"[")) if at >= 0), default=-1)
    try:
        value = json.loads(line[begin:]) if begin >= 0 else None
    except (ValueError, RecursionError):
        value = None
    if not (places := paths(value)):
        return _change_bytes(data, dice, words)
    place = dice.choice(places)
    if dice.random() < 0.2:
        changed = removed(value, place)
    else:
        changed = replaced(value, place, dice.choice(BAD))
    lines[number] = line[:begin] + json.dumps(changed).encode()
    return b"\n".join(lines)


def _change_bytes(data: bytes, dice: random.Random, _: Sequence[bytes]) -> bytes:
    begin = dice.randrange(len(data) + 1)
    end = min(len(data), begin + dice.choice((0, 1, 2, 4, 16, 256)))
    match dice.randrange(5):
        case 0:
            middle = b""
        case 1:
            middle = data[begin:end] * dice.choice((2, 3, 50))
        case 2:
            middle = bytes(one ^ (1 << dice.randrange(8)) for one in data[begin:end])
        case 3:
            middle = dice.choice(_BYTES)
        case _:
            middle = dice.randbytes(end - begin)
    return data[:begin] + middle + data[end:]


def _change_words(data: bytes, dice: random.Random, words: Sequence[bytes]) -> bytes:
    if not words:
        return _change_bytes(data, dice, words)
    word, other = dice.choice(words), dice.choice(words)
    if word in data and dice.random() < 0.5:
        return data.replace(word, other, 1)
    at = dice.randrange(len(data) + 1)
    return data[:at] + word + data[at:]
