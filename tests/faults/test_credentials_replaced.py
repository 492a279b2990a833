"""Credentials are rotated while a watch is open, in each way that writers have."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.apiserver.kubeconfig import write_inline_kubeconfig, write_token_file_kubeconfig
from tests.apiserver.pki import Authority
from tests.cluster import Cluster
from tests.faults.credentials import (
    ACCOUNT,
    CERTIFICATE,
    SECRET,
    assert_no_secret,
    named,
    wait_for,
    wait_watched_anew,
)
from tests.faults.stage import Stage, stage


def rename(path: Path, text: bytes, mode: int = 0o600) -> None:
    """As a careful writer does it."""
    new = path.with_suffix(".new")
    new.touch(mode=mode)
    new.write_bytes(text)
    new.rename(path)


def by_rename(authority: Authority, folder: Path, node: str) -> None:
    """The file itself, where the link was."""
    rename(folder / CERTIFICATE, authority.issue_node(node).pem)


def in_place(authority: Authority, folder: Path, node: str) -> None:
    """The same file with other content."""
    (folder / CERTIFICATE).write_bytes(authority.issue_node(node).pem)


def within_the_kubeconfig(authority: Authority, folder: Path, node: str) -> None:
    """The key was in a file, and is in the kubeconfig itself now, which is written in place."""
    config = folder / "kubelet.conf"
    server = config.read_text().partition("server: ")[2].split()[0]
    write_inline_kubeconfig(authority, folder, server, node)


ROTATIONS: tuple[Callable[[Authority, Path, str], None], ...] = (
    by_rename,
    in_place,
    within_the_kubeconfig,
)


def test_a_rotated_certificate(staged: Stage) -> None:
    """However it is replaced: the next watch shows the new one, and nobody is told anything."""
    cluster, here = staged.cluster, staged.here
    folder = cluster.kubelet_folder(here)
    for change in ROTATIONS:
        before = {one.serial for one in cluster.api.control.requests()}
        wait_watched_anew(staged, partial(change, cluster.api.authority, folder, here.name))
        last = [one for one in cluster.api.control.requests() if one.kind == "watch"][-1]
        assert last.serial not in before
    staged.make_pod(21)
    staged.survived()


def rewrite(path: Path, text: bytes) -> None:
    """In place."""
    path.write_bytes(text)


@pytest.mark.parametrize("change", [rewrite, pytest.param(rename, marks=pytest.mark.long)])
def test_a_rotated_token(cluster: Cluster, change: Callable[[Path, bytes], object]) -> None:
    """The new token is used, also where the old one is refused at once."""
    here, control = cluster.lab.nodes[0], cluster.api.control
    folder = cluster.kubelet_folder(here)
    control.set_token(SECRET, ACCOUNT, ["system:masters"])
    write_token_file_kubeconfig(cluster.api.authority, folder, cluster.api.url, SECRET)
    with stage(cluster, named(here.name)) as staged:
        next_user = f"{ACCOUNT}-next"
        control.set_token(f"{SECRET}-next", next_user, ["system:masters"])

        def replace() -> None:
            change(folder / "token", f"{SECRET}-next\n".encode())
            control.delete_token(SECRET)
            control.break_watches()

        wait_watched_anew(staged, replace)
        wait_for(lambda: control.requests()[-1].user == next_user)
        staged.make_pod(21)
        assert_no_secret(staged.daemon)
        staged.survived()


@pytest.mark.parametrize(
    "name", ["kubelet.conf", pytest.param(CERTIFICATE, marks=pytest.mark.long)]
)
def test_a_file_that_is_half_written(staged: Stage, name: str) -> None:
    """What is complete within seconds is not worth an entry, and the watch is open again."""
    path = staged.cluster.kubelet_folder(staged.here) / name
    whole = path.read_bytes()

    def write_in_two_parts() -> None:
        path.write_bytes(whole[: len(whole) // 2])
        staged.cluster.api.control.wait_watches_gone(timeout_seconds=60.0)
        with path.open("ab") as file:
            file.write(whole[len(whole) // 2 :])

    wait_watched_anew(staged, write_in_two_parts)
    staged.make_pod(21)
    assert_no_secret(staged.daemon)
    staged.survived()


@pytest.mark.long
def test_a_key_without_its_certificate(staged: Stage) -> None:
    """Two files that are written one after the other do not match meanwhile."""
    cluster, here = staged.cluster, staged.here
    folder = cluster.kubelet_folder(here)
    issued = cluster.api.authority.issue_node(here.name)
    config = folder / "kubelet.conf"
    for name in ("client.crt", "client.key"):
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes((folder / CERTIFICATE).read_bytes())
    text = config.read_text()
    text = text.replace(f"client-certificate: {CERTIFICATE}", "client-certificate: client.crt")
    text = text.replace(f"client-key: {CERTIFICATE}", "client-key: client.key")
    wait_watched_anew(staged, lambda: rename(config, text.encode()))

    def write_both() -> None:
        rename(folder / "client.key", issued.key)
        cluster.api.control.wait_watches_gone(timeout_seconds=60.0)
        rename(folder / "client.crt", issued.certificate)

    wait_watched_anew(staged, write_both)
    assert cluster.api.control.requests()[-1].serial == issued.serial
    staged.make_pod(21)
    staged.survived()
