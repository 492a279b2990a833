"""A cluster under faults and churn for hours: `make soak`.

`python -m tests.soak --help` names the options. Exits with 1 also where something was not as it
must be, with 2 for wrong usage, and otherwise as `tests.demonstration.exits` says.
"""

import argparse
import json
import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from tests.demonstration.exits import complain, perform
from tests.demonstration.teller import WIDTH
from tests.soak import report
from tests.soak.churn import Churn
from tests.soak.kinds import table
from tests.soak.run import Run, build, play, running
from tests.soak.schedule import Planned, draw
from tests.soak.world import PLACES, Size, World

_SHOWN = 50


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    return perform("soak", World, lambda world: _run(world, options))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="soak", description="Runs a cluster under faults and churn, and looks for what leaks."
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="default 20")
    parser.add_argument("--seed", type=int, help="of the faults and the pods; default: any")
    parser.add_argument("--nodes", type=_nodes, default=20, help="2 to 20; default 20")
    parser.add_argument("--pods", type=int, default=2000, help="default 2000")
    parser.add_argument("--interval", type=float, default=20.0, help="seconds; default 20")
    parser.add_argument("--changes", type=float, default=1.0, help="of pods a second; default 1")
    parser.add_argument("--output", type=Path, default=Path("build/soak"), metavar="FOLDER")
    return parser.parse_args(arguments)


def _nodes(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= 20:
        raise argparse.ArgumentTypeError(f"{text!r} is not 2 to 20")
    return int(text)


def _run(world: World, options: argparse.Namespace) -> int:
    out = Console(width=WIDTH, highlight=False)

    def say(text: str) -> None:
        out.print(text, markup=False, soft_wrap=True)

    seed = secrets.randbelow(2**31) if options.seed is None else options.seed
    size = Size(
        nodes=options.nodes,
        pods=options.pods,
        interval_seconds=options.interval,
        changes=options.changes,
    )
    plan = draw(
        table(options.interval), seed=seed, seconds=options.minutes * 60, nodes=options.nodes
    )
    churn = Churn(seed=seed, nodes=size.nodes, pods=size.pods, per_node=PLACES)
    say(f"seed {seed}: {size}, {len(plan)} faults")
    for planned in plan:
        say(str(planned))
    options.output.mkdir(parents=True, exist_ok=True)
    build(world, size, churn, say)
    return _perform(world, plan, churn, seed, options.output, say)


def _perform(
    world: World,
    plan: Sequence[Planned],
    churn: Churn,
    seed: int,
    folder: Path,
    say: Callable[[str], None],
) -> int:
    with running(world, seed, folder) as run:
        try:
            play(run, plan, churn, say)
        finally:
            # What was found so far, also where it was interrupted.
            wrong = _tell(run, folder)
    return 1 if wrong else 0


def _tell(run: Run, folder: Path) -> int:
    """Write and show what was found; how much of it is wrong."""
    found = run.found()
    out = Console(width=WIDTH, highlight=False)
    out.print(report.table(found))
    for line in report.summary(found):
        out.print(line, markup=False, soft_wrap=True)
    lines = report.lines(found)
    for line in lines[:_SHOWN]:
        complain("soak", line)
    if len(lines) > _SHOWN:
        complain("soak", f"and {len(lines) - _SHOWN} more, in {folder / 'violations.txt'}")
    (folder / "violations.txt").write_text("".join(f"{line}\n" for line in lines))
    (folder / "results.json").write_text(json.dumps(report.as_json(found)) + "\n")
    return len(lines) + len(found.harness)


if __name__ == "__main__":
    sys.exit(main())
