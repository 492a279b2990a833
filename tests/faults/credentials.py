"""Credentials of a stage, and what is seen of them at the API server and in the journal."""

import time
from collections.abc import Callable
from typing import Final

from tests.cluster import Tables
from tests.daemon.journalled import JournalledDaemon
from tests.faults.stage import Stage

SECRET: Final = "eyJhbGciOi-SECRET"
ACCOUNT: Final = "system:serviceaccount:kube-system:pokepodsd"
PATIENCE_SECONDS: Final = 60.0
CERTIFICATE: Final = "pki/kubelet-client-current.pem"


def named(node: str) -> Tables:
    """The setting that credentials need which name no node."""
    return {"kubernetes": {"node_name": node}}


def wait_for(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for what only files, /proc or the server's log can tell."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def wait_watched_anew(stage: Stage, change: Callable[[], object]) -> None:
    """Make a change, and wait until the old watch has ended and another one is open."""
    control = stage.cluster.api.control
    control.wait_watches(1, PATIENCE_SECONDS)
    watches = sum(one.kind == "watch" for one in control.requests())
    change()
    control.wait_requests(watches + 1, "watch", timeout_seconds=PATIENCE_SECONDS)


def assert_no_secret(daemon: JournalledDaemon) -> None:
    """Nothing that was told, in any field, holds the secret or a key."""
    said = str(daemon.told())
    assert SECRET not in said
    assert "PRIVATE KEY" not in said
