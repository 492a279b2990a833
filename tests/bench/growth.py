"""What one node pays as the cluster grows: real daemons with 10 to 150,000 pods.

Owns the sizes and how growth is judged. Every daemon learns its pods from the test API server, and
pokes what its defaults make of them: beyond 2,000 pods a few of each node, 200 a second in all.
"""

import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.accounting import MB, cpu_ns, peak_bytes, pss_bytes
from tests.bench.figures import Curves, Finding, Passage, Run
from tests.cluster import Cluster, Daemon, told
from tests.daemon.wire import SECOND_NS, requests, wait_requests_until
from tests.lab import EchoCapture, Node
from tests.largecluster import DEVICE, NAMESPACE, TABLES, Size, tunnels_up

PODS = (10, 100, 1_000, 10_000, 150_000)
_SHORT = (10, 100, 1_000, 10_000)
_PODS_A_NODE = 30
_MS = 1e6
# Fixed costs flatten a line at its small end, and what is left of them when an empty daemon's are
# taken off is noise there.
_JUDGED_FROM = 1_000.0
_PATIENCE_SECONDS = 240.0
# What is less than this above an empty daemon's differs as much from start to start.
_NOISE_MS, _NOISE_MB = 50.0, 0.5
# Of 1,000 pods, which are learnt in a tenth of a second, that is still half.
_LEARNING_JUDGED_FROM = 10_000.0
# Of 10,000, which take 1.4 s, it is a twenty-fifth, or 0.02 of an exponent over the next size.
_SLACK = 0.05


def steepest(first: float, last: float) -> float:
    """The exponent of n log n between two sizes: what a line may be as steep as."""
    return 1 + math.log(math.log(last) / math.log(first)) / math.log(last / first)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """One daemon, with so many pods; ``steady`` is a second's, memory is of daemon and reader."""

    learning_ns: float
    list_bytes: float
    steady_ns: float
    pokes: float
    memory: tuple[float, float]
    peaks: tuple[float, float]


def measure(run: Run) -> Iterator[Finding]:
    """Daemons of each size, and an empty one, whose start and memory are taken off."""
    sizes = _SHORT if run.is_short else PODS
    costs = {}
    for pods in (0, *sizes):
        folder = run.folder / str(pods)
        folder.mkdir()
        # The first start of all makes the byte-code.
        runs = (run.runs(2, 1) if pods in {0, 1_000} else 1) + (pods == 0)
        costs[pods] = _of(Cluster(folder, nodes=1), pods, runs, steady_seconds=run.runs(5, 3))
    empty = costs.pop(0)
    yield from _curves(costs, empty)
    yield Passage(name="Growth on one node, in numbers", text=_table(costs, empty))


def _of(cluster: Cluster, pods: int, runs: int, *, steady_seconds: int) -> _Cost:
    """The cost of one size: a few starts from nothing, and the last one's steady time."""
    size = Size(peers=math.ceil(pods / _PODS_A_NODE), pods=pods)
    with cluster:
        here = cluster.lab.nodes[0]
        cluster.api.control.stamp_pods(NAMESPACE, size.stamps())
        os.setpriority(os.PRIO_PROCESS, cluster.api.pid, 19)
        with tunnels_up(here, size), EchoCapture(here, DEVICE) as capture:
            learning = []
            for number in range(runs):
                shutil.rmtree(cluster.folder / f"state-{here.name}", ignore_errors=True)
                cluster.api.control.clear_log()
                with cluster.daemon(here, TABLES, watchdog_seconds=60.0) as daemon:
                    learning.append(learning_ns(daemon, pods))
                    if number == runs - 1:
                        _wait_saved(cluster, here, pods)
                        steady = _observe(daemon, capture, steady_seconds, has_targets=pods > 0)
                    daemon.process.terminate()
                    daemon.process.wait(60.0)
        listed = sum(one.bytes for one in cluster.api.control.requests() if one.kind == "list")
    # What else the machine does only adds to it.
    return _Cost(learning_ns=min(learning), list_bytes=listed, **steady)


def learning_ns(daemon: Daemon, pods: int) -> int:
    """The processor time from the start to the last pod, with the imports; daemon and reader."""
    daemon.wait_status(rf"(?<!\d){pods} targets: .* API: watching", _PATIENCE_SECONDS)
    return cpu_ns(daemon.process.pid)


def _wait_saved(cluster: Cluster, here: Node, pods: int) -> None:
    """Until the first save is over, and the quick first pokes of few targets."""
    saved = cluster.folder / f"state-{here.name}" / "targets.json"
    while pods and not saved.exists():
        time.sleep(0.05)
    time.sleep(4.0)


