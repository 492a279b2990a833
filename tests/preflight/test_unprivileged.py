"""Somebody without rights runs the check: it says what it could not look at, and fails not."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.support import UNPRIVILEGED
from tests.preflight.desk import Desk
from tests.preflight.printed import Page, run_on_terminal


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may look into, which pytest's are not."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def check(desk: Desk, config: Path) -> Page:
    words = ("--config", str(config), "check", "--socket", str(config.parent / "control.sock"))
    command = desk.node.command(*UNPRIVILEGED, sys.executable, "-m", "pokepodsd", *words)
    return run_on_terminal(command, env={**os.environ, "HOME": "/"})


def test_what_is_for_root_is_left_out(desk: Desk, folder: Path) -> None:
    """The kubeconfig and raw sockets are; the kernel's routes are everybody's."""
    desk.node.set_sysctl("net.ipv4.ping_group_range", "1 0")
    config = folder / "pokepodsd.toml"
    kubeconfig = folder / "kubelet.conf"
    kubeconfig.touch(0o600)
    text = desk.config.read_text()
    config.write_text(text.replace(str(desk.cluster.kubelet_folder(desk.node)), str(folder)))
    page = check(desk, config)
    desk.node.set_sysctl("net.ipv4.ping_group_range", "0 2147483647")
    assert page.status == 0, page.text
    for name in ("kubeconfig:", "ICMP sockets:"):
        (finding,) = page.named(name)
        assert (finding.level, finding.label) == ("skipped", "look as root:"), page.text
        assert finding.remedy.strip() == f"sudo pokepodsd --config {config} check"
    assert page.named("tunnel devices:")[0].level == "ok", page.text


def test_a_configuration_that_is_for_root_is_left_out(desk: Desk, folder: Path) -> None:
    """And all that goes by it."""
    config = folder / "pokepodsd.toml"
    config.touch(0o600)
    config.write_text(desk.config.read_text())
    page = check(desk, config)
    assert page.status == 0, page.text
    (finding,) = page.named("configuration:")
    assert finding.level == "skipped"
    (left_out,) = page.named("kubeconfig:")
    assert left_out.head == "kubeconfig: because configuration was not looked at"
