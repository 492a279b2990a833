"""An exec credential plugin that gives nothing, or does not end, while the daemon runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pokepodsd.core.entries import EventKind
from tests.apiserver.kubeconfig import write_exec_kubeconfig
from tests.cluster import Cluster
from tests.daemon.journalled import kinds
from tests.faults.credentials import ACCOUNT, SECRET, assert_no_secret, named, wait_for
from tests.faults.stage import PODS, Stage, stage

LOST, BACK = EventKind.API_LOST, EventKind.API_BACK
# Its own process, a child, and one that left the session and its parent.
HANGS = """
echo $$ >"$here/pids"
sleep 1000 & echo $! >>"$here/pids"
(setsid sleep 1000 & echo $! >>"$here/pids")
wait
"""
RUBBISH = f"echo run >>$here/credential-plugin.runs; echo '{SECRET}'"
MEGABYTES = f"echo run >>$here/credential-plugin.runs; yes '{SECRET}'"
FAILURE = f"echo run >>$here/credential-plugin.runs; echo '{SECRET}' >&2; exit 1"


class PluginStage:
    """A stage whose credentials are a plugin's."""

    def __init__(self, staged: Stage, plugin: Path) -> None:
        self.staged = staged
        self.plugin = plugin
        self.well = plugin.read_text()

    def become(self, script: str) -> None:
        """Let the plugin do something else from now on, by rename."""
        new = self.plugin.with_suffix(".new")
        new.touch(mode=0o755)
        new.write_text(
            script if script == self.well else f'#!/bin/sh\nhere=$(dirname "$0")\n{script}'
        )
        new.rename(self.plugin)

    def refuse(self) -> None:
        """What it gave is not taken any more, so that it is run again."""
        control = self.staged.cluster.api.control
        control.delete_token(SECRET)
        control.break_watches()

    def accept(self) -> None:
        """What it gives is taken."""
        self.staged.cluster.api.control.set_token(SECRET, ACCOUNT, ["system:masters"])

    def runs(self) -> int:
        """How often it was run, but for when it hung."""
        return len(self.plugin.with_name("credential-plugin.runs").read_text().splitlines())

    def left(self) -> list[int]:
        """What lives of what it started."""
        pids = self.plugin.with_name("pids").read_text().split()
        return [int(pid) for pid in pids if _is_alive(pid)]


def _is_alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def plugged(cluster: Cluster) -> Iterator[PluginStage]:
    here = cluster.lab.nodes[0]
    cluster.api.control.set_token(SECRET, ACCOUNT, ["system:masters"])
    path = write_exec_kubeconfig(
        cluster.api.authority, cluster.kubelet_folder(here), cluster.api.url, here.name, SECRET
    )
    with stage(cluster, named(here.name)) as staged:
        yield PluginStage(staged, path.with_name("credential-plugin.sh"))


def test_gone_then_failing_in_every_way_then_well(plugged: PluginStage) -> None:
    """One entry names the plugin, none quotes it; the targets stay; it is used once it is well."""
    staged = plugged.staged
    plugged.plugin.unlink()
    plugged.refuse()
    told = staged.daemon.wait_entry(LOST)["MESSAGE"]
    assert "the exec plugin ./credential-plugin.sh gave no credentials" in told
    for script in (FAILURE, RUBBISH, MEGABYTES):
        before = plugged.runs()
        plugged.become(script)
        wait_for(lambda before=before: plugged.runs() > before)  # type: ignore[misc]
    staged.make_pod(PODS + 1)
    plugged.accept()
    plugged.become(plugged.well)
    staged.wait_well()
    assert_no_secret(staged.daemon)
    staged.survived(LOST, BACK)


def test_nothing_is_left_of_one_that_hangs_when_the_daemon_ends(plugged: PluginStage) -> None:
    """The targets are poked on while it hangs; then it ends with the daemon."""
    hang(plugged)
    staged = plugged.staged
    staged.daemon.wait_entry(LOST)
    staged.wait_well(api="lost")
    assert len(plugged.left()) == 3
    assert kinds(staged.daemon.finish()) == [LOST.name]
    wait_for(lambda: plugged.left() == [])


def test_nothing_is_left_of_one_that_hangs_when_the_daemon_is_killed(plugged: PluginStage) -> None:
    """Without a chance to end it: its guard does."""
    hang(plugged)
    plugged.staged.daemon.process.kill()
    wait_for(lambda: plugged.left() == [])


@pytest.mark.long
def test_one_that_hangs_is_given_up(plugged: PluginStage) -> None:
    """It has half a minute; nothing of it is left then, and it is tried again."""
    hang(plugged)
    staged = plugged.staged
    staged.daemon.wait_entry(LOST)
    staged.make_pod(PODS + 1)
    plugged.accept()
    plugged.become(plugged.well)
    staged.wait_well(seconds=120)
    assert plugged.left() == []
    staged.survived(LOST, BACK)


def hang(plugged: PluginStage) -> None:
    """Have the plugin run and not end."""
    plugged.become(HANGS)
    plugged.refuse()
    pids = plugged.plugin.with_name("pids")
    wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 3)
