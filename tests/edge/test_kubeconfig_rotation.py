"""Checks that replaced credentials are noticed, however they are replaced."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import CredentialsError
from tests.apiserver.client import ApiServer as ClusterServer
from tests.apiserver.kubeconfig import rotate, write_token_file_kubeconfig
from tests.apiserver.pki import Authority

Change = Callable[[Authority, Path], object]


def replace(path: Path) -> None:
    """As a careful writer does it: the same content in a new file, by rename."""
    new = path.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_bytes(path.read_bytes())
    new.rename(path)


def rewrite(path: Path) -> None:
    """In place, with content of another length."""
    path.write_bytes(path.read_bytes() + b"\n")


CHANGES: dict[str, Change] = {
    "kubelet's own rotation": lambda authority, folder: rotate(authority, folder, "node-a"),
    "kubeconfig renamed into place": lambda _, folder: replace(folder / "kubelet.conf"),
    "kubeconfig written in place": lambda _, folder: rewrite(folder / "kubelet.conf"),
    "certificate written in place": lambda _, folder: rewrite(
        folder / "pki/kubelet-client-current.pem"
    ),
    "certificate removed": lambda _, folder: (folder / "pki/kubelet-client-current.pem").unlink(),
    "kubeconfig removed": lambda _, folder: (folder / "kubelet.conf").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_replaced_file_is_noticed(
    server: ClusterServer, kubelet: Path, scratch: Path, change: Change
) -> None:
    """A change of the kubeconfig or of a file that it names shows, and the next load settles it."""
    loaded = Kubeconfig(kubelet, scratch=scratch)
    loaded.load()
    assert not loaded.is_changed()
    change(server.authority, kubelet.parent)
    assert loaded.is_changed()
    assert loaded.is_changed()
    if all(path.exists() for path in (kubelet, kubelet.parent / "pki/kubelet-client-current.pem")):
        loaded.load()
        assert not loaded.is_changed()
    else:
        with pytest.raises(CredentialsError):
            loaded.load()


@pytest.mark.parametrize("change", [replace, rewrite])
def test_replaced_token_file_is_noticed_and_read(
    server: ClusterServer, tmp_path: Path, scratch: Path, change: Callable[[Path], None]
) -> None:
    """A token file that is replaced shows, and its new token is the one in force."""
    folder = tmp_path / "files"
    path = write_token_file_kubeconfig(server.authority, folder, server.url, "old")
    loaded = Kubeconfig(path, scratch=scratch)
    configuration = loaded.load()
    assert token_of(configuration.auth_settings()) == "Bearer old"
    (folder / "token").write_text("newer\n")
    assert loaded.is_changed()
    configuration = loaded.load()
    change(folder / "token")
    assert loaded.is_changed()
    assert token_of(configuration.auth_settings()) == "Bearer newer"


def token_of(settings: dict[str, dict[str, str]]) -> str:
    """What goes into the header."""
    return settings["BearerToken"]["value"]
