"""Kubernetes' own limits on one node: 150,000 pods on 5,000 nodes, listed, poked, restored.

Owns these figures and the definition of lateness. The test API server runs at the lowest priority:
in a cluster it is another machine.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean

from pokepodsd.core.engine import TICK_NS
from tests.bench.accounting import MB, cpu_ns, cpu_ns_of, peak_bytes
from tests.bench.figures import Figure, Finding, Goal, Passage, Run
from tests.cluster import Cluster, Daemon, told
from tests.daemon.wire import SECOND_NS, requests, wait_requests_until
from tests.lab import EchoCapture, Node
from tests.largecluster import DEVICE, LIMITS, NAMESPACE, TABLES, Size, tunnels_up

_SHORT = Size(peers=500, pods=15_000)
_PATIENCE_SECONDS = 240.0
_MS = 1e6
_SHARED = "a runner of CI has few cores, and shares them"
_LATENESS = (
    "Lateness is what the tick does not explain: the longest time without a poke on the wire, less "
    "a tick (50 ms) and the mean gap between two pokes."
)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What a daemon did for a while: processor time (its own, and with its children), pokes.

    ``waited_seconds`` is how long it could have run and had no processor: others' doing.
    """

    seconds: float
    own_seconds: float
    all_seconds: float
    late_ms: float
    waited_seconds: float


class _Meter:
    """Measures one daemon from one time to the next."""

    def __init__(self, capture: EchoCapture, daemon: Daemon, begin_ns: int) -> None:
        self._capture = capture
        self._pid = daemon.process.pid
        self._begin_ns = begin_ns
        self._own_ns = self._all_ns = self._waited_ns = 0

    def stretch(self) -> _Stretch:
        """What it did since the last call."""
        now = time.monotonic_ns()
        own_ns, all_ns, waited_ns = cpu_ns_of(self._pid), cpu_ns(self._pid), _waited_ns(self._pid)
        # One more poke, so that a silence at the end is seen.
        wait_requests_until(self._capture, now)
        times = [echo.monotonic_ns for echo in requests(self._capture, self._begin_ns)]
        made = _Stretch(
            seconds=(now - self._begin_ns) / SECOND_NS,
            own_seconds=(own_ns - self._own_ns) / SECOND_NS,
            all_seconds=(all_ns - self._all_ns) / SECOND_NS,
            late_ms=lateness_ns(times) / _MS,
            waited_seconds=(waited_ns - self._waited_ns) / SECOND_NS,
        )
        self._begin_ns = now
        self._own_ns, self._all_ns, self._waited_ns = own_ns, all_ns, waited_ns
        return made


