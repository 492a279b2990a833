"""What learning 5,000 pods costs this node, beside the `kubernetes` package's typed list.

Owns the two figures, processor time and memory. The pods are those of the test API server, of
4.3 kB each; both ways get them from it over TLS, in turns.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.apiserver.client import ApiServer
from tests.apiserver.podfactory import fleet
from tests.bench.accounting import MB, as_installed, run_command
from tests.bench.figures import Figure, Finding, Goal, Run
from tests.bench.interleave import interleave

PODS: Final = 5_000
# So many that the reader's own, which it does not ask for, are few.
NODES: Final = tuple(f"node-{number}" for number in range(100))
TYPED: Final = "typed list"

Learnt = dict[str, int]


def measure(run: Run) -> Iterator[Finding]:
    """Both ways in turns, each in a process of its own."""
    with ApiServer(run.folder / "api") as api:
        kubeconfig = full_server(api, run.folder)
        learnt = interleave(
            run.runs(3, 1),
            {
                "ours": lambda: learn("reader", kubeconfig, run.folder),
                TYPED: lambda: learn("typed", kubeconfig, run.folder),
            },
        )
    yield figure(
        "CPU to learn 5,000 pods",
        "s",
        learnt,
        "cpu_ns",
        1e9,
        goal=Goal(most=1 / 5, of=TYPED, most_short=1 / 4, margin="one pair of runs, not three"),
        note="Without the imports, which both need. Both over TLS, from one server.",
    )
    yield figure(
        "memory above the imports to learn them",
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
) -> Figure:
    """One of the costs of both ways."""
    values = {way: [one[what] / divisor for one in runs] for way, runs in learnt.items()}
    ours = values.pop("ours")
    return Figure(
        name=name, unit=unit, ours=ours, peers=values, goals=(goal,) if goal else (), note=note
    )
