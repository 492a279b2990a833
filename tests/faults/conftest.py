"""A cluster of two nodes for each fault."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.faults.stage import Stage, stage, two_nodes


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with two_nodes(tmp_path) as started:
        yield started


@pytest.fixture
def staged(cluster: Cluster) -> Iterator[Stage]:
    """A daemon with all its targets up, which a fault is about to meet."""
    with stage(cluster) as started:
        yield started
