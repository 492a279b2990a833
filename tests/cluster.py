"""A cluster small enough for one machine: a lab of nodes, the test API server, and daemons.

Owns their wiring. Whoever uses it decides what pods there are and what is to be seen.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.apiserver.client import ApiServer
from tests.apiserver.podfactory import PodArguments
from tests.lab import Encapsulation, Lab, LabTimeoutError, Node, NotifySocket, Process

Tables = Mapping[str, Mapping[str, Any]]

READY_SECONDS = 20.0
# Where many start at once, each waits for the others' turns on the same cores.
READY_SECONDS_PER_NODE = 3.0


class Daemon:
    """One running pokepodsd, with the socket that it tells its service manager on.

    When it was started and when it was ready are times of the monotonic clock.
    """

    def __init__(self, process: Process, notify: NotifySocket, started_ns: int) -> None:
        self.process = process
        self.notify = notify
        self.started_ns = started_ns

    @property
    def ready_ns(self) -> int:
        return self.notify.wait_for("READY=1").at_ns

    def wait_ready(self, timeout_seconds: float) -> None:
        """Wait until it is ready; what it said is in the error where it is not."""
        try:
            self.notify.wait_for("READY=1", timeout_seconds)
        except LabTimeoutError as error:
            said = "\n  ".join(self.process.lines())
            raise LabTimeoutError(f"not ready: {error}; it said:\n  {said}") from error

    def wait_status(
        self, pattern: str, timeout_seconds: float = 20.0, *, since_ns: int = 0
    ) -> None:
        """Wait for a status line with the pattern, from ``since_ns`` (monotonic) on."""
        self.notify.wait_for_status(pattern, timeout_seconds, since_ns=since_ns)

    def reader_pid(self) -> int | None:
        """The child that reads the API, if there is one now."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None


class Cluster:
    """A context manager; the API server answers on the hub, every node reaches it."""

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 2,
        pod_prefix: int | None = None,
        tunnels: Encapsulation | None = None,
        generic_timeout_seconds: int | None = None,
    ) -> None:
        """Plan a cluster; all but the folder is for the lab."""
        self.folder = folder
        self.lab = Lab(
            nodes,
            pod_prefix=pod_prefix,
            tunnels=tunnels,
            generic_timeout_seconds=generic_timeout_seconds,
        )
        self.api: ApiServer
        self.program: Sequence[str] = ("-m", "pokepodsd")
        """What the daemons are started with, after Python."""
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            hub = stack.enter_context(self.lab).hub
            self.api = ApiServer(self.folder / "api", listen=hub.address, prefix=hub.command())
            stack.callback(self.api.kill)
            self.api.start()
            # As before Kubernetes 1.32, or with the right granted: a node sees every pod.
            self.api.control.change_settings(node_selectors=False)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def make_pods(self, node: Node, count: int, *, first: int = 1, namespace: str = "shop") -> None:
        """Create pods on a node, at its pod addresses from ``first`` on."""
        self.api.control.make_pods(
            pod_on(node, number, namespace=namespace) for number in range(first, first + count)
        )

    def kubelet_folder(self, node: Node) -> Path:
        """Where the kubelet of this node keeps its kubeconfig."""
        return self.folder / f"kubelet-{node.name}"

    def runtime_folder(self, node: Node) -> Path:
        """Where the daemon of this node has its control socket."""
        return self.folder / f"run-{node.name}"

    def write_config(self, node: Node, tables: Tables | None = None) -> Path:
        """Write a node's pokepodsd.toml: its kubeconfig and state, and whatever else is asked."""
        kubelet = self.kubelet_folder(node)
        if not (kubelet / "kubelet.conf").exists():
            self.api.kubeconfig(node.name, kubelet)
        merged: dict[str, dict[str, Any]] = {
            "kubernetes": {"kubeconfig": str(kubelet / "kubelet.conf")},
            "state": {"directory": str(self.folder / f"state-{node.name}")},
        }
        if node.has_tunnel:
            # Without the kernel's IP-in-IP its device is a TUN, which nobody takes for a tunnel.
            merged["tunnels"] = {"devices": [node.tunnel.device]}
        for section, values in (tables or {}).items():
            merged.setdefault(section, {}).update(values)
        path = self.folder / f"{node.name}.toml"
        path.write_text("\n".join(toml_lines(merged)), encoding="utf-8")
        return path

    @contextmanager
    def daemon(
        self,
        node: Node,
        tables: Tables | None = None,
        *,
        watchdog_seconds: float = 2.0,
        ready_seconds: float = READY_SECONDS,
    ) -> Iterator[Daemon]:
        """Run pokepodsd on a node, as the unit does."""
        with self.daemons(
            [node], tables, watchdog_seconds=watchdog_seconds, ready_seconds=ready_seconds
        ) as started:
            yield started[node]

    @contextmanager
    def daemons(
        self,
        nodes: Iterable[Node],
        tables: Tables | None = None,
        *,
        watchdog_seconds: float = 2.0,
        ready_seconds: float = READY_SECONDS,
    ) -> Iterator[dict[Node, Daemon]]:
        """Run pokepodsd on nodes: all are started, and then each is waited for."""
        with ExitStack() as stack:
            started = {
                node: stack.enter_context(self._started(node, tables, watchdog_seconds))
                for node in nodes
            }
            patience = ready_seconds + READY_SECONDS_PER_NODE * (len(started) - 1)
            for daemon in started.values():
                daemon.wait_ready(patience)
            yield started

    @contextmanager
    def _started(
        self, node: Node, tables: Tables | None, watchdog_seconds: float
    ) -> Iterator[Daemon]:
        config = self.write_config(node, tables)
        socket_path = self.folder / f"notify-{node.name}"
        runtime = self.runtime_folder(node)
        runtime.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "RUNTIME_DIRECTORY": str(runtime),
            "NOTIFY_SOCKET": str(socket_path),
            "WATCHDOG_USEC": str(round(watchdog_seconds * 1_000_000)),
        }
        command = (sys.executable, *self.program, "--config", str(config), "run")
        started_ns = time.monotonic_ns()
        with (
            NotifySocket(socket_path) as notify,
            Process(node.command(*command), env=environment) as process,
        ):
            yield Daemon(process, notify, started_ns)


def pod_on(node: Node, number: int, *, namespace: str = "shop") -> PodArguments:
    """The arguments of the pod with this number on a node."""
    return PodArguments(
        name=f"{node.name}-{number}",
        namespace=namespace,
        node=node.name,
        addresses=[node.pod_address(number)],
        host_address=node.address,
    )


def told(tables: Tables) -> str:
    """A configuration on one line, for a report: `poke.interval = "5s", log.level = "debug"`."""
    return ", ".join(
        f"{section}.{line}"
        for section, values in tables.items()
        for line in [*toml_lines({section: values})][1:]
    )


def toml_lines(tables: Tables) -> Iterator[str]:
    """A configuration as pokepodsd.toml says it."""
    for section, values in tables.items():
        yield f"[{section}]"
        for name, value in values.items():
            match value:
                case bool():
                    yield f"{name} = {str(value).lower()}"
                case str():
                    yield f'{name} = "{value}"'
                case list() | tuple():
                    yield f"{name} = {json.dumps(value)}"
                case _:
                    yield f"{name} = {value}"
