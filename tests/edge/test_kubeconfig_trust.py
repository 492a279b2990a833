"""Checks that credentials which others may write are refused, and no distribution's are."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest

from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import CredentialsError, UntrustedError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.kubeconfig import (
    CURRENT,
    rotate,
    write_exec_kubeconfig,
    write_inline_kubeconfig,
    write_token_file_kubeconfig,
)
from tests.edge.support import run_unprivileged

OTHER = 4242
Change = Callable[[Path], object]


def load(path: Path, scratch: Path) -> None:
    Kubeconfig(path, scratch=scratch).load()


def refusal(path: Path, scratch: Path) -> UntrustedError:
    """Why it is refused; one line that ends in a command."""
    with pytest.raises(UntrustedError) as caught:
        load(path, scratch)
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith(f"{path.parent}")
    assert str(caught.value).endswith(f"try {caught.value.remedy}")
    return caught.value


# How distributions leave theirs: kubeadm, k3s and RKE2 0600, cloud images 0644, hardened ones 0640.
@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o644, 0o755])
def test_what_others_may_only_read_is_used(kubelet: Path, scratch: Path, mode: int) -> None:
    """Whoever may read it is not ours to judge."""
    kubelet.chmod(mode)
    load(kubelet, scratch)


REFUSED: dict[str, tuple[Change, str]] = {
    "all may write": (lambda path: path.chmod(0o646), "chmod go-w"),
    "a group may write": (lambda path: path.chmod(0o664), "chmod go-w"),
    "all may write its folder": (lambda path: path.parent.chmod(0o777), "chmod go-w"),
    "all may write a folder above": (lambda path: path.parent.parent.chmod(0o777), "chmod go-w"),
}
OWNED: dict[str, tuple[Change, str]] = {
    "of another user": (lambda path: os.chown(path, OTHER, -1), "chown -h root"),
    "in the folder of another": (lambda path: os.chown(path.parent, OTHER, -1), "chown -h root"),
}


@pytest.mark.parametrize(("change", "command"), REFUSED.values(), ids=REFUSED.keys())
def test_what_others_may_write_is_refused(
    kubelet: Path, scratch: Path, change: Change, command: str
) -> None:
    """The line says what, where and who, and its command makes it well."""
    change(kubelet)
    error = refusal(kubelet, scratch)
    assert error.remedy.startswith(command)
    assert "(mode 0" in error.what
    subprocess.run(error.remedy, shell=True, check=True)
    load(kubelet, scratch)


@pytest.mark.root
@pytest.mark.parametrize(("change", "command"), OWNED.values(), ids=OWNED.keys())
def test_what_belongs_to_another_is_refused(
    kubelet: Path, scratch: Path, change: Change, command: str
) -> None:
    """An owner may write whatever the mode says."""
    change(kubelet)
    error = refusal(kubelet, scratch)
    assert error.remedy.startswith(command)
    assert f"belongs to user {OTHER}" in error.what
    Kubeconfig(kubelet, scratch=scratch, users={OTHER}).load()
    subprocess.run(error.remedy, shell=True, check=True)
    load(kubelet, scratch)


def test_a_sticky_folder_is_as_safe_as_its_files(kubelet: Path, scratch: Path) -> None:
    """In /tmp nobody may replace what is another's."""
    kubelet.parent.chmod(0o1777)
    load(kubelet, scratch)


def test_a_folder_of_a_group_is_taken(kubelet: Path, scratch: Path) -> None:
    """As /usr/local/bin is on Debian; whom such a group holds is the administrator's choice."""
    kubelet.parent.chmod(0o2775)
    load(kubelet, scratch)


@pytest.mark.parametrize("name", [CURRENT, "pki"])
def test_the_certificate_that_it_names(kubelet: Path, scratch: Path, name: str) -> None:
    """Behind the kubelet's link too, and in its folder."""
    place = kubelet.parent / "pki"
    (place if name == "pki" else place / name).chmod(0o777)
    refusal(kubelet, scratch)


def test_the_token_file_that_it_names(server: ClusterServer, tmp_path: Path, scratch: Path) -> None:
    """A token of somebody else's choice shows somebody else's pods."""
    path = write_token_file_kubeconfig(server.authority, tmp_path / "files", server.url, "t")
    path.with_name("token").chmod(0o666)
    assert "token is refused" in refusal(path, scratch).what


@pytest.mark.root
def test_a_link_that_another_may_turn(server: ClusterServer, tmp_path: Path, scratch: Path) -> None:
    """In a sticky folder a link of another's leads wherever the other likes."""
    tmp_path.chmod(0o1777)
    link = tmp_path / "link"
    link.symlink_to(write_inline_kubeconfig(server.authority, tmp_path / "files", server.url, "n"))
    load(link, scratch)
    os.chown(link, OTHER, -1, follow_symlinks=False)
    with pytest.raises(UntrustedError, match=f"belongs to user {OTHER}"):
        load(link, scratch)


