"""Handling of faults that can be taken out, each with the test that sees it gone.

Owns the list, which is in the TOML files here. Changes nothing but copies.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """In the file at ``path``, ``old`` becomes ``new``, and the test with this id fails."""

    fault: str
    path: str
    old: str
    new: str
    test: str

    def apply(self, root: Path) -> None:
        """Take it out of the tree at ``root``.

        Raises:
            ValueError: the text is not there, or more than once.
        """
        file = root / self.path
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.path} has {text.count(self.old)} times {self.old!r}, not 1")
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")


def removals() -> Iterator[Removal]:
    """All of them, file by file."""
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        for one in tomllib.loads(path.read_text(encoding="utf-8"))["removal"]:
            yield Removal(**one)
