"""Links that somebody put where the daemon writes and reads: never followed for writing, and never
read as what was saved.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.wire import requests
from tests.faults.attacker import metrics
from tests.faults.stage import stage

PASSWORDS: Final = "root:x:0:0:root:/root:/bin/bash\n"
NOBODY: Final = 65534
PATIENCE_SECONDS: Final = 30.0
# An address behind the other node, of which no API server ever said a word.
FOREIGN: Final = 200


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file of somebody else's, which must stay as it is."""
    path = tmp_path / "passwd"
    path.write_text(PASSWORDS)
    return path


def is_untouched(victim: Path) -> bool:
    return victim.read_text() == PASSWORDS


@pytest.mark.parametrize(
    "link", [os.symlink, pytest.param(os.link, marks=pytest.mark.long)], ids=["symbolic", "hard"]
)
def test_links_at_the_names_that_are_written(
    cluster: Cluster, victim: Path, link: Callable[[Path, Path], None]
) -> None:
    """The state file and the metrics' file, each with the name beside it: the save is made all the
    same, in a file of its own.
    """
    state = cluster.folder / f"state-{cluster.lab.nodes[0].name}"
    exported = cluster.folder / "collector" / "pokepodsd.prom"
    exported.parent.mkdir()
    planted = [path.with_name(path.name + ".new") for path in (state / "targets.json", exported)]
    link(victim, planted[1])
    link(victim, exported)
    with stage(cluster, {"metrics": {"textfile": str(exported)}}) as staged:
        link(victim, planted[0])
        staged.make_pod(21)
        staged.wait_well()
        wait_for(lambda: '"targets": 21' in (state / "targets.json").read_text().partition("\n")[0])
        wait_for(lambda: "pokepodsd_peers" in exported.read_text())
        assert is_untouched(victim)
        assert not exported.is_symlink()
        staged.survived()
    assert is_untouched(victim)
    assert not (state / "targets.json").is_symlink()


def save_of_another(cluster: Cluster, path: Path) -> None:
    """A save that is whole, of one target that nobody told this daemon of."""
    row = ["uid-x", "shop", "x", "node-b", cluster.lab.nodes[1].pod_address(FOREIGN), "", ""]
    header = {"format": "pokepodsd targets", "version": 2, "targets": 1}
    path.write_text(f"{json.dumps(header)}\n{json.dumps(row)}\n")


@pytest.mark.parametrize(
    "how", ["owner", *(pytest.param(one, marks=pytest.mark.long) for one in ("link", "pipe"))]
)
def test_what_another_put_there_is_not_read(cluster: Cluster, how: str) -> None:
    """A link to a save, a save of another user's, and a pipe without an end: each is set aside with
    one entry, and nothing in it is poked.
    """
    state = cluster.folder / f"state-{cluster.lab.nodes[0].name}"
    state.mkdir(mode=0o700)
    saved, elsewhere = state / "targets.json", cluster.folder / "elsewhere.json"
    save_of_another(cluster, elsewhere)
    if how == "link":
        saved.symlink_to(elsewhere)
    elif how == "owner":
        save_of_another(cluster, saved)
        os.chown(saved, NOBODY, NOBODY)
    else:
        os.mkfifo(saved)
    with stage(cluster) as staged:
        told = staged.daemon.told_before()
        (entry,) = [one for one in told if one["MESSAGE_ID"] == EventKind.STATE_SET_ASIDE.value]
        print(f"  {entry['MESSAGE']}")
        assert metrics(staged)["pods_known"] == len(staged.pods)
        foreign = staged.there.pod_address(FOREIGN)
        assert all(one.destination != foreign for one in requests(staged.capture))
        staged.survived()
    assert elsewhere.read_text().count("\n") == 2


def test_a_link_in_the_runtime_directory(cluster: Cluster, victim: Path) -> None:
    """The control socket takes the place of a link, and its mode is not the victim's affair."""
    runtime = cluster.runtime_folder(cluster.lab.nodes[0])
    runtime.mkdir()
    (runtime / "control.sock").symlink_to(victim)
    with stage(cluster) as staged:
        assert metrics(staged)["pods_known"] == len(staged.pods)
        assert (runtime / "control.sock").is_socket()
        assert is_untouched(victim)
        staged.survived()
    assert is_untouched(victim)
