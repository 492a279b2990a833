"""How soon a new pod is poked: from the API server's event to the echo request on the wire.

Owns the comparison with the origin's loop, which is computed from one short round of it. The event
counts from the moment in which the API server writes it to its socket, the request by the kernel's
stamp of a capture in the daemon's namespace.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tests.apiserver.control_client import EventWritten
from tests.apiserver.podfactory import PodArguments
from tests.bench.accounting import run_command
from tests.bench.figures import Figure, Finding, Goal, Run
from tests.cluster import Cluster, pod_on, told
from tests.daemon.wire import SECOND_NS, requests, wait_request_to
from tests.lab import Echo, EchoCapture, Node

# 10,000 targets are 167 pokes a second; what the cap leaves is for the newcomers.
TABLES: dict[str, dict[str, Any]] = {"poke": {"interval": "60s", "max_rate": 1_000}}
EVENTS_A_SECOND = 100
# In the quiet part a new pod comes alone.
ALONE_A_SECOND = 20
# Numbers of pods: the few, those that come alone, those that make it many, those that come then.
_FIRST_ALONE, _FIRST_OF_MANY, _FIRST_BUSY = 101, 1_201, 12_001
_FIRST_NODE, _NODES = 15_001, 100
LOOP_SLEEP_SECONDS = 5.0
_LOOPED = 100
_LOOP = 'for address; do ping -c1 -W1 -q "$address" >/dev/null || exit 1; done'


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A cluster into which new pods come; each is named by its number."""

    cluster: Cluster
    capture: EchoCapture
    here: Node
    there: Node


def delays_ms(events: Sequence[EventWritten], pokes: Sequence[Echo], node: Node) -> list[float]:
    """From each new pod's event to the first request to it.

    Raises:
        ValueError: a new pod was not poked.
    """
    first: dict[str, int] = {}
    for echo in pokes:
        first.setdefault(echo.destination, echo.monotonic_ns)
    delays = []
    for event in events:
        if event.type == "ADDED":
            address = node.pod_address(int(event.name.rpartition("-")[2]))
            if address not in first:
                raise ValueError(f"{event.name} at {address} was not poked")
            delays.append((first[address] - event.at_ns) / 1e6)
    return delays


def loop_delay_ms(targets: int, *, ping_seconds: float) -> float:
    """The mean delay of a loop that lists, pings one after the other, and sleeps 5 s.

    A new pod waits for half a round until the next list, and then for half of the pods before it.
    The list itself is taken to cost no time.
    """
    pings_seconds = targets * ping_seconds
    return 1e3 * ((pings_seconds + LOOP_SLEEP_SECONDS) / 2 + pings_seconds / 2)


def measure(run: Run) -> Iterator[Finding]:
    """New pods alone, with few targets; and with 10,000 targets and 100 events a second."""
    with Cluster(run.folder, pod_prefix=18) as cluster:
        here, there = cluster.lab.nodes
        cluster.make_pods(there, 10)
        with cluster.daemon(here, TABLES) as daemon, EchoCapture(here) as capture:
            daemon.wait_status("10 targets: 10 up")
            scene = Scene(cluster=cluster, capture=capture, here=here, there=there)
            numbers = range(_FIRST_ALONE, _FIRST_ALONE + run.runs(1_000, 60))
            alone = _come(scene, numbers, a_second=ALONE_A_SECOND)
            many = run.runs(10_000, 2_000)
            changed = range(_FIRST_OF_MANY, _FIRST_OF_MANY + many - 10 - len(numbers))
            cluster.api.control.make_pods(_pod(there, number) for number in changed)
            daemon.wait_status(f" {many} targets: {many} up", 120.0)
            numbers = range(_FIRST_BUSY, _FIRST_BUSY + run.runs(1_000, 150))
            busy = _come(scene, numbers, a_second=EVENTS_A_SECOND // 2, changed=changed)
        ping_seconds = _ping_seconds(here, there)
    yield from _figures("10 targets", alone, 10, ping_seconds)
    name = f"{many:,} targets and {EVENTS_A_SECOND} events a second"
    yield from _figures(name, busy, many, ping_seconds)


def _figures(
    name: str, delays: Sequence[float], targets: int, ping_seconds: float
) -> Iterator[Finding]:
    loop = loop_delay_ms(targets, ping_seconds=ping_seconds)
    how = (
        f"{1e3 * ping_seconds:.1f} ms a ping, as {_LOOPED} of them took here, 5 s of sleep, and "
        "nothing for its list"
    )
    margin = "other work on the machine delays a process, and the server too, by a time slice"
    yield Figure(
        name=f"newcomer, {name}, median",
        unit="ms",
        ours=[median(delays)],
        peers={"the origin's loop": [loop]},
        goals=[Goal(most=10.0, most_short=50.0, margin=margin)],
        note=f"Of {len(delays):,} new pods. The origin's loop is computed, its mean: {how}.",
        settings=told(TABLES),
    )
    yield Figure(
        name=f"newcomer, {name}, worst of {len(delays):,}",
        unit="ms",
        ours=[max(delays)],
        goals=[Goal(most=60.0, most_short=500.0, margin=margin)],
        settings=told(TABLES),
    )


def _come(
    scene: Scene, numbers: Sequence[int], *, a_second: float, changed: Sequence[int] = ()
) -> list[float]:
    """Let these pods come, at uneven times, each after a change of one of ``changed``."""
    control, roll = scene.cluster.api.control, random.Random(7)
    control.clear_log()
    begin = time.monotonic()
    for place, number in enumerate(numbers):
        due = begin + (place + roll.random()) / a_second
        time.sleep(max(0.0, due - time.monotonic()))
        if changed:
            annotations = {"metadata": {"annotations": {"turn": str(place)}}}
            name = _pod(scene.there, roll.choice(changed))["name"]
            control.patch_pod("shop", name, annotations)
        control.make_pods([_pod(scene.there, number)])
    since_ns = round(begin * SECOND_NS)
    wait_request_to(scene.capture, scene.there.pod_address(numbers[-1]), since_ns=since_ns)
    return delays_ms(control.events(), requests(scene.capture, since_ns), scene.there)


def _pod(there: Node, number: int) -> PodArguments:
    """One of a hundred nodes, whose own addresses answer as its pods do."""
    node = number % _NODES
    pod = pod_on(there, number)
    pod["node"], pod["host_address"] = f"node-{node:04}", there.pod_address(_FIRST_NODE + node)
    return pod


def _ping_seconds(here: Node, there: Node) -> float:
    """How long the origin's loop takes for one pod that answers."""
    addresses = [there.pod_address(number) for number in range(1, 1 + _LOOPED)]
    looped = run_command(here.command("sh", "-c", _LOOP, "loop", *addresses))
    if looped.status:
        raise RuntimeError(f"the loop failed: {looped.output}")
    return looped.wall_ns / SECOND_NS / _LOOPED
