"""Owns the stage of what Prometheus tells: real daemons on real tunnels, and who scrapes them.

Three nodes. Prometheus asks their daemons by a network of its own. Every time in the rules is
shorter by `FACTOR`, and every poke is more frequent than by default.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import Cluster, Daemon
from tests.daemon.scene import TABLES
from tests.lab import Node
from tests.prometheus.management import Management
from tests.prometheus.server import Prometheus
from tests.prometheus.shipped import write_hurried

FACTOR = 120
# A verdict takes 10 s, another one on a peer that failed before up to a minute.
PATIENCE_SECONDS = 120.0


class Watch:
    """Daemons on some of three nodes, and the Prometheus that scrapes those."""

    def __init__(self, cluster: Cluster, folder: Path, scraped: Sequence[Node]) -> None:
        self.cluster = cluster
        self.here, self.there, self.beside = cluster.lab.nodes
        self._scraped = scraped
        self._management = Management(cluster.lab.hub, cluster.lab.nodes)
        self.prometheus = self._prometheus(folder)

    @contextmanager
    def daemon(self, node: Node) -> Iterator[Daemon]:
        """The daemon of a node, with its metrics where Prometheus looks for them."""
        with self.cluster.daemon(node, {**TABLES, **self._management.tables(node)}) as daemon:
            yield daemon

    def instance(self, node: Node) -> str:
        """What Prometheus calls the daemon of a node."""
        return self._management.target(node)

    def sources(self) -> dict[str, list[str]]:
        """What `pokepodsd matrix` may be given in the hub, by what it is."""
        runtimes = [self.cluster.runtime_folder(node) for node in self._scraped]
        return {
            "Prometheus": ["--prometheus", self.prometheus.url],
            "control sockets": [str(folder / "control.sock") for folder in runtimes],
            "listeners": [f"http://{self.instance(node)}/status" for node in self._scraped],
        }

    def wait_alone(self, labels: Mapping[str, str]) -> None:
        """Wait until this alert fires, and no other."""
        self.prometheus.wait_firing([labels], PATIENCE_SECONDS)

    def wait_well(self) -> None:
        """Wait until all daemons are heard, all their peers are well, and nothing fires."""
        daemons = len(self._scraped)
        well = f'sum(pokepodsd_peers{{verdict="ok"}}) == {2 * daemons}'
        self.prometheus.wait_query(well, PATIENCE_SECONDS)
        self.prometheus.wait_query(f"count(pokepodsd_api_up == 1) == {daemons}", PATIENCE_SECONDS)
        self.prometheus.wait_firing([], PATIENCE_SECONDS)

    def _prometheus(self, folder: Path) -> Prometheus:
        folder.mkdir()
        write_hurried(folder / "rules.yaml", FACTOR)
        targets = [self.instance(node) for node in self._scraped]
        return Prometheus(
            folder / "data",
            {"pokepodsd": targets},
            rules=folder / "rules.yaml",
            place=self.cluster.lab.hub,
        )
