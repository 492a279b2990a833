"""Owns what the demonstration plays with: the cluster, its pods, and the daemons on its nodes.

Whatever does not happen as it should is a `SurpriseError` here, in words for who watches.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.cluster import Cluster, Daemon, pod_on
from tests.demonstration.interrupts import Interrupts
from tests.demonstration.premises import Premises
from tests.lab import Encapsulation, LabError, Line, Node, Place

PODS_PER_NODE = 4
ALL_PODS = 3 * PODS_PER_NODE
NAMESPACE = "shop"
INTERVAL = "1s"
TABLES = {"tunnels": {"interval": INTERVAL}, "poke": {"interval": INTERVAL}}
# Instead of the 600 that a node has: a tunnel that is still open after some seconds was kept open.
FORGETS_AFTER_SECONDS = 5

READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}

# They would make a program write escape sequences, or fold its lines, where nobody reads them.
UNWANTED = ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS")


class SurpriseError(Exception):
    """Something did not happen as the demonstration says it does."""


class Stage(Premises):
    """The cluster and the daemons; `close` removes them all, whatever state they are in."""

    def __init__(self, interrupts: Interrupts) -> None:
        super().__init__(interrupts)
        self.programs = Path(sys.executable).parent
        self.daemons: dict[Node, Daemon] = {}

    @property
    def nodes(self) -> list[Node]:
        return self.cluster.lab.nodes

    @property
    def dead_address(self) -> str:
        """The address of the pod that never answers, node-c's last."""
        return self.nodes[-1].pod_address(PODS_PER_NODE)

    @property
    def dead_pod(self) -> str:
        """The name of that pod."""
        return pod_name(self.nodes[-1], PODS_PER_NODE)

    @property
    def ways(self) -> list[tuple[Node, Node]]:
        """Who sends to whom: each pair of nodes, both ways round."""
        return [(one, other) for one in self.nodes for other in self.nodes if one is not other]

    def build(self) -> None:
        """Build the cluster and create its Nodes, which are Ready, and its pods."""
        self._build(
            "pokepodsd-demo-",
            lambda folder: Cluster(
                folder,
                nodes=3,
                tunnels=Encapsulation.IPIP,
                generic_timeout_seconds=FORGETS_AFTER_SECONDS,
            ),
        )
        control = self.cluster.api.control
        control.change_settings(node_selectors=True)
        with self.cluster.lab.hub.inside():
            for node in self.nodes:
                self.cluster.api.admin.create_node({"metadata": {"name": node.name}, **READY})
        for node in self.nodes:
            numbers = range(1, PODS_PER_NODE + 1)
            control.make_pods(
                {**pod_on(node, number, namespace=NAMESPACE), "name": _label(node, number)}
                for number in numbers
            )
        self.nodes[-1].kill_address(self.dead_address)

    def start_daemon(self, node: Node) -> None:
        with self._interrupts.deferred():
            daemon = self.cluster.daemon(node, TABLES)
            self.daemons[node] = self._exits.enter_context(daemon)

    def config(self, node: Node) -> Path:
        """A node's configuration, which is written if it is not there yet."""
        path = self.folder / f"{node.name}.toml"
        return path if path.exists() else self.cluster.write_config(node, TABLES)

    def socket(self, node: Node) -> Path:
        """The control socket of a node's daemon."""
        return self.cluster.runtime_folder(node) / "control.sock"

    def run(self, place: Place, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its stdout holds all that it said, in order."""
        environment = {name: text for name, text in os.environ.items() if name not in UNWANTED}
        environment["PATH"] = f"{self.programs}:{environment.get('PATH', '')}"
        return subprocess.run(
            place.command(*argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
            env=environment,
        )

    def wait_line(self, node: Node, pattern: str, seconds: float, since_ns: int = 0) -> Line:
        """The first journal line with the pattern, from ``since_ns`` (monotonic) on."""
        process = self.daemons[node].process
        try:
            process.wait_for_line(pattern, seconds, since_ns=since_ns)
        except LabError as error:
            raise SurpriseError(
                f"no journal line {pattern!r} came on {node.name}: {error}"
            ) from error
        return next(
            line for line in self.lines_since(node, since_ns) if re.search(pattern, line.text)
        )

    def lines_since(self, node: Node, since_ns: int) -> list[Line]:
        """A node's journal lines from this time (monotonic) on."""
        return [line for line in self.daemons[node].process.records() if line.at_ns >= since_ns]

    def check_lines(self, counts: Mapping[Node, int], since_ns: int = 0) -> None:
        """Refuse more or fewer journal lines than so many on a node."""
        for node, count in counts.items():
            lines = self.lines_since(node, since_ns)
            if len(lines) != count:
                said = "".join(f"\n  {line.text}" for line in lines)
                raise SurpriseError(
                    f"{len(lines)} journal lines on {node.name}, not {count}:{said}"
                )

    def wait_status(self, node: Node, pattern: str, seconds: float, since_ns: int = 0) -> int:
        """Wait for a status line with the pattern, and return when it came."""
        notify = self.daemons[node].notify
        try:
            return notify.wait_for_status(pattern, seconds, since_ns=since_ns).at_ns
        except LabError as error:
            raise SurpriseError(f"no status {pattern!r} came from {node.name}: {error}") from error

    def status(self, node: Node) -> str:
        """A node's status line as it is now."""
        return self.daemons[node].notify.values("STATUS")[-1]


def pod_name(node: Node, number: int) -> str:
    """What the journal calls a pod."""
    return f"{NAMESPACE}/{_label(node, number)}"


def _label(node: Node, number: int) -> str:
    return f"web-{node.name.removeprefix('node-')}{number}"
