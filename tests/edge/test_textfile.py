"""Checks the file for node_exporter: whole at any time, readable, gone without a rest."""

import stat
import threading
from pathlib import Path

import pytest

from pokepodsd.edge import textfile

ROUNDS = 300


def test_a_busy_reader_never_sees_a_half(tmp_path: Path) -> None:
    """Each version is found whole, while it is replaced again and again."""
    path = tmp_path / "pokepodsd.prom"
    textfile.write(path, b"0" * 50_000)
    is_over = threading.Event()
    seen: list[bytes] = []

    def read() -> None:
        while not is_over.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(ROUNDS):
        textfile.write(path, str(number % 10).encode() * 50_000)
    is_over.set()
    reader.join()
    assert seen
    assert all(len(one) == 50_000 and len(set(one)) == 1 for one in seen)


def test_others_may_read_it_and_the_collector_sees_only_it(tmp_path: Path) -> None:
    """node_exporter is another user, and takes every file that ends in .prom."""
    path = tmp_path / "pokepodsd.prom"
    textfile.write(path, b"pokepodsd_up 1\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [*tmp_path.iterdir()] == [path]
    textfile.remove(path)
    textfile.remove(path)
    assert [*tmp_path.iterdir()] == []


def test_what_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    """A folder that has the file's name is in the way: an error, and no rest beside it."""
    path = tmp_path / "pokepodsd.prom"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        textfile.write(path, b"pokepodsd_up 1\n")
    assert [*tmp_path.iterdir()] == [path]
    with pytest.raises(FileNotFoundError):
        textfile.write(tmp_path / "missing" / "pokepodsd.prom", b"")
