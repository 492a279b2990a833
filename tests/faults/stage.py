"""The stage of a fault: two nodes, pods on one, and the daemon under a journal on the other.

Owns what must hold after every fault: the targets are right, each is poked in its turn, nothing is
lost, memory and descriptors are where they were, and exactly these entries were written. Which
fault, and when it is over, is for the tests.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pokepodsd.core.entries import EventKind
from pokepodsd.edge.control import NAME, Client
from tests.bench.accounting import descriptor_count, family, resident_bytes, thread_count
from tests.cluster import Cluster, Tables
from tests.daemon.journalled import JournalledDaemon, daemon_under_a_journal, kinds
from tests.daemon.nodes import register
from tests.daemon.wire import SECOND_NS, longest_gap, requests, to_pods, wait_requests_until
from tests.lab import EchoCapture, Node, by_destination

INTERVAL_SECONDS: Final = 1.0
TABLES: Final[Tables] = {"poke": {"interval": "1s", "timeout": "500ms"}}
PODS: Final = 20
# The unit's.
WATCHDOG_SECONDS: Final = 30.0
# A turn that is left out makes two intervals of one; below, a busy machine may be as late as it is.
_LONGEST_GAP_SECONDS: Final = 1.9 * INTERVAL_SECONDS
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """What a daemon and its children hold; ``threads`` and ``descriptors`` are of all together."""

    daemon_bytes: int
    all_bytes: int
    descriptors: int
    threads: int
    processes: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """What the process and its descendants hold now."""
        pids = [*family(pid)]
        return cls(
            daemon_bytes=resident_bytes(pid),
            all_bytes=sum(resident_bytes(one) for one in pids),
            descriptors=sum(descriptor_count(one) for one in pids),
            threads=sum(thread_count(one) for one in pids),
            processes=len(pids),
        )


class Stage:
    """One running daemon with all its targets up, from before a fault to after it."""

    def __init__(
        self, cluster: Cluster, daemon: JournalledDaemon, capture: EchoCapture, pods: int
    ) -> None:
        self.cluster = cluster
        self.here, self.there = cluster.lab.nodes[:2]
        self.daemon = daemon
        self.capture = capture
        self.pods = {*range(1, pods + 1)}
        """The numbers of the pods of the other node."""
        self._begin_ns = time.monotonic_ns()
        self._before = Footprint.of(daemon.process.pid)

    def make_pod(self, number: int) -> None:
        """One more pod at the other node."""
        self.cluster.make_pods(self.there, 1, first=number)
        self.pods.add(number)

    def remove_pod(self, number: int) -> None:
        """One pod of the other node less."""
        self.cluster.api.control.delete_pod("shop", f"{self.there.name}-{number}")
        self.pods.discard(number)

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the daemon answers at its control socket, where that is one line."""
        with closing(Client(self.control)) as client:
            return client.ask(request)

    @property
    def control(self) -> Path:
        """The daemon's control socket."""
        return self.cluster.runtime_folder(self.here) / NAME

    def wait_well(self, *, api: str = "watching", seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until all targets are up, and the API is as said."""
        count = len(self.pods)
        self.daemon.wait_status(rf".*{count} targets: {count} up, 0 down.* API: {api}", seconds)

    def survived(
        self,
        *entries: EventKind,
        api: str = "watching",
        gap_seconds: float = _LONGEST_GAP_SECONDS,
        grown_mb: float = 8.0,
        well_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """Check all that must hold after a fault, and end the daemon.

        ``gap_seconds`` is the longest that a target which was there all the time may have waited
        for its next poke; ``entries`` are all that the journal was told, in order.
        """
        self.wait_well(api=api, seconds=well_seconds)
        self._check_pokes(gap_seconds)
        self._check_footprint(grown_mb)
        told = self.daemon.finish()
        assert kinds(told) == [one.name for one in entries]
        self._check_saved()

    def _check_pokes(self, gap_seconds: float) -> None:
        """Exactly the targets are poked, and none waited while the fault was on."""
        well_ns = time.monotonic_ns()
        wait_requests_until(self.capture, well_ns + round(2 * INTERVAL_SECONDS * SECOND_NS))
        wanted = {self.there.pod_address(number) for number in self.pods}
        now = to_pods(requests(self.capture, well_ns), self.there)
        assert {*by_destination(now)} == wanted
        all_the_time = [
            echo
            for echo in to_pods(requests(self.capture, self._begin_ns), self.there)
            if echo.destination in {self.there.pod_address(n) for n in range(1, PODS + 1)} & wanted
        ]
        assert longest_gap(all_the_time) <= gap_seconds * SECOND_NS

    def _check_footprint(self, grown_mb: float) -> None:
        after = Footprint.of(self.daemon.process.pid)
        print(f"  before {self._before}\n  after {after}")
        assert after.daemon_bytes <= self._before.daemon_bytes + grown_mb * 1e6
        assert after.all_bytes <= self._before.all_bytes + 2 * grown_mb * 1e6
        # One connection to the API server more or less, as the moment has it.
        assert after.descriptors <= self._before.descriptors + 2
        assert after.threads <= self._before.threads + 1
        assert after.processes == self._before.processes

    def _check_saved(self) -> None:
        saved = self.cluster.folder / f"state-{self.here.name}" / "targets.json"
        with saved.open(encoding="utf-8") as file:
            assert json.loads(file.readline())["targets"] == len(self.pods)


@contextmanager
def stage(
    cluster: Cluster,
    tables: Tables | None = None,
    *,
    pods: int = PODS,
    captured_at: Node | None = None,
    prefix: Sequence[str] = (),
    watchdog_seconds: float = WATCHDOG_SECONDS,
) -> Iterator[Stage]:
    """Run the daemon on the first node of a cluster with this many pods on the second, all up.

    The pokes are captured there too, or at another node, where the first one's link goes or a flood
    comes. The daemon is started by ``prefix``.
    """
    here, there = cluster.lab.nodes[:2]
    cluster.make_pods(there, pods)
    merged = {**TABLES, **(tables or {})}
    with (
        EchoCapture(captured_at or here) as capture,
        daemon_under_a_journal(
            cluster, here, merged, prefix=prefix, watchdog_seconds=watchdog_seconds
        ) as daemon,
    ):
        daemon.settle(rf".*{pods} targets: {pods} up, 0 down.* API: watching")
        yield Stage(cluster, daemon, capture, pods)


@contextmanager
def two_nodes(folder: Path) -> Iterator[Cluster]:
    """Two nodes on a hub, with an API server that has their Node objects."""
    with Cluster(folder) as started:
        register(started, *started.lab.nodes)
        yield started
