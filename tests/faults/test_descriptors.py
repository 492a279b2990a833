"""No descriptor is left for the daemon and its reader: the pokes go on, and all else later."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pokepodsd.core.entries import EventKind
from tests.bench.accounting import family
from tests.daemon.journalled import kinds
from tests.faults.stage import PODS, Stage


@contextmanager
def no_descriptor_left(staged: Stage) -> Iterator[None]:
    """Those that there are stay, and there is no other for the time of the block."""
    pids = [*family(staged.daemon.process.pid)]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    for pid, (_, most) in before.items():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, most))
    try:
        yield
    finally:
        for pid, limits in before.items():
            # It may have ended.
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def ask_for_all(staged: Stage) -> None:
    """An address that changes, a target that is to be saved, a connection that is made anew."""
    staged.here.run("ip", "address", "add", "192.0.2.7/32", "dev", "lo")
    staged.make_pod(PODS + 1)
    staged.wait_well()
    staged.daemon.wait_entry(EventKind.STATE_NOT_SAVED)


def test_nothing_is_lost_meanwhile(staged: Stage) -> None:
    """What needs a descriptor is told, and done once there are some again."""
    with no_descriptor_left(staged):
        ask_for_all(staged)
        staged.cluster.api.restart(abruptly=True)
        staged.daemon.wait_entry(EventKind.API_LOST)
    staged.survived(EventKind.STATE_NOT_SAVED, EventKind.API_LOST, EventKind.API_BACK)


def test_the_stop_needs_none(staged: Stage) -> None:
    """Status 0 and no traceback; what could not be saved was told."""
    with no_descriptor_left(staged):
        ask_for_all(staged)
        assert kinds(staged.daemon.finish()) == ["STATE_NOT_SAVED"]
