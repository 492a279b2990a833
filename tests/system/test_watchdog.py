"""The watchdog of the unit: a daemon that stands still is ended, and comes back by itself."""

import time

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.wire import SECOND_NS, wait_request_to
from tests.lab import EchoCapture
from tests.system import package
from tests.system.box import Box
from tests.system.package import OURS, UNIT, is_kind, pods

# Shorter than the unit's, so that the test is; what follows on its end is the unit's.
WATCHDOG_SECONDS = 4
BACK_SECONDS = 5
# From the start of the process, Python's own included, to its first pokes.
POKE_SECONDS = 1.5


def test_a_daemon_that_stands_still_is_replaced(box: Box, cluster: Cluster) -> None:
    """Stopped with a dead API server: its stack is told, and the next pokes what it knew."""
    package.drop_in(box, "watchdog", f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\n")
    package.start(box)
    # What is known is on the disk at the latest when it stops.
    box.run("systemctl", "restart", UNIT)
    package.wait_saved(box, 6)
    pid = package.main_pid(box)
    cluster.api.kill()
    with EchoCapture(box.node, wrapped=True) as capture:
        box.sh(f"kill -STOP {pid}")
        stopped_ns = time.monotonic_ns()
        box.wait_property(UNIT, "NRestarts", "1", 20.0)
        box.wait_property(UNIT, "ActiveState", "active", 20.0)
        shown = box.show(UNIT, "ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic")
        started_ns, ready_ns = (int(value) * 1_000 for value in shown.values())
        assert ready_ns - stopped_ns < (WATCHDOG_SECONDS + BACK_SECONDS) * SECOND_NS
        for pod in pods(cluster):
            poke = wait_request_to(capture, pod, since_ns=started_ns)
            assert poke.monotonic_ns - started_ns < POKE_SECONDS * SECOND_NS
    told = [entry["MESSAGE"] for entry in box.journal(*OURS)]
    assert any("Watchdog timeout" in text for text in told)
    assert any("Fatal Python error: Aborted" in text for text in told)
    assert any('/pokepodsd/daemon.py", line' in text for text in told)
    starts = [e for e in box.journal(*OURS) if is_kind(e, EventKind.STARTED)]
    assert "6 targets known from before" in starts[-1]["MESSAGE"]
