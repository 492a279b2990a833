"""The deb's files as they are before its installation."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tree(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deb, unpacked."""
    folder = tmp_path_factory.mktemp("tree")
    subprocess.run(["dpkg-deb", "--extract", deb, folder], check=True)
    return folder
