"""Owns seeing how soon every pair of nodes is open. Opens none, and judges no time."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence

from tests.lab import LabTimeoutError, Node

SECOND_NS = 1_000_000_000


def others(node: Node, nodes: Sequence[Node]) -> set[str]:
    """Return the addresses of the nodes that this one must take packets from."""
    return {one.address for one in nodes} - {node.address}


def seconds_until_open(
    nodes: Sequence[Node], since_ns: int, patience_seconds: float
) -> float | None:
    """Return the seconds from this time (monotonic) until every pair is open; None for never."""
    deadline = time.monotonic() + patience_seconds
    with _looking_first():
        try:
            for node in nodes:
                left = max(0.0, deadline - time.monotonic())
                node.tunnel.wait_until_open(*others(node, nodes), timeout_seconds=left)
        except LabTimeoutError:
            return None
        return (time.monotonic_ns() - since_ns) / SECOND_NS


@contextlib.contextmanager
def _looking_first() -> Iterator[None]:
    """Run what looks before all else, where that is allowed.

    Looking at 20 nodes is 20 runs of conntrack(8). While 20 daemons still start on two cores, they
    would take seconds, in which the tunnels have long been open. A nice value does not help: each
    session is a group of its own to the scheduler.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)
