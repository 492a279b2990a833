"""The processor time of a watch event: reader and daemon, until the set of targets is changed.

Owns the events. A daemon as operators run it, in a lab, with 1,500 pods on 30 nodes, more than it
pokes at its 200 a second: what comes and goes changes whose turn it is, and not how many pokes
there are. What it uses above a stretch without events, in turns, is divided by their number. At 200
a second events share wake-ups; at 20, as in a cluster of 1,000 nodes, each has its own.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from statistics import median
from typing import Final

from tests.apiserver.podfactory import PodArguments
from tests.bench.accounting import cpu_ns_of
from tests.bench.figures import Figure, Finding, Goal, Run
from tests.bench.interleave import interleave
from tests.cluster import Cluster, Daemon, pod_on
from tests.lab import Node

PODS: Final = 1_500
NODES: Final = 30
FAST: Final = 200
SLOW: Final = 20
GOAL_US: Final = 150
# Before each stretch, so that what is measured is the rate as it lasts.
LEAD_SECONDS: Final = 1.0
# How many pods come and go, beside those that stay.
PASSING: Final = 1_000
_MARGIN: Final = "one short stretch beside another, on a machine that does other things"
_MARGIN_SLOW: Final = "few events, each of which finds the caches as cold as other work makes them"
_WOKEN: Final = (
    " Each event wakes the reader, and mostly the daemon too, which costs some hundred us with the"
    " caches that are cold then; at 200 a second several events share that."
)
Used = Mapping[str, float]


def measure(run: Run) -> Iterator[Finding]:
    """Stretches with nothing, with changes, and with pods that come and go, in turns."""
    with Cluster(run.folder, pod_prefix=19) as cluster:
        here, there = cluster.lab.nodes
        stage = Stage(cluster, there)
        cluster.api.control.make_pods(stage.pod(number) for number in range(PODS))
        with cluster.daemon(here) as daemon:
            daemon.wait_status(f"{PODS} targets: {PODS} up", 60.0)
            fast, slow = (1.5, 6.0) if run.is_short else (2.5, 20.0)
            for rate, seconds in ((FAST, fast), (SLOW, slow)):
                yield from _figures(stage, daemon, rate, seconds, runs=run.runs(3, 1))


def _figures(
    stage: "Stage", daemon: Daemon, rate: int, seconds: float, *, runs: int
) -> Iterator[Figure]:
    contenders = {
        name: partial(stretch, daemon, event, rate, seconds)
        for name, event in stage.kinds().items()
    }
    used = interleave(runs, contenders)
    quiet = used.pop("nothing")
    for name, stretches in used.items():
        yield figure(name, rate, quiet, stretches)


class Stage:
    """The pods, and what happens to them."""

    def __init__(self, cluster: Cluster, node: Node) -> None:
        self._control = cluster.api.control
        self._node = node
        self._changes = count()
        self._passed = count()

    def pod(self, number: int, *, ready: bool = True) -> PodArguments:
        """A pod with an address that answers, on one of many nodes."""
        made = pod_on(self._node, number + 1)
        return {**made, "node": f"worker-{number % NODES}", "ready": ready}

    def kinds(self) -> dict[str, Callable[[], None] | None]:
        """One event of each kind."""
        return {
            "nothing": None,
            "a pod is ready, or is not": self.change,
            "a pod comes, or goes": self.come_or_go,
        }

    def change(self) -> None:
        """The next pod is ready no more; in the next round it is ready again."""
        number = next(self._changes)
        is_ready = (number // PODS) % 2 == 1
        self._control.make_pods([self.pod(number % PODS, ready=is_ready)])

    def come_or_go(self) -> None:
        """A pod that is new, and then the same one is gone."""
        number, is_going = divmod(next(self._passed), 2)
        made = self.pod(PODS + number % PASSING)
        if is_going:
            self._control.delete_pod(made["namespace"], made["name"])
        else:
            self._control.make_pods([made])


def stretch(daemon: Daemon, event: Callable[[], None] | None, rate: int, seconds: float) -> Used:
    """What reader and daemon used, in ns a second, and how many events there were a second."""
    reader = daemon.reader_pid()
    if reader is None:
        raise RuntimeError("there is no reader")
    drive(event, rate, LEAD_SECONDS)
    before = cpu_ns_of(daemon.process.pid), cpu_ns_of(reader)
    begin = time.monotonic()
    events = drive(event, rate, seconds)
    lasted = time.monotonic() - begin
    after = cpu_ns_of(daemon.process.pid), cpu_ns_of(reader)
    return {
        "daemon": (after[0] - before[0]) / lasted,
        "reader": (after[1] - before[1]) / lasted,
        "events": events / lasted,
    }


def drive(event: Callable[[], None] | None, rate: int, seconds: float) -> int:
    """Let it happen, evenly, so many times a second; how often it did."""
    begin = time.monotonic()
    if event is None:
        time.sleep(seconds)
        return 0
    total = round(rate * seconds)
    for number in range(total):
        time.sleep(max(0.0, begin + number / rate - time.monotonic()))
        event()
    return total


def figure(name: str, rate: int, quiet: Sequence[Used], runs: Sequence[Used]) -> Figure:
    """Microseconds an event, of both processes together; each in the note."""
    parts = {
        part: [
            (one[part] - still[part]) / one["events"] / 1e3
            for one, still in zip(runs, quiet, strict=True)
        ]
        for part in ("daemon", "reader")
    }
    middle = {part: median(values) for part, values in parts.items()}
    return Figure(
        name=f"CPU a watch event, {rate} a second: {name}",
        unit="us",
        ours=[sum(both) for both in zip(*parts.values(), strict=True)],
        goals=[
            Goal(
                most=GOAL_US,
                most_short=(4 if rate == FAST else 12) * GOAL_US,
                margin=_MARGIN if rate == FAST else _MARGIN_SLOW,
            )
        ],
        note=(
            f"Evenly; in the middle the reader {middle['reader']:.0f}, the daemon"
            f" {middle['daemon']:.0f}, above what both use without events."
            + ("" if rate == FAST else _WOKEN)
        ),
    )
