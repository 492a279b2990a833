"""The API server goes, and comes back."""

from pokepodsd.core.entries import EventKind
from tests.faults.stage import Stage


def test_a_dead_server_that_comes_back(staged: Stage) -> None:
    """The last known targets are poked on, two entries are told, and the watch is open again."""
    staged.cluster.api.kill(save=True)
    staged.daemon.wait_entry(EventKind.API_LOST)
    staged.cluster.api.start()
    staged.survived(EventKind.API_LOST, EventKind.API_BACK)
