"""What learning 5,000 pods costs this node, beside the `kubernetes` package's typed list.

Owns these figures: processor time and memory of the reader, which is what the typed list compares
with, and processor time of the whole daemon. The pods are those of the test API server, of 4.3 kB
each; all get them over TLS, in turns, the daemon from a server in its lab.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from tests.apiserver.client import ApiServer
from tests.apiserver.podfactory import fleet
from tests.bench.accounting import MB, as_installed, run_command
from tests.bench.figures import Figure, Finding, Goal, Run
from tests.bench.growth import learning_ns
from tests.bench.interleave import interleave
from tests.cluster import Cluster, told
from tests.largecluster import NAMESPACE, TABLES, Size, tunnels_up

PODS: Final = 5_000
# So many that the reader's own, which it does not ask for, are few.
NODES: Final = tuple(f"node-{number}" for number in range(100))
TYPED: Final = "typed list"
_DAEMON: Final = "daemon"
_GOAL: Final = Goal(most=1 / 5, of=TYPED, most_short=1 / 4, margin="one pair of runs, not three")

Learnt = dict[str, int]


def measure(run: Run) -> Iterator[Finding]:
    """All ways in turns, each in a process of its own."""
    with ApiServer(run.folder / "api") as api, _lab(run.folder / "lab") as cluster:
        kubeconfig = full_server(api, run.folder)
        # The first start of all makes the byte-code.
        empty_ns = median([_start_ns(cluster, 0) for _ in range(3)][1:])
        _fill(cluster)
        learnt = interleave(
            run.runs(3, 1),
            {
                "ours": lambda: learn("reader", kubeconfig, run.folder),
                TYPED: lambda: learn("typed", kubeconfig, run.folder),
                _DAEMON: lambda: {"cpu_ns": round(_start_ns(cluster, PODS) - empty_ns)},
            },
        )
    daemons = learnt.pop(_DAEMON)
    yield figure(
        "CPU of the reader to learn 5,000 pods",
        "s",
        learnt,
        "cpu_ns",
        1e9,
        goal=_GOAL,
        note="The reader's alone, without the imports, which both need. Both over TLS, from one"
        " server.",
    )
    yield figure(
        "CPU of reader and daemon to learn 5,000 pods",
        "s",
        {"ours": daemons, TYPED: learnt[TYPED]},
        "cpu_ns",
        1e9,
        goal=_GOAL,
        note="From the start until all are known, with what is poked meanwhile, less the start of a"
        f" daemon without pods ({empty_ns / 1e9:.2f} s).",
        settings=told(TABLES),
    )
    yield figure(
        "memory of the reader above the imports to learn them",
        "MB",
        learnt,
        "peak_bytes",
        MB,
        goal=Goal(most=1 / 12, of=TYPED, most_short=1 / 10, margin="one pair of runs, not three"),
        note="The peak of the resident set above what it was when the list was asked for.",
    )
    yield figure(
        "memory that is kept of it when the watch is open",
        "MB",
        learnt,
        "kept_bytes",
        MB,
        note="The reader keeps no pods; the typed list's are still held.",
    )


@contextmanager
def _lab(folder: Path) -> Iterator[Cluster]:
    """A node whose routes lead to all nodes, where all pods answer; there are none yet."""
    folder.mkdir()
    size = Size(peers=len(NODES), pods=PODS)
    with Cluster(folder, nodes=1) as cluster, tunnels_up(cluster.lab.nodes[0], size):
        yield cluster


def _fill(cluster: Cluster) -> None:
    size = Size(peers=len(NODES), pods=PODS)
    cluster.api.control.stamp_pods(NAMESPACE, size.stamps())


def _start_ns(cluster: Cluster, pods: int) -> int:
    """The processor time of daemon and reader from a start with nothing to the last pod."""
    here = cluster.lab.nodes[0]
    shutil.rmtree(cluster.folder / f"state-{here.name}", ignore_errors=True)
    with cluster.daemon(here, TABLES) as daemon:
        return learning_ns(daemon, pods)


def full_server(api: ApiServer, folder: Path) -> Path:
    """A server with the pods and with the right to see them; a node's kubeconfig."""
    api.control.change_settings(node_selectors=False)
    api.control.make_pods(fleet(PODS, NODES))
    return api.kubeconfig(NODES[0], folder / "kubelet")


def learn(way: str, kubeconfig: Path, folder: Path) -> Learnt:
    """What one way cost, in a new process.

    Raises:
        RuntimeError: it did not learn the pods.
    """
    command = (sys.executable, "-m", "tests.bench.learner", way, str(kubeconfig), str(folder))
    ended = run_command(command, as_installed())
    if ended.status != 0:
        raise RuntimeError(f"{way}: {ended.output}")
    learnt: Learnt = json.loads(ended.output.splitlines()[-1])
    # A node does not ask for its own pods.
    if learnt["pods"] not in {PODS, PODS - PODS // len(NODES)}:
        raise RuntimeError(f"{way} learnt {learnt['pods']} pods")
    return learnt


def figure(
    name: str,
    unit: str,
    learnt: dict[str, list[Learnt]],
    what: str,
    divisor: float,
    *,
    goal: Goal | None = None,
    note: str = "",
    settings: str = "",
) -> Figure:
    """One of the costs of both ways."""
    values = {way: [one[what] / divisor for one in runs] for way, runs in learnt.items()}
    ours = values.pop("ours")
    return Figure(
        name=name,
        unit=unit,
        ours=ours,
        peers=values,
        goals=(goal,) if goal else (),
        note=note,
        settings=settings,
    )
