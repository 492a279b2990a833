"""What the unit hides stays hidden, although systemd settles it when the service starts."""

import pytest

from tests.system import package
from tests.system.box import Box
from tests.system.package import UNIT

SHADOW = "/etc/shadow"
ADMINISTRATOR = "/etc/kubernetes/super-admin.conf"
NOTICED_SECONDS = 20.0
CHANGES = {
    SHADOW: "echo root:another | chpasswd",
    ADMINISTRATOR: f"echo 'a secret' > {ADMINISTRATOR}",
}


@pytest.mark.parametrize("path", CHANGES)
def test_a_hidden_file_that_is_replaced_is_hidden_again(box: Box, path: str) -> None:
    """A new password replaces /etc/shadow by rename, and `kubeadm init` makes new files.

    The daemon is started again, which costs a moment, and does not see them.
    """
    package.start(box)
    pid = package.main_pid(box)
    box.sh(CHANGES[path])
    assert box.path(path).read_text()
    box.wait_until(lambda: package.main_pid(box) not in {0, pid}, NOTICED_SECONDS)
    package.wait_well(box)
    assert package.seen(box, path) == ""


def test_what_is_in_order_is_left_alone(box: Box) -> None:
    """The check finds nothing to do on a node where nothing has changed, and says nothing."""
    package.start(box)
    before = package.restarts_for_mounts(box)
    box.run("systemctl", "start", "pokepodsd-mounts.service")
    assert package.restarts_for_mounts(box) == before
    said = [entry["MESSAGE"] for entry in box.journal("--unit", "pokepodsd-mounts.service")]
    assert not [text for text in said if text.startswith(("Starting", "Finished"))]


def test_it_is_looked_for_now_and_then(box: Box) -> None:
    """What no path unit has noticed is noticed by a timer, which runs as long as the daemon."""
    package.start(box)
    timer = "pokepodsd-mounts.timer"
    assert box.show(timer, "ActiveState", "Unit") == {
        "ActiveState": "active",
        "Unit": "pokepodsd-mounts.service",
    }
    box.run("systemctl", "stop", UNIT)
    assert box.show(timer, "ActiveState")["ActiveState"] == "inactive"
