"""Owns which mutants there are, and which of them mypy refuses.

mutmut says what the mutants are: one function with one change each, all of a module in one file.
That file is for mypy and for reading; it is never imported. Constants of modules and classes,
and functions with a decorator (properties), have no mutants.
"""

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents

CORE = Path("pokepodsd/core")
# All mutants of a constructor declare the same attributes, which is no fault of theirs.
_NOT_OF_MUTANTS = ("no-redef", "unused-ignore")
_MANGLED = re.compile(r"x(?:ǁ(?P<owner>\w+)ǁ|_)(?P<function>\w+?)__mutmut_(?P<number>\d+|orig)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One function with one change."""

    module: str
    """Its name within the core."""
    owner: str | None
    """The class that the function is a method of."""
    function: str
    number: int
    code: ast.FunctionDef
    original: ast.FunctionDef

    @property
    def qualified(self) -> str:
        """The function's name within its module."""
        return f"{self.owner}.{self.function}" if self.owner else self.function

    @property
    def name(self) -> str:
        """What no other mutant is called."""
        return f"{self.module}:{self.qualified}:{self.number}"


def make(root: Path, folder: Path) -> list[Mutant]:
    """All mutants of the core below ``root``, from files written to ``folder``.

    Those of modules that are as they were when they were made last are not made again.
    """
    made = folder / "made.json"
    before = json.loads(made.read_text()) if made.exists() else {}
    shutil.copytree(root / "pokepodsd", folder / "pokepodsd", dirs_exist_ok=True, ignore=_is_core)
    (folder / CORE).mkdir(exist_ok=True)
    hashes, mutants = hash_modules(root), []
    for path in sorted((root / CORE).glob("*.py")):
        place = folder / CORE / path.name
        if before.get(path.stem) != hashes[path.stem]:
            place.write_text(mutate_file_contents(str(path), path.read_text()).code)
        mutants += _read(path.stem, ast.parse(place.read_text()))
    made.write_text(json.dumps(hashes))
    return mutants


def _is_core(folder: str, names: list[str]) -> list[str]:
    return [CORE.name] if Path(folder).name == CORE.parts[0] else []


def hash_modules(root: Path) -> dict[str, str]:
    """Each module of the core with a hash of its source, by name."""
    return {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (root / CORE).glob("*.py")
    }


def find_refused(root: Path, folder: Path, mutants: list[Mutant]) -> set[str]:
    """The names of those that mypy refuses."""
    command = [sys.executable, "-m", "mypy", "--output", "json"]
    command += ["--config-file", str((root / "pyproject.toml").resolve())]
    command += [word for code in _NOT_OF_MUTANTS for word in ("--disable-error-code", code)]
    command.append(str(CORE))
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    wrong: dict[str, set[int]] = {}
    for line in done.stdout.splitlines():
        said = json.loads(line)
        if said["severity"] == "error":
            wrong.setdefault(Path(said["file"]).stem, set()).add(said["line"])
    refused = set()
    for mutant in mutants:
        lines = wrong.get(mutant.module, set())
        first, last = mutant.code.lineno, mutant.code.end_lineno or mutant.code.lineno
        if not lines.isdisjoint(range(first, last + 1)):
            refused.add(mutant.name)
    return refused


def _read(module: str, tree: ast.Module) -> list[Mutant]:
    functions = [(None, node) for node in tree.body if isinstance(node, ast.FunctionDef)]
    methods = [
        (node.name, inner)
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for inner in node.body
        if isinstance(inner, ast.FunctionDef)
    ]
    mutants = []
    original: ast.FunctionDef | None = None
    for owner, node in (*functions, *methods):
        named = _MANGLED.fullmatch(node.name)
        if named is None:
            continue
        if named["number"] == "orig":
            original = node
            continue
        assert original is not None
        mutants.append(
            Mutant(
                module=module,
                owner=owner,
                function=named["function"],
                number=int(named["number"]),
                code=node,
                original=original,
            )
        )
    return mutants
