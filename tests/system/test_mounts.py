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
    """The check finds nothing to do on a node where nothing has changed."""
    package.start(box)
    pid = package.main_pid(box)
    box.run("systemctl", "start", "pokepodsd-mounts.service")
    assert package.main_pid(box) == pid
    assert box.show(UNIT, "NRestarts")["NRestarts"] == "0"