def test_the_folders_behind_a_link(server: ClusterServer, tmp_path: Path, scratch: Path) -> None:
    """The way goes through them, whatever the name says; `..` is the kernel's, not the text's."""
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "short").symlink_to("deep/er")
    file = write_inline_kubeconfig(server.authority, tmp_path / "files", server.url, "n")
    path = tmp_path / "short/../../files" / file.name
    load(path, scratch)
    (tmp_path / "deep").chmod(0o777)
    with pytest.raises(UntrustedError, match="deep may be written by everybody"):
        load(path, scratch)


def test_links_without_end(tmp_path: Path, scratch: Path) -> None:
    """A link to itself is no kubeconfig, and no endless loop."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CredentialsError, match="cannot be read"):
        load(tmp_path / "loop", scratch)


class TestPlugin:
    """The program that a kubeconfig names is looked at before it is run."""

    @pytest.fixture
    def path(self, server: ClusterServer, tmp_path: Path) -> Path:
        return write_exec_kubeconfig(
            server.authority, tmp_path / "files", server.url, "node-a", "token"
        )

    def test_beside_the_kubeconfig(self, path: Path, scratch: Path) -> None:
        """Refused, and not run."""
        path.with_name("credential-plugin.sh").chmod(0o775)
        error = refusal(path, scratch)
        assert "credential-plugin.sh is refused: it may be written by group" in error.what
        assert not path.with_name("credential-plugin.runs").exists()

    def test_of_the_path(self, path: Path, scratch: Path, tmp_path: Path) -> None:
        """One that is found by its name alone, in a folder that is open to all."""
        folder = tmp_path / "bin"
        folder.mkdir()
        shutil.copy2(path.with_name("credential-plugin.sh"), folder / "cloud-login")
        shutil.copy2(path.with_name("credential.json"), folder)
        variables = f"[{{name: PATH, value: '{folder}:/usr/bin:/bin'}}]"
        text = path.read_text().replace("./credential-plugin.sh", "cloud-login")
        path.write_text(text.replace("interactiveMode: Never", f"env: {variables}"))
        load(path, scratch)
        folder.chmod(0o777)
        with pytest.raises(UntrustedError, match="bin may be written by everybody"):
            load(path, scratch)


@pytest.mark.root
def test_unreadable_for_a_user_without_privilege(server: ClusterServer, kubelet: Path) -> None:
    """The key that only root may read is named, and nothing of what it holds."""
    # pytest's own folders are root's alone.
    for folder in takewhile(lambda one: one != Path(tempfile.gettempdir()), kubelet.parents):
        folder.chmod(0o755)
    kubelet.chmod(0o644)
    rotate(server.authority, kubelet.parent, "node-a")
    text = load_as_nobody(kubelet)
    kubelet.chmod(0o600)
    assert load_as_nobody(kubelet) == f"{kubelet} cannot be read: Permission denied"
    assert text == f"{kubelet.parent}/pki/{CURRENT} cannot be read: Permission denied"


def load_as_nobody(path: Path) -> str:
    """What the error says."""
    program = f"""
import tempfile
from pathlib import Path
from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import CredentialsError
with tempfile.TemporaryDirectory() as scratch:
    try:
        Kubeconfig(Path({str(path)!r}), scratch=Path(scratch)).load()
    except CredentialsError as error:
        print(error)
"""
    done = run_unprivileged([sys.executable, "-c", program])
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("mode", [0o660, 0o666])
@pytest.mark.root
def test_a_group_that_administers_the_cluster(kubelet: Path, scratch: Path, mode: int) -> None:
    """MicroK8s gives its credentials to a group whose members are the cluster's administrators."""
    program = f"""
import grp, os, sys
from pathlib import Path
from pokepodsd.edge.kubeconfig import Kubeconfig
os.chown({str(kubelet)!r}, 0, grp.getgrnam("microk8s").gr_gid)
os.chmod({str(kubelet)!r}, {mode})
Kubeconfig(Path({str(kubelet)!r}), scratch=Path({str(scratch)!r})).load()
"""
    add = "echo 'microk8s:x:4343:' >> /tmp/group && mount --bind /tmp/group /etc/group"
    script = f"mount -t tmpfs tmpfs /mnt && cp /etc/group /mnt/group && {add}"
    script = script.replace("/tmp/group", "/mnt/group") + ' && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ("UntrustedError" in done.stderr, bool(done.returncode)) == (mode == 0o666,) * 2
