"""Owns what became of mutants, in a file that grows by a line each; their table and their texts."""

import ast
import difflib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tests.mutants.making import Mutant

_COLUMNS = ("mutants", "refused", "run", "killed", "survived", "timeout", "no tests", "left")


class Results:
    """What became of mutants, of modules as they are now."""

    def __init__(self, path: Path, hashes: dict[str, str]) -> None:
        self._path = path
        self._hashes = hashes
        self.status: dict[str, str] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                said = json.loads(line)
                if said["hash"] == hashes.get(said["module"]):
                    self.status[said["mutant"]] = said["status"]

    def add(self, mutant: Mutant, status: str, by: str) -> None:
        """Also a second time: the last one counts."""
        said = {"mutant": mutant.name, "module": mutant.module, "status": status, "by": by}
        said["hash"] = self._hashes[mutant.module]
        with self._path.open("a") as file:
            file.write(json.dumps(said) + "\n")
        self.status[mutant.name] = status


def tabulate(mutants: Sequence[Mutant], refused: set[str], status: dict[str, str]) -> str:
    """A table in Markdown, a module a line."""
    counts: dict[str, Counter[str]] = {}
    for mutant in mutants:
        count = counts.setdefault(mutant.module, Counter())
        count["mutants"] += 1
        if mutant.name in refused:
            count["refused"] += 1
        elif (became := status.get(mutant.name)) is None:
            count["left"] += 1
        else:
            count["run"] += 1
            count[became] += 1
    total: Counter[str] = Counter()
    for count in counts.values():
        total.update(count)
    rows = [*sorted(counts.items()), ("all", total)]
    lines = [f"| module | {' | '.join(_COLUMNS)} | killed of run |"]
    lines.append("|---" + "|--:" * (len(_COLUMNS) + 1) + "|")
    for name, count in rows:
        numbers = " | ".join(str(count[column]) for column in _COLUMNS)
        lines.append(f"| {name} | {numbers} | {_share(count)} |")
    return "\n".join(lines) + "\n"


def _share(count: Counter[str]) -> str:
    if not count["run"]:
        return ""
    return f"{100 * count['killed'] / count['run']:.1f} %"


def describe(mutants: Iterable[Mutant], status: dict[str, str]) -> Iterator[str]:
    """Each mutant that no test saw, with its change."""
    for mutant in mutants:
        if status.get(mutant.name) in ("survived", "no tests"):
            yield f"{status[mutant.name]}: {mutant.name}\n{_show_change(mutant)}\n"


def _show_change(mutant: Mutant) -> str:
    before, after = (
        ast.unparse(ast.fix_missing_locations(node)).splitlines()
        for node in (mutant.original, mutant.code)
    )
    lines = list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]
    return "\n".join(line for line in lines if "__mutmut_" not in line)
