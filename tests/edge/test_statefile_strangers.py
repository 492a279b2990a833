"""Checks what stands where the targets are saved and is no save of this user."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pokepodsd.edge import statefile, textfile
from pokepodsd.errors import StateFileError
from tests.edge.support import make_target

NOBODY = 65534


def save(folder: Path, count: int = 3) -> Path:
    """A save of so many targets, and where it is."""
    folder.mkdir(exist_ok=True)
    statefile.Writer(folder, map(make_target, range(count))).finish()
    return folder / statefile.NAME


def as_link(folder: Path) -> None:
    (folder / statefile.NAME).symlink_to(save(folder.parent / "elsewhere"))


def as_another_user(folder: Path) -> None:
    os.chown(save(folder), NOBODY, NOBODY)


def as_pipe(folder: Path) -> None:
    os.mkfifo(folder / statefile.NAME)


def as_device(folder: Path) -> None:
    os.mknod(folder / statefile.NAME, 0o20666, os.makedev(1, 5))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (as_link, "it is a symbolic link"),
        (as_another_user, "it belongs to the user 65534"),
        (as_pipe, "it is no regular file"),
        (as_device, "it is no regular file"),
    ],
)
def test_what_is_no_save_of_ours_is_set_aside(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    """At once, unread, with the reason; the next read finds nothing."""
    folder = tmp_path / "state"
    folder.mkdir()
    make(folder)
    with pytest.raises(StateFileError, match=f"{reason}.*set aside"):
        statefile.read(folder)
    assert statefile.read(folder) == []


def test_a_save_of_the_folders_owner_is_looked_at(tmp_path: Path) -> None:
    """By root, for `trace`: the daemon is another user. Of no third user."""
    saved = save(tmp_path / "state")
    os.chown(saved, NOBODY, NOBODY)
    with pytest.raises(StateFileError, match="it belongs to the user 65534"):
        statefile.peek(saved.parent)
    os.chown(saved.parent, NOBODY, NOBODY)
    assert len(statefile.peek(saved.parent)) == 3


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_link_beside_it_is_not_written_through(
    tmp_path: Path, link: Callable[[Path, Path], None]
) -> None:
    """Neither where the targets are saved nor where the metrics are."""
    victim = tmp_path / "victim"
    victim.write_text("as it was")
    folder, exported = tmp_path / "state", tmp_path / "pokepodsd.prom"
    folder.mkdir()
    link(victim, folder / f"{statefile.NAME}.new")
    link(victim, tmp_path / f"{exported.name}.new")
    save(folder)
    textfile.write(exported, b"up 1\n")
    assert victim.read_text() == "as it was"
    assert len(statefile.read(folder)) == 3
    assert exported.read_bytes() == b"up 1\n"
