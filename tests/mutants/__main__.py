"""`python -m tests.mutants`: owns the order of things, and what is said of them.

Mutants come in an order that a seed decides, module by module in equal parts: a run that is ended,
by `--minutes` or by hand, is a fair sample of every module, and the next run goes on from there.
"""

import argparse
import json
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.mutants.making import Mutant, find_refused, hash_modules, make
from tests.mutants.results import Results, describe, tabulate
from tests.mutants.running import MutantLoop, Result

_SEED = 7
_WANTED_SHARE = 0.85
# Without: a terminal, explanations, and what looks at tests from outside.
_PYTEST = ["-q", "-s", "--assert=plain", "--tb=native", "--hypothesis-profile=few"]
_PYTEST += ["-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0"]
# What runs for several seconds each shows how much at once goes well, by the same code.
_PYTEST += ["--deselect", "tests/core/test_engine_starving.py"]


def main() -> int:
    """Make, judge and run mutants; the exit status is 1 when too few are seen."""
    options = _parse(sys.argv[1:])
    folder = Path(options.folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    root = Path.cwd()
    hashes = hash_modules(root)
    mutants = make(root, folder)
    refused = _find_refused(root, folder, mutants, hashes)
    results = Results(folder / "results.jsonl", hashes)
    again = {"survived", "no tests"} if options.again else set()
    waiting = [
        mutant
        for mutant in _deal(mutants)
        if mutant.name not in refused
        and results.status.get(mutant.name, "again") in again | {"again"}
        and (not options.module or mutant.module in options.module)
    ]
    print(f"{len(mutants)} mutants, {len(refused)} refused, {len(waiting)} to run", flush=True)
    if waiting and not options.table:
        _run(waiting, results, folder, options)
    table = tabulate(mutants, refused, results.status)
    (folder / "table.md").write_text(table)
    (folder / "survivors.txt").write_text("\n".join(describe(mutants, results.status)))
    print(table)
    seen = [became == "killed" for became in results.status.values()]
    return 0 if sum(seen) >= _WANTED_SHARE * len(seen) else 1


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--folder", default="build/mutants", help="for files and results")
    parser.add_argument("--minutes", type=float, default=24 * 60, help="begin none after so long")
    parser.add_argument("--module", action="append", help="only of this module; repeatable")
    parser.add_argument("--again", action="store_true", help="run survivors once more")
    parser.add_argument("--table", action="store_true", help="only write the table")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--test-seconds",
        type=float,
        default=30.0,
        help="the quickest tests of a function up to so many seconds of the processor",
    )
    return parser.parse_args(arguments)


def _find_refused(
    root: Path, folder: Path, mutants: list[Mutant], hashes: dict[str, str]
) -> set[str]:
    path = folder / "refused.json"
    if path.exists():
        known = json.loads(path.read_text())
        if known["hashes"] == hashes:
            return set(known["refused"])
    refused = find_refused(root, folder, mutants)
    path.write_text(json.dumps({"hashes": hashes, "refused": sorted(refused)}))
    return refused


def _deal(mutants: list[Mutant]) -> list[Mutant]:
    modules: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        modules[mutant.module].append(mutant)
    places = []
    for module, members in modules.items():
        random.Random(f"{_SEED} {module}").shuffle(members)
        for number, mutant in enumerate(members):
            places.append((number / len(members), mutant.name, mutant))
    return [mutant for _, _, mutant in sorted(places, key=lambda place: place[:2])]


def _run(
    waiting: list[Mutant], results: Results, folder: Path, options: argparse.Namespace
) -> None:
    def tell(result: Result) -> None:
        results.add(result.mutant, result.status, result.by)

    until = time.monotonic() + 60 * options.minutes
    loop = MutantLoop(waiting, tell, folder, options.workers, options.test_seconds, until)
    status = pytest.main([*_PYTEST, "tests/core"], plugins=[loop])
    assert status == pytest.ExitCode.OK, status


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Tests that are made from a set have the same names and order every time.
        command = [sys.executable, "-m", "tests.mutants", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
