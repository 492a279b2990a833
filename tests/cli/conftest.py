"""Owns running the program as an operator does, and the cluster that `once` looks at."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from tests.apiserver.client import ApiServer
from tests.cluster import Cluster
from tests.lab import Lab, Node

COMMAND = (sys.executable, "-m", "pokepodsd")


class Run(Protocol):
    """Runs pokepodsd with these arguments, perhaps after other words."""

    def __call__(
        self, *arguments: str, prefix: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture(scope="session")
def run() -> Run:
    def start(*arguments: str, prefix: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*prefix, *COMMAND, *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    return start


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a configuration file may be written."""
    return tmp_path / "pokepodsd.toml"


@pytest.fixture
def here(cluster: Cluster) -> Node:
    """The node of a test's cluster that looks at another."""
    return cluster.lab.nodes[0]


@pytest.fixture
def there(cluster: Cluster) -> Node:
    """The one that is looked at."""
    return cluster.lab.nodes[1]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as standing:
        yield standing


@pytest.fixture(scope="module")
def server(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An API server on the hub of the lab."""
    folder = tmp_path_factory.mktemp("apiserver")
    prefix = lab.hub.command()
    with ApiServer(folder, listen=lab.hub.address, prefix=prefix) as standing:
        yield standing
