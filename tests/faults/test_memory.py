"""Memory is short: the kernel ends the reader and not the daemon, which pokes on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.bench.accounting import family
from tests.cluster import Cluster
from tests.faults.memorygroup import MemoryGroup, memory_group
from tests.faults.stage import Stage, stage

# Less than the imports of a reader, and more than the daemon wants meanwhile.
SPARE_BYTES = 12_000_000


@pytest.fixture
def group() -> Iterator[MemoryGroup]:
    with memory_group() as made:
        yield made


@pytest.fixture
def staged(cluster: Cluster, group: MemoryGroup) -> Iterator[Stage]:
    """As the package's, in a control group of its own."""
    with stage(cluster, prefix=group.prefix) as started:
        yield started


def test_the_reader_is_ended_and_replaced(staged: Stage, group: MemoryGroup) -> None:
    """No memory is left for a reader: it ends, however small it still is, and no poke is late.

    The same as at the unit's MemoryMax, with less memory.
    """
    daemon, reader = family(staged.daemon.process.pid)
    assert adjustment(reader) == adjustment(daemon) + 500
    os.kill(reader, signal.SIGKILL)
    first = staged.daemon.wait_entry(EventKind.READER_REPLACED)
    assert first["MESSAGE"].endswith("killed by SIGKILL")
    group.limit(group.resident_bytes() + SPARE_BYTES)
    staged.daemon.wait_told(EventKind.READER_REPLACED, 2)
    group.limit(None)
    staged.survived(
        EventKind.READER_REPLACED,
        EventKind.READER_REPLACED,
    )


def adjustment(pid: int) -> int:
    """How much the kernel likes to end this process."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())
