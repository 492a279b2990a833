"""Another pokepodsd on the host: each sees its own replies, and nobody's files are taken away."""

import time

from pokepodsd.core.entries import EventKind
from pokepodsd.edge import statefile
from tests.daemon.journalled import daemon_under_a_journal, kinds
from tests.daemon.wire import SECOND_NS, wait_requests_until
from tests.faults.stage import INTERVAL_SECONDS, PODS, TABLES, Stage
from tests.faults.test_state import wait_saved


def pid_at(staged: Stage) -> int:
    """Which process answers at the control socket."""
    return int(staged.ask({"metrics": {}})["metrics"]["pid"])


def test_two_with_the_same_folders(staged: Stage) -> None:
    """The second says in one line each what it does without, and pokes; the first goes on as ever.

    When the first has ended, the second keeps the targets.
    """
    cluster, first = staged.cluster, staged.daemon
    state = cluster.folder / f"state-{staged.here.name}"
    wait_saved(state, PODS)
    written = (state / statefile.NAME).stat()
    with daemon_under_a_journal(cluster, staged.here, TABLES) as second:
        second.wait_status(rf".*{PODS} targets: {PODS} up, 0 down.* API: watching")
        unsaved = second.wait_entry(EventKind.STATE_NOT_SAVED)
        closed = second.wait_entry(EventKind.CONTROL_CLOSED)
        assert f"{state}: another running pokepodsd keeps its own there" in unsaved["MESSAGE"]
        assert "another running pokepodsd answers there" in closed["MESSAGE"]
        assert pid_at(staged) == first.process.pid
        both = time.monotonic_ns()
        wait_requests_until(staged.capture, both + round(3 * INTERVAL_SECONDS * SECOND_NS))
        assert (state / statefile.NAME).stat().st_ino == written.st_ino
        staged.survived()
        # Now the folder is free, and its file is the second one's to write.
        staged.make_pod(PODS + 1)
        wait_saved(state, PODS + 1)
        second.process.terminate()
        assert second.process.wait() == 0
        told = kinds(second.told())
        assert told.count("STATE_NOT_SAVED") == told.count("CONTROL_CLOSED") == 1
        assert {"TARGET_DOWN", "READER_REPLACED"}.isdisjoint(told)
