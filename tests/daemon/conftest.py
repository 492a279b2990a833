"""A cluster of two nodes for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.daemon.nodes import register
from tests.lab import Node


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as started:
        register(started, *started.lab.nodes)
        yield started


@pytest.fixture
def here(cluster: Cluster) -> Node:
    """The node that pokepodsd runs on."""
    return cluster.lab.nodes[0]


@pytest.fixture
def there(cluster: Cluster) -> Node:
    """The node whose pods it pokes."""
    return cluster.lab.nodes[1]
