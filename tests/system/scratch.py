"""Owns the names and folders of what a run of the tests leaves for a while.

Each name holds the number of its process: what a killed run left behind is removed by the next.
"""

import contextlib
import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

# A root has 250 MB, and three workers have two each, with what is installed on them. Memory is
# three times as fast as a disk; /var/tmp is on one by definition (file-hierarchy(7)).
NEEDED_BYTES = 4_000_000_000
FOLDERS = MEMORY, DISK = Path("/dev/shm"), Path("/var/tmp")

NAME = re.compile(r"poke-box-(?P<pid>\d+)-\d+")
COUNTER = itertools.count()


def new_name() -> str:
    """Return a name that nothing else on this machine has."""
    return f"poke-box-{os.getpid()}-{next(COUNTER)}"


def is_left_over(name: str) -> bool:
    """Whether a process made this that is gone."""
    match = NAME.fullmatch(name)
    return match is not None and not Path("/proc", match["pid"]).exists()


@contextlib.contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """A folder of this name, only root's, for the time of the block."""
    for path in (one for base in FOLDERS for one in base.glob("poke-box-*")):
        if is_left_over(path.name):
            shutil.rmtree(path, ignore_errors=True)
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED_BYTES
    folder = (MEMORY if has_room else DISK) / name
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
