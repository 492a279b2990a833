"""Compares who opens the tunnels of a cluster while deployments roll out: `make lab`.

`python -m tests.laboratory --help` names the options. Owns the exits: 0 when every relation held, 1
when one did not or the comparison failed, 2 for wrong usage, 77 without root, and 128 plus the
number of a signal that ended it. Whichever it is, nothing stays behind.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from tests.demo import FAILURES, NO_PERMISSION
from tests.demonstration.interrupts import Interrupts
from tests.demonstration.teller import WIDTH
from tests.rollout import report, schedule
from tests.rollout.ground import Ground
from tests.rollout.legs import LEGS
from tests.rollout.measurement import Result, measure

NODES = range(2, 21)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parse(arguments)
    if os.geteuid() != 0:
        _complain("it makes network namespaces, and needs root for it: sudo make lab")
        return NO_PERMISSION
    with Interrupts() as interrupts:
        ground = Ground(interrupts)
        try:
            status = _run(ground, interrupts, options)
        finally:
            failed = _clean_up(ground)
        return failed or status


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


def _run(ground: Ground, interrupts: Interrupts, options: argparse.Namespace) -> int:
    try:
        results = _compare(ground, options, Console(width=WIDTH))
        if options.json:
            told = report.as_json(results, {"nodes": options.nodes, "seed": options.seed})
            options.json.write_text(json.dumps(told, indent=2) + "\n")
    except KeyboardInterrupt:
        number = interrupts.number or signal.SIGINT
        _complain(f"ended by {signal.Signals(number).name}, and cleans up")
        return 128 + number
    except FAILURES as error:
        _complain(str(error))
        return 1
    broken = list(report.broken_relations(results))
    for relation in broken:
        _complain(relation)
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


def _clean_up(ground: Ground) -> int:
    try:
        ground.close()
        left = ground.find_leftovers()
    except FAILURES as error:
        _complain(f"the clean-up failed: {error}")
        return 1
    if left:
        _complain(f"the clean-up left {', '.join(left)}")
        return 1
    return 0


def _complain(text: str) -> None:
    sys.stderr.write(f"lab: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
