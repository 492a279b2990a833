"""5,000 peers that the kernel's routes alone show: no kubeconfig, no API server.

Owns how soon they are known and what that takes. The tunnels all lead into one device, behind
which every address answers.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.accounting import MB, family, peak_bytes
from tests.bench.figures import Figure, Finding, Goal, Passage, Run
from tests.bench.report import spread
from tests.cluster import Cluster, Daemon, told
from tests.largecluster import TABLES, Size, tunnels_up

PEERS = 5_000
# The newcomers are soon through, and every peer has answered: more is kept of it then.
MAX_RATE = 4_000
_TABLES: dict[str, dict[str, Any]] = {
    "poke": {"max_rate": MAX_RATE},
    **TABLES,
}
PATIENCE_SECONDS = 120.0
_LEARNT = f"the kernel's routes show {PEERS} peers"
_UNWANTED = re.compile(
    r"^import time: .*\| +((kubernetes|urllib3|ssl)(\.|$)|asyncio\.|pyroute2\.ndb)"
)


def measure(run: Run) -> Iterator[Finding]:
    """Several daemons, one after the other; one more tells what it imports."""
    learnt, ready, peaks, readers = [], [], [], []
    with _world(run.folder) as cluster:
        for _ in range(run.runs(3, 1)):
            with _daemon(cluster) as daemon:
                learnt.append((_learnt_ns(daemon) - daemon.started_ns) / 1e9)
                ready.append((daemon.ready_ns - daemon.started_ns) / 1e9)
                daemon.wait_status(f"{PEERS} peers: {PEERS} ok", PATIENCE_SECONDS)
                ours, reader = family(daemon.process.pid)
                peaks.append(peak_bytes(ours) / MB)
                readers.append(peak_bytes(reader) / MB)
        imports = list(_unwanted(cluster))
    yield Figure(
        name="5,000 peers from routes alone, learnt",
        unit="s",
        ours=learnt,
        goals=[Goal(most=1.0, most_short=3.0, margin="the imports alone take half of it")],
        note=f"From the exec to the entry that tells them; ready after {spread(ready)} s.",
        settings=told(_TABLES),
    )
    yield Figure(
        name="5,000 peers from routes alone, VmHWM of the daemon",
        unit="MB",
        ours=peaks,
        goals=[Goal(most=50, most_short=55, margin="other releases of Python take more")],
        note=f"All have answered. The reader, which waits for a kubeconfig: {spread(readers)} MB.",
        settings=told(_TABLES),
    )
    yield Figure(
        name="5,000 peers from routes alone, modules of kubernetes and its transport imported",
        unit="modules",
        ours=[float(len(imports))],
        goals=[Goal(most=0, most_short=0, margin="none is none")],
        note="In the daemon and its reader, by the interpreter's own log (-X importtime).",
        settings=told(_TABLES),
    )
    if imports:
        yield Passage(name="imported without an API", text="\n".join(imports))


@contextmanager
def _world(folder: Path) -> Iterator[Cluster]:
    """One node with its routes; the API server is dead, and nobody has left a kubeconfig."""
    with Cluster(folder, nodes=1) as cluster:
        here = cluster.lab.nodes[0]
        cluster.write_config(here)
        cluster.api.kill()
        with tunnels_up(here, Size(peers=PEERS)):
            yield cluster


@contextmanager
def _daemon(cluster: Cluster) -> Iterator[Daemon]:
    nobodys = {"kubernetes": {"kubeconfig": str(cluster.folder / "no-kubeconfig")}}
    here = cluster.lab.nodes[0]
    with cluster.daemon(here, {**_TABLES, **nobodys}, watchdog_seconds=60.0) as daemon:
        yield daemon


def _learnt_ns(daemon: Daemon) -> int:
    """When the daemon told the peers, by the monotonic clock."""
    daemon.process.wait_for_line(_LEARNT, PATIENCE_SECONDS)
    return next(one.at_ns for one in daemon.process.records() if _LEARNT in one.text)


def _unwanted(cluster: Cluster) -> Iterator[str]:
    """The modules that a daemon and its reader imported and need not have; nothing is measured."""
    program, cluster.program = cluster.program, ("-X", "importtime", *cluster.program)
    try:
        with _daemon(cluster) as daemon:
            daemon.wait_status(f"{PEERS} peers", PATIENCE_SECONDS)
            # The reader has looked for the kubeconfig, and told.
            daemon.process.wait_for_line("no-kubeconfig", PATIENCE_SECONDS)
            yield from unwanted(daemon.process.lines())
    finally:
        cluster.program = program


def unwanted(lines: Sequence[str]) -> list[str]:
    """The modules in a log of imports that a node without an API has no use for."""
    return [line.rpartition("|")[2].strip() for line in lines if _UNWANTED.search(line)]
