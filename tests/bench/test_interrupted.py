"""What a run leaves that is ended before its time."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_run_that_is_ended_writes_what_there_is(tmp_path: Path, number: int) -> None:
    """The report says what was interrupted, and the status which signal it was."""
    command = (sys.executable, "-m", "tests.bench", "--only", "traffic", "--output", str(tmp_path))
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as run:
        assert run.stderr is not None
        assert run.stderr.readline().startswith(b"traffic: ")
        run.send_signal(number)
        run.communicate(timeout=60)
    assert run.returncode == 128 + number
    assert "traffic: failed: interrupted" in (tmp_path / "README.md").read_text()
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["failures"] == {"traffic": "interrupted"}
