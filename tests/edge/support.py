"""Owns small things that several tests of the edges need. Judges nothing."""

import select
import subprocess
import traceback
from collections.abc import Sequence
from typing import Protocol

from pokepodsd.core.model import Family, NodeName, Target, TargetId, Uid

PATIENCE_SECONDS = 5.0
UNPRIVILEGED = (
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
)


class HasDescriptor(Protocol):
    """A socket, or what holds one."""

    def fileno(self) -> int: ...


def wait_readable(thing: HasDescriptor, seconds: float = PATIENCE_SECONDS) -> None:
    """Return once there is something to read, an error included."""
    poller = select.poll()
    poller.register(thing.fileno(), select.POLLIN)
    if not poller.poll(seconds * 1000):
        raise AssertionError(f"nothing to read after {seconds} s")


def printed(error: BaseException) -> str:
    """The error as a traceback prints it, with its causes and contexts."""
    return "".join(traceback.format_exception(error))


def run_unprivileged(
    argv: Sequence[str], *, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program as nobody, without any capability."""
    command = [*prefix, *UNPRIVILEGED, *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def make_target(number: int) -> Target:
    """Target by number; those divisible by three have an IPv6 address, and no node."""
    address = f"fd00::{number:x}" if number % 3 == 0 else f"10.64.{number >> 8}.{number & 255}"
    uid = Uid(f"uid-{number}")
    return Target(
        id=TargetId(f"{uid}/{address}"),
        uid=uid,
        namespace="shop",
        name=f"web-{number}",
        node=None if number % 3 == 0 else NodeName("node-b"),
        address=address,
        family=Family.V6 if ":" in address else Family.V4,
        created="2026-11-23T01:33:57Z",
    )
