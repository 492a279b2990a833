"""Owns who pokes in each leg, and what the API server grants them.

Each leg leaves the cluster as it found it, but for the filter's memory.
"""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import Cluster, Tables
from tests.lab import LabError, Node, Process
from tests.rollout.timings import (
    LOOP_SLEEP,
    PING_WAIT,
    POKE_INTERVAL,
    POKE_TIMEOUT,
    TUNNELS_INTERVAL,
)

LOOP = Path(__file__).with_name("loop.sh")
PODLIST = Path(__file__).with_name("podlist.py")

NOTHING_NAME = "nothing"
LOOP_NAME = "the origin's loop"
TUNNELS_ONLY_NAME = "tunnels only"
POKEPODSD_NAME = "pokepodsd"

# The defaults, but for the scale.
TABLES: Tables = {
    "poke": {"interval": POKE_INTERVAL.setting, "timeout": POKE_TIMEOUT.setting},
    "tunnels": {"interval": TUNNELS_INTERVAL.setting},
}

# Has everybody poke in the body; gives when the last one was started (monotonic).
Poking = Callable[[Cluster], AbstractContextManager[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One of those that are compared."""

    name: str
    what: str
    poking: Poking


@contextlib.contextmanager
def nobody(cluster: Cluster) -> Iterator[int]:
    yield time.monotonic_ns()


@contextlib.contextmanager
def origins_loop(cluster: Cluster) -> Iterator[int]:
    """The shell loop on each node, with the right to list all pods.

    LabError where it complained: a loop that cannot list would be compared as one that does not
    help.
    """
    loops: list[Process] = []
    with _granted(cluster), contextlib.ExitStack() as stack:
        for node in cluster.lab.nodes:
            started_ns = time.monotonic_ns()
            command = node.command("sh", str(LOOP))
            process = Process(command, env=_loop_environment(cluster, node))
            loops.append(stack.enter_context(process))
        yield started_ns
        said = [line for loop in loops for line in loop.lines("stderr")]
        if said or not all(loop.is_running for loop in loops):
            raise LabError(f"the loop failed: {said}")


@contextlib.contextmanager
def tunnels_only(cluster: Cluster) -> Iterator[int]:
    """A pokepodsd on each node, which the API server refuses the pods of all others."""
    for known_from_before in cluster.folder.glob("state-*"):
        shutil.rmtree(known_from_before)
    with cluster.daemons(cluster.lab.nodes, TABLES) as started:
        yield max(daemon.started_ns for daemon in started.values())


@contextlib.contextmanager
def pokepodsd(cluster: Cluster) -> Iterator[int]:
    """The same with the right to list and watch all pods."""
    with _granted(cluster), tunnels_only(cluster) as started_ns:
        yield started_ns


LEGS = (
    Leg(name=NOTHING_NAME, what="nobody pokes", poking=nobody),
    Leg(
        name=LOOP_NAME,
        what="on each node, in shell: list the pods (a small client stands in for kubectl), ping "
        "one after the other, sleep",
        poking=origins_loop,
    ),
    Leg(
        name=TUNNELS_ONLY_NAME,
        what="pokepodsd; the API server refuses it the pods of other nodes",
        poking=tunnels_only,
    ),
    Leg(
        name=POKEPODSD_NAME,
        what="with its defaults; the API server grants it all pods",
        poking=pokepodsd,
    ),
)


@contextlib.contextmanager
def _granted(cluster: Cluster) -> Iterator[None]:
    with cluster.lab.hub.inside():
        cluster.api.admin.grant()
    try:
        yield
    finally:
        with cluster.lab.hub.inside():
            cluster.api.admin.revoke()


def _loop_environment(cluster: Cluster, node: Node) -> dict[str, str]:
    api = cluster.api
    certificate = cluster.kubelet_folder(node) / "pki" / "kubelet-client-current.pem"
    words = [sys.executable, "-I", "-S", PODLIST, api.listen, api.port]
    words += [api.authority.certificate_path, certificate]
    return {
        **os.environ,
        "LIST_PODS": " ".join(map(str, words)),
        "PING_WAIT": str(PING_WAIT.seconds),
        "LOOP_SLEEP": str(LOOP_SLEEP.seconds),
    }
