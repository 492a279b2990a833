"""The API server is not where it was, not who it was, or not as far as it was."""

import datetime
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import daemon_under_a_journal, kinds
from tests.faults.asking import PATIENCE_SECONDS, Asking, change_a_pod, wait_for
from tests.faults.stage import PODS, TABLES, Stage


def test_a_server_that_is_dead_at_boot(cluster: Cluster) -> None:
    """Without saved targets: ready all the same, told once, and all is poked once it is there."""
    here, there = cluster.lab.nodes
    cluster.make_pods(there, PODS)
    cluster.api.kill(save=True)
    with daemon_under_a_journal(cluster, here, TABLES) as daemon:
        daemon.wait_entry(EventKind.TUNNELS_FOUND)
        daemon.wait_status(r"(.*\D)?0 targets.* API: lost")
        told = daemon.wait_entry(EventKind.API_LOST)
        assert "Connection refused" in told["MESSAGE"]
        cluster.api.start()
        daemon.wait_status(rf".*{PODS} targets: {PODS} up, 0 down.* API: watching", 60.0)
        told_all = kinds(daemon.finish())
    # What is told before is of the start.
    assert told_all[told_all.index("TUNNELS_FOUND") + 1 :] == ["API_LOST", "API_BACK"]


def test_a_server_that_is_behind(staged: Stage) -> None:
    """The load balancer moves to one with an older resourceVersion, which catches up.

    Until then the last known targets are poked on. What it had not yet seen is known again once it
    has, and no list is made over it.
    """
    control = staged.cluster.api.control
    control.save()
    version = control.resource_version()
    change_a_pod(staged)
    control.bump(10)
    change_a_pod(staged)
    staged.wait_well()
    ahead = control.resource_version()
    staged.cluster.api.kill()
    staged.cluster.api.start()
    assert control.resource_version() == version
    asking = Asking.since_now(staged)
    control.wait_watches(1, PATIENCE_SECONDS)
    control.bump(ahead - version)
    change_a_pod(staged)
    staged.wait_well()
    assert asking.requests("list") == []
    staged.survived()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_server_that_was_put_back(staged: Stage) -> None:
    """Its etcd was restored, so it says nothing of changes: after two silences a list is made.

    What the restored server has no more is a target no more, and nothing of it needs an operator.
    """
    control = staged.cluster.api.control
    control.save()
    pods = {*staged.pods}
    control.bump(100_000)
    staged.make_pod(PODS + 1)
    staged.wait_well()
    staged.cluster.api.kill()
    staged.cluster.api.start()
    staged.pods = pods
    asking = Asking.since_now(staged)
    staged.wait_well(seconds=300.0)
    change_a_pod(staged)
    staged.wait_well()
    assert len(asking.requests("list")) == 1
    staged.survived()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_server_that_cannot_be_trusted_or_found(staged: Stage) -> None:
    """Its certificate has expired, then its name does not resolve: each is told, and why."""
    api = staged.cluster.api
    api.kill(save=True)
    api.valid_until = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    api.start()
    told = wait_told(staged, EventKind.API_LOST, 1)
    assert "certificate has expired" in told
    api.kill(save=True)
    api.valid_until = None
    api.start()
    staged.wait_well()
    with renamed_server(staged):
        told = wait_told(staged, EventKind.API_LOST, 2)
        assert "api.invalid" in told
    staged.survived(*2 * (EventKind.API_LOST, EventKind.API_BACK))


@contextmanager
def renamed_server(stage: Stage) -> Iterator[None]:
    """For the time of the block the kubeconfig names a server that no resolver knows."""
    path = stage.cluster.kubelet_folder(stage.here) / "kubelet.conf"
    good = path.read_text()
    path.write_text(re.sub(r"https://[^:]+:", "https://api.invalid:", good))
    yield
    path.write_text(good)


def wait_told(stage: Stage, kind: EventKind, times: int) -> str:
    """Wait until this was told so many times; the last one's message."""

    def told() -> list[str]:
        return [one["MESSAGE"] for one in stage.daemon.told() if one["MESSAGE_ID"] == kind.value]

    wait_for(stage, lambda: len(told()) >= times, f"{kind.name} told {times} times")
    return told()[-1]
