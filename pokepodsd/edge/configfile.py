"""Reads ``pokepodsd.toml``: its tables, and the line of each key.

Owns the file; what its values may be is `core.config`'s to say.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pokepodsd.errors import Complaint, ConfigError

# The sample, with every comment, has 8,000 characters.
_LONGEST = 1024 * 1024
# Characters that are read to find the lines; of an endless list each end of a line is tried.
_MOST_WORK = 512 * 1024
_CLOSING = re.compile("[]}]|\"\"\"|'''")


def read(path: Path) -> dict[str, Any]:
    """The tables of the file; a file that does not exist has none.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    return _parse(_text(path), path)


def key_lines(path: Path) -> dict[str, int]:
    """The line on which each key path is set, counted from 1.

    Found with the real parser, a statement at a time: a statement is the fewest lines that are
    TOML by themselves, and one that goes over several lines ends in one that closes something.
    """
    # Not splitlines: it also parts at separators that TOML takes for text.
    lines = _text(path).split("\n")
    found: dict[str, int] = {}
    table, begin, work = "", 0, 0
    for end, line in enumerate(lines, start=1):
        if end > begin + 1 and not _CLOSING.search(line):
            continue
        statement = "\n".join(lines[begin:end])
        work += len(statement)
        if work > _MOST_WORK:
            # Of what stands further down, the line is not told.
            break
        try:
            tables = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue
        if is_header := lines[begin].lstrip().startswith("["):
            table = ""
        for key in sorted(_keys(tables)):
            found.setdefault(f"{table}{key}", begin + 1)
        if is_header:
            table = f"{max(_keys(tables), key=len)}."
        begin = end
    return found


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_LONGEST + 1)
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        complaint = Complaint(key="", text=f"cannot be read: {reason}")
        raise ConfigError(str(path), (complaint,)) from error
    if len(text) > _LONGEST:
        complaint = Complaint(key="", text=f"is longer than {_LONGEST} characters")
        raise ConfigError(str(path), (complaint,))
    return text


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # The parser lets through what its nesting, or a number of thousands of digits, ends in.
        complaint = Complaint(key="", text=f"is not TOML: {error}")
        raise ConfigError(str(path), (complaint,)) from error


def _keys(tables: Mapping[str, Any]) -> set[str]:
    keys = set(tables)
    for section, table in tables.items():
        if isinstance(table, dict):
            keys |= {f"{section}.{name}" for name in table}
    return keys