def _observe(
    daemon: Daemon, capture: EchoCapture, seconds: int, *, has_targets: bool
) -> Mapping[str, Any]:
    """What it uses when all is known."""
    pid, reader = daemon.process.pid, daemon.reader_pid()
    if reader is None:
        raise LookupError("the daemon has no reader")
    begin, used = time.monotonic_ns(), cpu_ns(pid)
    if has_targets:
        wait_requests_until(capture, begin + seconds * SECOND_NS)
    else:
        time.sleep(seconds)
    used, end = cpu_ns(pid) - used, time.monotonic_ns()
    both = (pid, reader)
    return {
        "steady_ns": used * SECOND_NS / (end - begin),
        "pokes": len(requests(capture, begin)) * SECOND_NS / (end - begin),
        "memory": tuple(pss_bytes(one) for one in both),
        "peaks": tuple(peak_bytes(one) for one in both),
    }


def _curves(costs: Mapping[int, _Cost], empty: _Cost) -> Iterator[Curves]:
    yield curve(
        "Steady CPU by pods",
        "milliseconds a second",
        {"daemon and reader": {pods: one.steady_ns / _MS for pods, one in costs.items()}},
        "Pokes stay below 200 a second: beyond 1,000 pods in 5 s, more pods cost next to nothing.",
    )
    yield curve(
        "CPU a poke by pods",
        "microseconds",
        {
            "daemon and reader": {
                pods: one.steady_ns / one.pokes / 1e3 for pods, one in costs.items()
            }
        },
        "A wake-up for one poke costs as much as one for ten.",
    )
    yield curve(
        "CPU to learn, above an empty daemon's start",
        "milliseconds",
        {
            "daemon and reader": {
                pods: (one.learning_ns - empty.learning_ns) / _MS for pods, one in costs.items()
            }
        },
        "From the start to the last pod, with what is poked meanwhile.",
        least=_NOISE_MS,
        judged_from=_LEARNING_JUDGED_FROM,
    )
    yield _memory(costs, empty)
    yield curve(
        "Bytes of the first list",
        "bytes",
        {"lists": {pods: one.list_bytes for pods, one in costs.items()}},
        "The API server compresses an answer from 128 KiB on, a page of 500 pods into a thirtieth.",
    )


def _memory(costs: Mapping[int, _Cost], empty: _Cost) -> Curves:
    lines = {}
    for place, name in enumerate(("daemon", "reader")):
        lines[f"{name}, PSS"] = {
            pods: (one.memory[place] - empty.memory[place]) / MB for pods, one in costs.items()
        }
        lines[f"{name}, peak"] = {
            pods: (one.peaks[place] - empty.peaks[place]) / MB for pods, one in costs.items()
        }
    note = "The reader holds a page at a time. A peak is VmHWM."
    return curve("Memory above an empty daemon's", "MB", lines, note, least=_NOISE_MB)


def curve(
    name: str,
    y_label: str,
    lines: Mapping[str, Mapping[int, float]],
    note: str,
    *,
    least: float = 0.0,
    judged_from: float = _JUDGED_FROM,
) -> Curves:
    """One plot, without the points that are not above ``least``."""
    points = {
        line: [(float(pods), value) for pods, value in values.items() if value > least]
        for line, values in lines.items()
    }
    judged = (
        f"Judged from {judged_from:,.0f} pods on, between neighbouring sizes: n log n has an"
        f" exponent of 1.12 between 1,000 and 10,000, and {_SLACK} are for noise."
    )
    kept = {line: some for line, some in points.items() if some}
    if all(sum(pods >= judged_from for pods, _ in some) < 2 for some in kept.values()):
        judged = "Not judged in this form: that would be at sizes which it does not have."
    return Curves(
        name=name,
        x_label="pods",
        y_label=y_label,
        lines=kept,
        steepest=steepest(1_000, 10_000) + _SLACK,
        judged_from=judged_from,
        note=f"{note} {judged} Set: `{told(TABLES)}`.",
    )


def _table(costs: Mapping[int, _Cost], empty: _Cost) -> str:
    head = (
        "pods",
        "learn s",
        "steady ms/s",
        "pokes/s",
        "us a poke",
        "list kB",
        "PSS MB",
        "peak MB",
    )
    rows = [head, *(_row(pods, one) for pods, one in {0: empty, **costs}.items())]
    return "\n".join("".join(f"{cell:>13}" for cell in row) for row in rows)


def _row(pods: int, one: _Cost) -> Sequence[str]:
    return (
        f"{pods:,}",
        f"{one.learning_ns / SECOND_NS:.2f}",
        f"{one.steady_ns / _MS:.2f}",
        f"{one.pokes:.1f}",
        f"{one.steady_ns / one.pokes / 1e3:.0f}" if one.pokes else "-",
        f"{one.list_bytes / 1e3:.0f}",
        " + ".join(f"{part / MB:.0f}" for part in one.memory),
        " + ".join(f"{part / MB:.0f}" for part in one.peaks),
    )
