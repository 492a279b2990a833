"""What the daemon and its reader take with 1,000 pods from the API, and after they listed again.

Owns these figures, and those of the bare imports beside them. Each is a proportional set size
(proc(5), smaps_rollup): pages that processes share are divided among them. The programs run from
this virtual environment, with byte-code. The package's are the same modules, with docstrings.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.accounting import MB, as_installed, family, kib_of, peak_bytes, pss_bytes
from tests.bench.figures import Figure, Finding, Goal, Passage, Run
from tests.cluster import Cluster, Daemon, told

PODS = 1_000
# Each list comes in two pages.
PAGE = 500
POD_PREFIX = 18
TABLES: dict[str, dict[str, Any]] = {"poke": {"max_rate": 1_000}}
PATIENCE_SECONDS = 60.0
# What came with the last page is poked, and its pages are given back.
SETTLE_SECONDS = 2.0
MORE_LISTS = 3
IMPORTS = "import kubernetes, pyroute2, prometheus_client"
# What runs, that nothing is compiled while it is measured.
_COMPILED = "import icmplib, pokepodsd.cli.run, pokepodsd.reader, pokepodsd.edge.apiserver"
_MARGIN = "pages are shared with whatever else runs Python meanwhile, and so count less or more"
_GOLDPINGER = "goldpinger publishes 28 MB of resident memory for one of its pods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One process: its proportional set, what of it is no file's, its files and its peak.

    In bytes; ``files`` are the pages of files that it has mapped, shared or not.
    """

    pss: int
    anonymous: int
    files: int
    peak: int

    @classmethod
    def of(cls, pid: int) -> "Share":
        """What a process takes now."""
        return cls(
            pss=pss_bytes(pid),
            anonymous=kib_of(f"/proc/{pid}/smaps_rollup", "Pss_Anon"),
            files=kib_of(f"/proc/{pid}/status", "RssFile"),
            peak=peak_bytes(pid),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """The daemon and its reader at one moment."""

    daemon: Share
    reader: Share

    @property
    def together(self) -> int:
        """Their proportional sets, in bytes."""
        return self.daemon.pss + self.reader.pss

    @property
    def alone_on_the_node(self) -> int:
        """What they take where nothing else runs Python, in bytes.

        The reader maps the files that the daemon does, and more; each page counts once.
        """
        return self.daemon.anonymous + self.reader.anonymous + self.reader.files


def look(pid: int) -> Household:
    """The daemon of this number, and the one child that it has."""
    daemon, reader = family(pid)
    return Household(daemon=Share.of(daemon), reader=Share.of(reader))


def measure(run: Run) -> Iterator[Finding]:
    """Several daemons one after the other, each followed by the bare imports."""
    _import(_COMPILED)
    _import(IMPORTS)
    lives: list[list[Household]] = []
    imports: list[Share] = []
    with Cluster(run.folder, pod_prefix=POD_PREFIX) as cluster:
        here, there = cluster.lab.nodes
        cluster.make_pods(there, PODS)
        # Lists are told by their pages.
        cluster.api.control.change_settings(watch_list=False, bookmark_interval_seconds=0.05)
        for _ in range(run.runs(3, 1)):
            with cluster.daemon(here, TABLES) as daemon:
                lives.append(list(_live(cluster, daemon, run.runs(MORE_LISTS, 2))))
            imports.append(_import(IMPORTS))
    first = [life[0] for life in lives]
    yield from _together(first, imports)
    yield Figure(
        name="memory with 1,000 pods from the API, the daemon alone",
        unit="MB",
        ours=[one.daemon.pss / MB for one in first],
        goals=[Goal(most=45, most_short=45, margin="it is far below")],
        settings=told(TABLES),
    )
    yield Figure(
        name="memory after more lists of the same pods",
        unit="MB",
        ours=[life[-1].together / MB for life in lives],
        peers={"after one more": [life[1].together / MB for life in lives]},
        goals=[Goal(most=1.05, of="after one more", most_short=1.15, margin="there is one run")],
        note="Of the first list the second finds its objects still there, and takes room beside.",
        settings=told(TABLES),
    )
    yield Passage(name="memory of each process", text="\n".join(_table(first, imports)))


def _together(first: Sequence[Household], imports: Sequence[Share]) -> Iterator[Figure]:
    yield Figure(
        name="memory with 1,000 pods from the API, daemon and reader",
        unit="MB",
        ours=[one.together / MB for one in first],
        peers={IMPORTS: [one.pss / MB for one in imports]},
        goals=[Goal(most=70, most_short=85, margin=_MARGIN)],
        note=f"As the proportional set size, after the first list. {_GOLDPINGER}.",
        settings=told(TABLES),
    )
    yield Figure(
        name="memory with 1,000 pods where nothing else on the node runs Python, daemon and reader",
        unit="MB",
        ours=[one.alone_on_the_node / MB for one in first],
        goals=[Goal(most=70, most_short=75, margin="the imports differ by their versions")],
        note="What is no file's, of both, and once each page of a file that either has mapped",
        settings=told(TABLES),
    )


def _live(cluster: Cluster, daemon: Daemon, more: int) -> Iterator[Household]:
    """What it takes after its first list, and after each of some more."""
    daemon.wait_status(f"{PODS} targets: {PODS} up.*watching", PATIENCE_SECONDS)
    time.sleep(SETTLE_SECONDS)
    yield look(daemon.process.pid)
    control = cluster.api.control
    for _ in range(more):
        control.clear_log()
        # One bookmark, which proves the server well, and then the version expires.
        control.add_fault("error_event", "watch", 1, code=410, after=1)
        control.break_watches()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while sum(one.kind == "list" for one in control.requests()) < PODS // PAGE:
            assert time.monotonic() < deadline, "the pods were not listed again"
            time.sleep(0.05)
        time.sleep(SETTLE_SECONDS)
        yield look(daemon.process.pid)


def _import(statement: str) -> Share:
    """What an interpreter takes that has imported something."""
    script = f"{statement}\nimport sys\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=as_installed(),
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        share = Share.of(process.pid)
        process.communicate()
    return share


def _table(first: Sequence[Household], imports: Sequence[Share]) -> Iterator[str]:
    rows: dict[str, Sequence[Share]] = {
        "daemon": [one.daemon for one in first],
        "reader": [one.reader for one in first],
        IMPORTS: imports,
    }
    yield f"{'MB, medians':48} {'PSS':>6} {'of it anonymous':>16} {'files':>6} {'peak':>6}"
    for name, shares in rows.items():
        pss, anonymous, files, peak = (
            median(getattr(one, field) for one in shares) / MB
            for field in ("pss", "anonymous", "files", "peak")
        )
        yield f"{name:48} {pss:6.1f} {anonymous:16.1f} {files:6.1f} {peak:6.1f}"
