"""Commands that change one setting in the configuration file.

Owns how a statement of TOML is found and changed by sed(1), and what the file says after that, so
that a change can be tried before it is told. Writes nothing.
"""

import json
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A command, and the file's text after it."""

    command: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The configuration file: its text ("" where there is none) and the line of each key."""

    path: Path
    text: str
    lines: Mapping[str, int]

    def comment_out(self, begin: int, end: int) -> Edit:
        """Take lines back, counted from 1; ``end`` is the last of them."""
        changed = self._lines()
        changed[begin - 1 : end] = [f"#{line}" for line in changed[begin - 1 : end]]
        return self._sed(f"{_range(begin, end)}s/^/#/", changed)

    def comment_out_key(self, key: str) -> Edit | None:
        """Take a setting back, so that its default applies."""
        begin = self.lines.get(key)
        return None if begin is None else self.comment_out(begin, self._end(begin))

    def rename(self, key: str, name: str) -> Edit | None:
        """Write the last part of a key otherwise."""
        begin, old = self.lines.get(key), key.rpartition(".")[2]
        if begin is None or not _BARE_KEY.fullmatch(old):
            return None
        changed = self._lines()
        changed[begin - 1] = changed[begin - 1].replace(old, name, 1)
        return self._sed(f"{begin}s/{old}/{name}/", changed)

    def set_key(self, key: str, value: object) -> Edit:
        """Give a setting a value, where it stands, else in its table, else in a new one."""
        section, _, name = key.partition(".")
        # TOML's strings and lists are written as JSON's.
        statement = f"{name} = {json.dumps(value, ensure_ascii=False)}"
        changed, begin, header = self._lines(), self.lines.get(key), self.lines.get(section)
        text = statement.replace("\\", "\\\\")
        if begin is not None:
            end = self._end(begin)
            changed[begin - 1 : end] = [statement]
            return self._sed(f"{_range(begin, end)}c\\{text}", changed)
        if header is not None:
            changed.insert(header, statement)
            return self._sed(f"{header}a\\{text}", changed)
        added = ["", f"[{section}]", statement]
        words = " ".join(shlex.quote(line) for line in added)
        command = f"printf '%s\\n' {words} >> {shlex.quote(str(self.path))}"
        return Edit(command=command, text=self.text + "\n".join([*added, ""]))

    def _lines(self) -> list[str]:
        return self.text.split("\n")

    def _sed(self, script: str, changed: list[str]) -> Edit:
        command = f"sed -i {shlex.quote(script)} {shlex.quote(str(self.path))}"
        return Edit(command=command, text="\n".join(changed))

    def _end(self, begin: int) -> int:
        """The last line of the statement that begins here: the fewest that are TOML."""
        lines = self._lines()
        for end in range(begin, len(lines) + 1):
            try:
                tomllib.loads("\n".join(lines[begin - 1 : end]))
            except (ValueError, RecursionError):
                continue
            return end
        return begin


def _range(begin: int, end: int) -> str:
    return str(begin) if begin == end else f"{begin},{end}"