def _waited_ns(pid: int) -> int:
    """How long a process's first thread was ready and did not run: schedstat's second field."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1])


def lateness_ns(times_ns: Sequence[int]) -> float:
    """The worst lateness among pokes that left at these times, where there is always one to send.

    It is what the tick does not explain: a turn comes up between two ticks and its poke leaves with
    the next, so that the gap to the poke before is at most a tick and the space of two turns.
    """
    gaps = [after - before for before, after in pairwise(times_ns)]
    return max(0.0, max(gaps) - TICK_NS - mean(gaps)) if gaps else 0.0


def measure(run: Run) -> Iterator[Finding]:
    """List all, poke for a while, stop; start again with what was saved and no API server."""
    size = _SHORT if run.is_short else LIMITS
    with Cluster(run.folder, nodes=1) as cluster:
        here = cluster.lab.nodes[0]
        cluster.api.control.stamp_pods(NAMESPACE, size.stamps())
        with tunnels_up(here, size), EchoCapture(here, DEVICE) as capture:
            with _put_last(cluster.api.pid):
                yield from _learn(cluster, here, size, capture, steady_seconds=run.runs(20, 5))
            cluster.api.kill()
            yield from _restore(cluster, here, size, capture)


@contextmanager
def _put_last(pid: int) -> Iterator[None]:
    """Let a process have what the others leave of the processors."""
    os.setpriority(os.PRIO_PROCESS, pid, 19)
    # sched(7): between sessions, each of which is a group, it is the group's that counts.
    group = Path(f"/proc/{pid}/autogroup")
    before = autogroup_nice(group.read_text()) if group.exists() else None
    if before is None:
        yield
        return
    group.write_text("19")
    try:
        yield
    finally:
        # The server is of this session.
        Path("/proc/self/autogroup").write_text(before)


def autogroup_nice(text: str) -> str | None:
    """The nice value of a session's group, from /proc/PID/autogroup.

    None where it has no group, and its own nice value counts: the file is empty then
    (proc_sched_autogroup_show_task of the kernel), as with all that never left the first session.
    """
    return text.rsplit(maxsplit=1)[-1] if text else None


def _learn(
    cluster: Cluster, here: Node, size: Size, capture: EchoCapture, *, steady_seconds: int
) -> Iterator[Finding]:
    """From nothing to all pods by the list, and on."""
    with cluster.daemon(here, TABLES, watchdog_seconds=60.0) as daemon:
        meter = _Meter(capture, daemon, daemon.ready_ns)
        daemon.wait_status(rf"{size.pods} targets: .* API: watching", _PATIENCE_SECONDS)
        listing = meter.stretch()
        saved = cluster.folder / f"state-{here.name}" / "targets.json"
        while not saved.exists():
            time.sleep(0.05)
        saving = meter.stretch()
        wait_requests_until(capture, time.monotonic_ns() + steady_seconds * SECOND_NS)
        steady = meter.stretch()
        peak = peak_bytes(daemon.process.pid)
        daemon.process.terminate()
        daemon.process.wait(60.0)
    parts = (listing, saving, steady)
    yield Figure(
        name=f"CPU to learn {_named(size)} and poke on, daemon and reader",
        unit="s",
        ours=[sum(one.all_seconds for one in parts)],
        goals=[Goal(most=30, most_short=12, margin=_SHARED)],
        note=f"From the start to {steady_seconds} s after the list and the first save.",
        settings=told(TABLES),
    )
    yield _late("while they are listed", listing)
    yield _late("while they are poked on, and saved", steady, saving)
    yield _peak(size, "that listed them", peak)
    yield Figure(
        name=f"steady CPU, {_named(size)}",
        unit="% of a core",
        ours=[100 * steady.all_seconds / steady.seconds],
        settings=told(TABLES),
    )
    rows = [f"{name:<8} {_row(one)}" for name, one in zip(_PARTS, parts, strict=True)]
    rows.append(f"the test API server: CPU {cpu_ns_of(cluster.api.pid) / SECOND_NS:.1f} s")
    yield Passage(name=f"{_named(size)}: what was spent when", text="\n".join(rows))


_PARTS = ("listing", "saving", "steady")


def _row(one: _Stretch) -> str:
    return (
        f"{one.seconds:6.1f} s: CPU {one.own_seconds:6.2f} s daemon, "
        f"{one.all_seconds - one.own_seconds:6.2f} s reader, worst lateness {one.late_ms:4.0f} ms, "
        f"{one.waited_seconds:5.2f} s without a processor"
    )


def _restore(cluster: Cluster, here: Node, size: Size, capture: EchoCapture) -> Iterator[Finding]:
    """From the state file, with a dead API server."""
    with cluster.daemon(here, TABLES, watchdog_seconds=60.0) as daemon:
        meter = _Meter(capture, daemon, daemon.ready_ns)
        ready_seconds = (daemon.ready_ns - daemon.started_ns) / SECOND_NS
        daemon.wait_status(f"{size.pods} targets", _PATIENCE_SECONDS)
        restoring = meter.stretch()
        peak = peak_bytes(daemon.process.pid)
    yield Figure(
        name=f"from the start to READY with {_named(size)} saved",
        unit="s",
        ours=[ready_seconds],
        goals=[Goal(most=3, most_short=10, margin=_SHARED)],
        settings=told(TABLES),
    )
    yield Figure(
        name="from there until all of them are known",
        unit="s",
        ours=[restoring.seconds],
        note=f"While they are restored: {_row(restoring)}.",
        settings=told(TABLES),
    )
    yield _late("while they are restored", restoring)
    yield _peak(size, "that restored them", peak)


def _late(when: str, *stretches: _Stretch) -> Figure:
    return Figure(
        name=f"worst lateness of a poke {when}",
        unit="ms",
        ours=[max(one.late_ms for one in stretches)],
        goals=[Goal(most=50, statistic="worst", most_short=500, margin=_SHARED)],
        note=_LATENESS,
        settings=told(TABLES),
    )


def _peak(size: Size, what: str, peak: int) -> Figure:
    return Figure(
        name=f"peak memory (VmHWM) of a daemon {what}, {_named(size)}",
        unit="MB",
        ours=[peak / MB],
        goals=[Goal(most=220, most_short=120, margin="the imports differ by their versions")],
        settings=told(TABLES),
    )


def _named(size: Size) -> str:
    return f"{size.pods:,} pods on {size.peers:,} nodes"
