"""Checks that a kubeconfig that is enormous, or no file at all, is refused before it is read."""

import os
from pathlib import Path

import pytest

from pokepodsd.edge.kubeconfig import Kubeconfig
from pokepodsd.errors import CredentialsError
from tests.apiserver.kubeconfig import CURRENT

# Behind a well one: what follows is a comment that YAML would read to its end.
COMMENT = b"\n# " + b"x" * 1024 * 1024


@pytest.mark.parametrize("name", ["kubelet.conf", CURRENT])
def test_one_that_is_enormous_is_not_read(kubelet: Path, scratch: Path, name: str) -> None:
    """Nor is a certificate of such a size, whatever it begins with; the line names the file."""
    path = kubelet if name == kubelet.name else kubelet.parent / "pki" / name
    with path.open("ab") as file:
        file.write(COMMENT)
    with pytest.raises(CredentialsError, match=rf"{path.name}.* is larger than 1024 kB"):
        Kubeconfig(kubelet, scratch=scratch).load()


def test_one_that_is_a_pipe_is_not_waited_for(kubelet: Path, scratch: Path) -> None:
    """Whoever opened it would wait for a writer who never comes."""
    kubelet.unlink()
    os.mkfifo(kubelet, 0o600)
    with pytest.raises(CredentialsError, match=r"kubelet\.conf is no file"):
        Kubeconfig(kubelet, scratch=scratch).load()
