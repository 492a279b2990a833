"""Reads ``pokepodsd.toml``: its tables, and the line of each key.

Owns the file; what its values may be is `core.config`'s to say.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pokepodsd.errors import Complaint, ConfigError

DEFAULT_PATH = Path("/etc/pokepodsd.toml")


def read(path: Path) -> dict[str, Any]:
    """The tables of the file; a file that does not exist has none.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    return _parse(_text(path), path)


def key_lines(path: Path) -> dict[str, int]:
    """The line on which each key path is set, counted from 1.

    Found with the real parser: the line of a key is the first after the longest whole beginning
    of the file in which it is not set yet. Costs a parse for every line, so it is for errors.
    """
    lines = _text(path).splitlines()
    found: dict[str, int] = {}
    next_line = 1
    for count in range(1, len(lines) + 1):
        try:
            tables = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            # The beginning ends within a value that goes over several lines.
            continue
        for key in _keys(tables):
            found.setdefault(key, next_line)
        next_line = count + 1
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        complaint = Complaint(key="", text=f"cannot be read: {reason}")
        raise ConfigError(str(path), (complaint,)) from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        complaint = Complaint(key="", text=f"is not TOML: {error}")
        raise ConfigError(str(path), (complaint,)) from error


def _keys(tables: Mapping[str, Any]) -> set[str]:
    keys = set(tables)
    for section, table in tables.items():
        if isinstance(table, dict):
            keys |= {f"{section}.{name}" for name in table}
    return keys
