"""Checks the file that the exporter writes, and the exporter's end."""

import json
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.edge.child import Child
from pokepodsd.exporter import Orders, run
from tests.core.metricsfacts import metrics_document
from tests.edge.exporting import PATIENCE_SECONDS, free_place, running, wait_until


def test_the_file_is_kept_up_to_date(tmp_path: Path) -> None:
    """Whole, readable for others, without the process's metrics, and gone at the end."""
    path = tmp_path / "pokepodsd.prom"
    with running(textfile=str(path)) as daemon:
        wait_until(path.exists, "it is written")
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert b'\npokepodsd_peers{verdict="ok"} 5000.0\n' in path.read_bytes()
        assert b"process_" not in path.read_bytes()
        daemon.document = daemon.document | {"pods_known": 77}
        wait_until(lambda: b"pods_known 77.0" in path.read_bytes(), "it is written anew")
        daemon.is_stuck.set()
        wait_until(lambda: not path.exists(), "it goes while the daemon is stuck")
        daemon.is_stuck.clear()
        wait_until(path.exists, "it comes back")
    assert [*tmp_path.iterdir()] == []


def test_a_folder_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    """One warning with the remedy, tried again, and told when it works."""
    path = tmp_path / "node-exporter" / "pokepodsd.prom"
    with running(textfile=str(path)) as daemon:
        wait_until(lambda: daemon.texts(EventKind.METRICS_UNAVAILABLE), "it says so")
        # As above.
        time.sleep(0.5)
        (text,) = daemon.texts(EventKind.METRICS_UNAVAILABLE)
        assert f"into {path} (No such file or directory)" in text
        assert "drop-ins/metrics-textfile.conf" in text
        path.parent.mkdir()
        wait_until(lambda: daemon.texts(EventKind.METRICS_AVAILABLE), "it works")
        assert path.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGABRT])
def test_it_ends_with_the_daemon_alone(tmp_path: Path, number: int) -> None:
    """systemd's signals to the whole unit do not end it; the daemon's end does, whatever that was,
    and the file goes too.
    """
    path = tmp_path / "pokepodsd.prom"
    orders = Orders(listen=free_place(), textfile=str(path), write_seconds=60)
    child = Child(lambda channel: run(channel, orders))
    until = time.monotonic() + PATIENCE_SECONDS
    while b'"metrics"' not in (child.read() or b""):
        assert time.monotonic() < until
        time.sleep(0.01)
    answer = json.dumps({"metrics": metrics_document()}).encode() + b"\n"
    assert child.offer(answer) == len(answer)
    wait_until(path.exists, "it is written")
    os.kill(child.pid, number)
    with pytest.raises(TimeoutError):
        wait_for_end(child.pid, 0.3)
    # As when the daemon is gone.
    child._socket.close()
    wait_for_end(child.pid, PATIENCE_SECONDS)
    assert not path.exists()


def wait_for_end(pid: int, seconds: float) -> None:
    """Reap the child, or raise."""
    until = time.monotonic() + seconds
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.01)
