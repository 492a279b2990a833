"""`pokepodsd status` where 150,000 targets are known, beside the least that the program can do.

Owns what is timed: the command as an operator runs it, from its start to its end, into a pipe and
on a terminal.
"""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from pokepodsd.edge.control import NAME, Client
from tests.bench.accounting import as_installed
from tests.bench.figures import Figure, Finding, Goal, Run
from tests.bench.interleave import interleave
from tests.cluster import Cluster, told
from tests.largecluster import LIMITS, TABLES, Size, save_pods, tunnels_up

_SHORT = Size(peers=500, pods=15_000)
_TABLES: dict[str, dict[str, Any]] = {
    **TABLES,
    # All have been poked within seconds. More than `pods.scope` "auto" pokes all of, still.
    "poke": {"max_rate": 2_000, "interval": "10s", "fail_after": 1},
}
_PATIENCE_SECONDS = 240.0
_MS = 1e6
_VERSION = "--version"
_GOAL = Goal(most=150, most_short=600, margin="a runner of CI has slow cores, and shares them")


def measure(run: Run) -> Iterator[Finding]:
    """While all is well, and while nothing answers: 200 pods have a row each."""
    size = _SHORT if run.is_short else LIMITS
    with Cluster(run.folder, nodes=1) as cluster:
        here = cluster.lab.nodes[0]
        cluster.write_config(here)
        cluster.api.kill()
        save_pods(cluster, here, size)
        path = str(cluster.runtime_folder(here) / NAME)
        with (
            tunnels_up(here, size) as far_end,
            cluster.daemon(here, _TABLES, watchdog_seconds=60.0) as daemon,
        ):
            known = rf"{size.peers} peers: {size.peers} ok; {size.pods} targets: .* 0 opening"
            daemon.wait_status(known, _PATIENCE_SECONDS)
            runs = run.runs(9, 3)
            yield from _figures(path, runs, f"{size.pods:,} targets, all well")
            far_end.stop()
            daemon.wait_status(r"this node is cut off.* \d{3,} down", _PATIENCE_SECONDS)
            yield from _figures(path, runs, f"{size.pods:,} targets, none answers")


def _figures(path: str, runs: int, what: str) -> Iterator[Finding]:
    answer = _answer(path)
    times = interleave(
        runs,
        {
            "pipe": partial(into_a_pipe, "status", "--socket", path),
            "terminal": partial(on_a_terminal, "status", "--socket", path),
            "JSON": partial(into_a_pipe, "status", "-o", "json", "--socket", path),
            "answer": partial(_timed_answer, path),
            _VERSION: partial(into_a_pipe, _VERSION),
        },
    )
    rows = f"{answer['peers']} peers and {answer['targets']} targets have a row"
    peers = {"pokepodsd --version": times[_VERSION]}
    settings = told(_TABLES)
    for form, where in (("pipe", "into a pipe"), ("terminal", "on a terminal")):
        yield Figure(
            name=f"status of {what}, {where}",
            unit="ms",
            ours=times[form],
            peers=peers,
            goals=[_GOAL],
            note=rows,
            settings=settings,
        )
    yield Figure(
        name=f"status of {what}, -o json",
        unit="ms",
        ours=times["JSON"],
        peers=peers,
        settings=settings,
    )
    yield Figure(
        name=f"the daemon's answer alone, {what}",
        unit="ms",
        ours=times["answer"],
        settings=settings,
    )


def _answer(path: str) -> Mapping[str, int]:
    """How many peers and targets the answer names."""
    with closing(Client(Path(path))) as client:
        *_, end = client.stream({"status": {}})
    counts: Mapping[str, int] = end["end"]
    return counts


def _timed_answer(path: str) -> float:
    begin = time.monotonic_ns()
    _answer(path)
    return (time.monotonic_ns() - begin) / _MS


def into_a_pipe(*arguments: str) -> float:
    """How long the program runs, in ms."""
    begin = time.monotonic_ns()
    # What is down makes its status 1.
    subprocess.run(_command(arguments), check=False, capture_output=True, env=as_installed())
    return (time.monotonic_ns() - begin) / _MS


def on_a_terminal(*arguments: str) -> float:
    """The same, with somebody who reads what it draws."""
    ours, theirs = pty.openpty()
    begin = time.monotonic_ns()
    with subprocess.Popen(_command(arguments), stdout=theirs, env=as_installed()) as process:
        os.close(theirs)
        # EIO: the last one that had the terminal open is gone (tty_ioctl(4)).
        with suppress(OSError):
            while os.read(ours, 65_536):
                pass
        process.wait()
    os.close(ours)
    return (time.monotonic_ns() - begin) / _MS


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pokepodsd", *arguments]
