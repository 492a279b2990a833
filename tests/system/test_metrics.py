"""The metrics of the packaged service: through its sandbox, and into another package's folder."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.system import package
from tests.system.box import Box
from tests.system.package import TABLES, UNIT, wait_entry

LISTEN = "127.0.0.1:19747"
# As Debian's node_exporter has it: root's, and nobody else may write.
FOLDER = "/var/lib/prometheus/node-exporter"
FILE = f"{FOLDER}/pokepodsd.prom"
FETCH = f"import urllib.request as r; print(r.urlopen('http://{LISTEN}/metrics').read().decode())"


@pytest.fixture
def measured(box: Box) -> Iterator[Box]:
    """Both ways of the metrics, by the configuration alone."""
    metrics = {"metrics": {"listen": LISTEN, "textfile": FILE}}
    package.configure(box, {**TABLES, **metrics})
    box.sh(f"mkdir -p {FOLDER}; touch {FOLDER}/smart.prom")
    yield box
    box.run("systemctl", "stop", UNIT)
    box.sh("rm -rf /etc/systemd/system/pokepodsd.service.d; systemctl daemon-reload")
    package.configure(box)


def access(path: Path) -> tuple[int, int, int]:
    """Mode, owner and group."""
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid


def test_metrics_through_the_sandbox(measured: Box) -> None:
    """The port is open. The folder is opened by the drop-in that the entry names: without it one
    warning; with it the file is there while the service runs, and nothing of it afterwards.
    """
    box, file = measured, measured.path(FILE)
    before = access(file.parent)
    package.start(box)
    assert 'pokepodsd_peers{verdict="ok"} 2.0' in box.run("/usr/bin/python3", "-c", FETCH).stdout
    warning = wait_entry(box, EventKind.METRICS_UNAVAILABLE)
    assert f"into {FILE}" in warning["MESSAGE"]
    assert "/usr/share/pokepodsd/drop-ins/metrics-textfile.conf" in warning["MESSAGE"]
    package.use_drop_in(box, "metrics-textfile")
    package.wait_well(box)
    box.wait_until(file.exists, 30.0)
    mode, owner, _ = access(file)
    assert (mode, owner != 0) == (0o644, True)
    assert 'pokepodsd_peers{verdict="' in file.read_text()
    box.run("systemctl", "stop", UNIT)
    assert [one.name for one in file.parent.iterdir()] == ["smart.prom"]
    assert access(file.parent) == before
