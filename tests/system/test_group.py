"""Who may ask the packaged service, and for what: root, the group pokepodsd, anybody else."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from tests.system import package
from tests.system.box import Box
from tests.system.package import UNIT

SOMEBODY = "4242"


@pytest.fixture
def running(box: Box) -> Iterator[Box]:
    package.configure(box)
    package.start(box)
    yield box
    box.run("systemctl", "stop", UNIT)


def run_as_somebody(box: Box, groups: str, *command: str) -> subprocess.CompletedProcess[str]:
    """As a user who owns nothing; ``groups`` as setpriv takes them."""
    somebody = ("setpriv", "--reuid", SOMEBODY, "--regid", SOMEBODY, "--groups", groups)
    return box.run(*somebody, "pokepodsd", *command, check=False)


def test_the_group_may_look_and_only_root_may_hold(running: Box) -> None:
    """A member gets the status, and may not stop what keeps the tunnels open; others get nothing.

    The group is static: it is there before the service, and the service runs in it.
    """
    group = running.run("getent", "group", "pokepodsd").stdout.split(":")[2]
    status = json.loads(run_as_somebody(running, group, "status", "-o", "json").stdout)
    assert (status["verdict"]["state"], status["peers_total"]) == ("ok", 2)
    held = run_as_somebody(running, group, "need", "all")
    assert held.returncode == 69
    assert "pokes are held for root only" in held.stderr
    refused = run_as_somebody(running, SOMEBODY, "status")
    assert (refused.returncode, refused.stdout) == (77, "")
    assert "member of the group pokepodsd" in refused.stderr
    assert running.run("pokepodsd", "status").returncode == 0
    shown = running.show(UNIT, "Group", "User", "DynamicUser")
    assert shown == {"Group": "pokepodsd", "User": "_pokepodsd", "DynamicUser": "yes"}
