"""Who can be asked about a target: the running daemon, the kernel, the API server, the saved file.

Owns how each is asked, and nothing of what is made of it.
"""

import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pokepodsd.core.config import KubernetesConfig
from pokepodsd.core.kernel import Tunnel
from pokepodsd.core.model import Family, Target
from pokepodsd.core.population import Population
from pokepodsd.core.protocol import Timings
from pokepodsd.core.records import Refused
from pokepodsd.core.reported import Document, read_pod
from pokepodsd.core.routes import RouteBook
from pokepodsd.edge import control
from pokepodsd.edge.clock import monotonic_ns
from pokepodsd.errors import ControlError
from pokepodsd.kernelwatch import KernelWatch


@dataclass(slots=True, kw_only=True)
class Status:
    """What the daemon said; ``pods`` are those that were wanted, with their lines."""

    header: Document = field(default_factory=dict)
    peers: list[Document] = field(default_factory=list)
    pods: list[tuple[Target, Document]] = field(default_factory=list)


def ask_daemon(path: Path, is_wanted: Callable[[Target], bool], **question: Any) -> Status:
    """The running daemon's status; of its pods those that are wanted.

    Raises:
        ControlError: there is none, it cannot answer this, or not in a known shape.
    """
    status = Status()
    client = control.Client(path)
    try:
        for line in client.stream({"status": question}):
            match line:
                case {"status": dict(header)}:
                    status.header = header
                case {"peer": dict(peer)}:
                    status.peers.append(peer)
                case {"target": dict(target)}:
                    pod = read_pod(target)
                    if pod is not None and is_wanted(pod):
                        status.pods.append((pod, target))
    finally:
        client.close()
    if not status.header:
        raise ControlError("the running pokepodsd answers what is no status")
    return status


def read_tunnels(devices: tuple[str, ...]) -> tuple[list[Tunnel], list[str]]:
    """The tunnels that the kernel's routes show, and why they show none where they cannot be read.

    ``devices`` are globs of more devices that count.
    """
    watch = KernelWatch()
    now = monotonic_ns()
    watch.start(now)
    try:
        events = watch.read_first(now)
    finally:
        watch.stop()
    book = RouteBook(devices)
    for event in events:
        book.take(event)
    book.settle()
    return list(book.all()), [entry.text for entry in watch.entries]


def list_pods(
    config: KubernetesConfig, namespace: str
) -> Generator[list[Target] | Refused, None, None]:
    """Every pod that the API server lists, whatever the settings leave out, a page at a time.

    Of all namespaces if it is "".

    Raises:
        ApiError: it cannot be asked.
    """
    # Imported late, for addresses' sake: it takes most of a second.
    from pokepodsd.asker import Orders  # noqa: PLC0415
    from pokepodsd.onelist import list_once  # noqa: PLC0415

    config = replace(
        config,
        include_namespaces=(namespace,) if namespace else (),
        exclude_namespaces=(),
        label_selector="",
        skip_ready=False,
        host_network=True,
        own_pods=True,
    )
    population = Population(config, frozenset(Family))
    with tempfile.TemporaryDirectory(prefix="pokepodsd-") as scratch:
        for record in list_once(Orders(config=config, timings=Timings(), scratch=Path(scratch))):
            if isinstance(record, Refused):
                yield record
                continue
            yield [pod for delta in population.take(record) for pod in delta.added]
