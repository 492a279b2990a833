"""Who else may write a file, as sshd asks it of its keys (StrictModes in sshd_config(5)).

Owns that judgement, of credentials and of a plugin. Whoever writes a kubeconfig chooses the API
server that names the targets, and the program that runs to log in to it.
"""

import contextlib
import errno
import grp
import os
import shlex
import stat
from collections.abc import Iterator, Set
from pathlib import Path

from pokepodsd.errors import UntrustedError

# MicroK8s makes its credentials mode 0660 of these, whose members administer the cluster.
_ADMINISTRATORS = frozenset({"microk8s", "snap_microk8s"})
# As the kernel follows them (path_resolution(7)).
_MOST_LINKS = 40


def examine(path: Path, *, users: Set[int] = frozenset()) -> None:
    """Check a file, and every folder and link on the way to it.

    Raises:
        UntrustedError: somebody else may write it; the text says who, and what to do.
    """
    if found := weakness(path, users=users):
        what, command = found
        raise UntrustedError(f"{path} is refused: {what}", command)


def weakness(path: Path, *, users: Set[int] = frozenset()) -> tuple[str, str] | None:
    """Who else may write a file, and the command that mends it; None where nobody may.

    Nobody may but root, the user of this process and ``users``. A folder on the way may be open to
    all where its sticky bit is set, as /tmp, and to a group, as /usr/local/bin. What is not there
    is for whoever opens it to tell.
    """
    trusted = {0, os.geteuid(), *users}
    with contextlib.suppress(OSError):
        for place, status in _way(path):
            if complaint := _complaint(status, trusted):
                what, verb = complaint
                shown = "it" if place == path else f"{place}"
                return f"{shown} {what}", f"{verb} {shlex.quote(str(place))}"
    return None


def _way(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All that is passed when the kernel follows a path, and what is at its end."""
    place = Path("/")
    left = [*reversed((Path.cwd() / path).parts[1:])]
    links = 0
    yield place, place.stat()
    while left:
        name = left.pop()
        here = place.parent if name == ".." else place / name
        status = here.lstat()
        yield here, status
        if not stat.S_ISLNK(status.st_mode):
            place = here
            continue
        links += 1
        if links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = here.readlink()
        place = Path("/") if target.is_absolute() else place
        left += reversed(target.parts[1:] if target.is_absolute() else target.parts)


def _complaint(status: os.stat_result, trusted: Set[int]) -> tuple[str, str] | None:
    """What is wrong with one of these, and the command that mends it."""
    mode = status.st_mode
    if status.st_uid not in trusted:
        whose = f"belongs to user {status.st_uid}, neither root nor the user of pokepodsd"
        return whose, "chown -h root"
    if stat.S_ISLNK(mode):
        return None
    is_folder = stat.S_ISDIR(mode)
    if mode & stat.S_IWOTH and not (is_folder and mode & stat.S_ISVTX):
        return f"may be written by everybody (mode {stat.S_IMODE(mode):04o})", "chmod go-w"
    if mode & stat.S_IWGRP and not is_folder and _group(status.st_gid) not in _ADMINISTRATORS:
        whom = f"group {_group(status.st_gid)}"
        return f"may be written by {whom} (mode {stat.S_IMODE(mode):04o})", "chmod go-w"
    return None


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
