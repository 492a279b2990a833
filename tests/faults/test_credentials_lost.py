"""Credentials of no use: gone, unreadable, expired, of another authority, not ours alone."""

import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.apiserver.kubeconfig import rotate
from tests.apiserver.pki import Authority
from tests.cluster import Cluster
from tests.daemon.journalled import Entry, daemon_under_a_journal
from tests.faults.credentials import CERTIFICATE, assert_no_secret
from tests.faults.stage import PODS, TABLES, Stage, stage

LOST, BACK = EventKind.API_LOST, EventKind.API_BACK
# As root that may not read what its mode closes: files are a matter of their modes alone.
BY_MODES = ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")


def lost(stage: Stage) -> Entry:
    """What is told once it cannot be used; the watch that was open has ended."""
    entry = stage.daemon.wait_entry(LOST)
    assert stage.cluster.api.control.state()["watches"] == 0
    assert_no_secret(stage.daemon)
    return entry


FILES = ["kubelet.conf", pytest.param(CERTIFICATE, marks=pytest.mark.long)]


@pytest.mark.parametrize("name", FILES)
def test_gone_then_unreadable_then_well(cluster: Cluster, name: str) -> None:
    """The file and the reason are named; the targets are poked on; it is used when it is back."""
    path = cluster.kubelet_folder(cluster.lab.nodes[0]) / name
    with stage(cluster, prefix=BY_MODES) as staged:
        away = path.with_suffix(".away")
        path.rename(away)
        assert str(path) in lost(staged)["MESSAGE"]
        away.chmod(0)
        away.rename(path)
        staged.wait_well(api=f"lost .*{path} cannot be read: Permission denied")
        staged.make_pod(PODS + 1)
        path.chmod(0o600)
        staged.survived(LOST, BACK)


def test_an_expired_client_certificate(staged: Stage) -> None:
    """It is said since when, and of which file; the next one is used when it comes."""
    cluster, here = staged.cluster, staged.here
    end = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    issued = cluster.api.authority.issue(
        f"system:node:{here.name}",
        ["system:nodes"],
        not_before=end - datetime.timedelta(days=1),
        not_after=end,
    )
    folder = cluster.kubelet_folder(here)
    rotate(cluster.api.authority, folder, here.name, issued)
    told = lost(staged)["MESSAGE"]
    assert f"the client certificate expired on {end:%Y-%m-%d %H:%M} UTC" in told
    assert str(folder / CERTIFICATE) in told
    staged.make_pod(PODS + 1)
    rotate(cluster.api.authority, folder, here.name)
    staged.survived(LOST, BACK)


def test_another_authority_of_the_cluster(staged: Stage) -> None:
    """The server has a certificate of the new one before the kubeconfig knows it."""
    cluster, here = staged.cluster, staged.here
    api = cluster.api
    api.kill(save=True)
    for name in ("ca.crt", "ca.key"):
        (api.directory / name).unlink()
    api.authority = Authority(api.directory)
    api.start()
    assert "certificate verify failed" in lost(staged)["MESSAGE"]
    staged.make_pod(PODS + 1)
    api.kubeconfig(here.name, cluster.kubelet_folder(here))
    staged.survived(LOST, BACK)


def open_to_all(path: Path) -> None:
    path.chmod(0o666)


def open_to_a_group(path: Path) -> None:
    path.chmod(0o660)


def of_another(path: Path) -> None:
    shutil.chown(path, 4242)


def in_an_open_folder(path: Path) -> None:
    path.parent.chmod(0o777)


CHANGES = [
    open_to_all,
    *(pytest.param(one, marks=pytest.mark.long) for one in (open_to_a_group, of_another)),
    pytest.param(in_an_open_folder, marks=pytest.mark.long),
]


def test_a_kubeconfig_that_others_may_write(staged: Stage) -> None:
    """What another wrote is not used: refused with the reason, and with what to do."""
    cluster, here = staged.cluster, staged.here
    config = cluster.kubelet_folder(here) / "kubelet.conf"
    config.chmod(0o666)
    forged = config.read_text().replace(cluster.api.url, "https://127.0.0.1:1")
    well = config.read_bytes()
    config.write_text(forged)
    told = lost(staged)["MESSAGE"]
    assert f"{config} is refused: it may be written by everybody (mode 0666)" in told
    assert f"try chmod go-w {config}" in told
    assert "127.0.0.1:1" not in told
    staged.make_pod(PODS + 1)
    config.write_bytes(well)
    config.chmod(0o600)
    staged.survived(LOST, BACK)


@pytest.mark.parametrize("change", CHANGES)
def test_refused_at_the_start(cluster: Cluster, change: Callable[[Path], None]) -> None:
    """It starts all the same, and pokes the targets that it had; the refused file is not used."""
    here = cluster.lab.nodes[0]
    config = cluster.kubelet_folder(here) / "kubelet.conf"
    with stage(cluster) as staged:
        staged.survived()
    change(config)
    asked = len(cluster.api.control.requests())
    with daemon_under_a_journal(cluster, here, TABLES) as daemon:
        daemon.wait_status(rf".*{PODS} targets: {PODS} up, 0 down.* API: lost.*refused")
        assert len(cluster.api.control.requests()) == asked
