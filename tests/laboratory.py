"""Compares who opens the tunnels of a cluster while deployments roll out: `make lab`.

`python -m tests.laboratory --help` names the options. Exits with 1 also when a relation did not
hold, with 2 for wrong usage, and otherwise as `tests.demonstration.exits` says.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.demonstration.exits import complain, perform
from tests.demonstration.teller import WIDTH
from tests.rollout import report, schedule
from tests.rollout.ground import Ground
from tests.rollout.legs import LEGS
from tests.rollout.measurement import Result, measure

NODES = range(2, 21)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    return perform("lab", Ground, lambda ground: _run(ground, options))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="laboratory",
        description="Rolls out deployments over IP-in-IP tunnels that a stateful filter keeps "
        "shut, while nobody, a shell loop and pokepodsd open them, and compares.",
    )
    parser.add_argument("--nodes", type=_node_count, default=3, help="2 to 20; default 3")
    parser.add_argument("--starts", type=_start_count, default=200, help="pods a leg; default 200")
    parser.add_argument("--seed", type=int, default=1, help="of what rolls out when; default 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured there")
    return parser.parse_args(arguments)


def _node_count(text: str) -> int:
    if not text.isdecimal() or int(text) not in NODES:
        raise argparse.ArgumentTypeError(f"{text!r} is not {NODES[0]} to {NODES[-1]}")
    return int(text)


def _start_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of pods")
    return int(text)


def _run(ground: Ground, options: argparse.Namespace) -> int:
    results = _compare(ground, options, Console(width=WIDTH))
    if options.json:
        told = report.as_json(results, {"nodes": options.nodes, "seed": options.seed})
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    broken = list(report.broken_relations(results))
    for relation in broken:
        complain("lab", relation)
    return 1 if broken else 0


def _compare(ground: Ground, options: argparse.Namespace, out: Console) -> list[Result]:
    began = time.monotonic()
    rollouts = schedule.plan(options.nodes, options.starts, options.seed)
    workload = ground.build(options.nodes, rollouts)
    out.print(
        f"{options.nodes} nodes, each a network namespace with an IP-in-IP tunnel to every other "
        f"and a stateful filter in front of it, {schedule.LIVING_PODS} pods that live and one "
        f"that is dead. {len(rollouts)} roll-outs (seed {options.seed}), the same in each leg, of "
        f"{len(rollouts[0].pods)} pods that all need one pod on another node."
    )
    out.print(report.times_table())
    results = []
    for leg in LEGS:
        out.print(f"[bold]{leg.name}[/bold]: {leg.what}")
        results.append(measure(ground.cluster, leg, workload, random.Random(options.seed)))
        out.print(f"  {report.rate_text(results[-1])} of the pods came up")
    out.print(report.results_table(results))
    out.print(f"All of it took {time.monotonic() - began:.0f} seconds.")
    return results


if __name__ == "__main__":
    sys.exit(main())
