"""Owns entering a network namespace with the calling thread. Creates and removes none."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.lab.errors import LabError

DIRECTORY = Path("/run/netns")

# <linux/sched.h>; the os module names it from Python 3.12 on.
CLONE_NEWNET = 0x40000000


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Run the body in the named namespace: sockets made and programs started there belong to it.

    Only the calling thread moves. Threads started in the body start in the namespace and stay.
    """
    with _opened(Path("/proc/thread-self/ns/net")) as home, _opened(DIRECTORY / namespace) as away:
        _enter(away)
        try:
            yield
        finally:
            _enter(home)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise LabError(f"no network namespace at {path}") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _enter(descriptor: int) -> None:
    if sys.version_info >= (3, 12):
        os.setns(descriptor, CLONE_NEWNET)
        return
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")
