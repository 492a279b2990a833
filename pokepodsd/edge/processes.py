"""The processes of this host, as /proc shows them to this user."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process; ``network`` names its network namespace, "" where that may not be seen."""

    pid: int
    parent: int
    arguments: tuple[str, ...]
    network: str


def processes(root: Path = Path("/")) -> Iterator[Process]:
    """Every process that has a command line and may be looked at."""
    for entry in (root / "proc").glob("[0-9]*"):
        # It may end meanwhile.
        with contextlib.suppress(OSError, ValueError, IndexError):
            line = (entry / "cmdline").read_bytes().decode(errors="replace")
            # The name in brackets may hold blanks and brackets (proc(5)).
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            yield Process(
                pid=int(entry.name),
                parent=int(fields[1]),
                arguments=tuple(line.rstrip("\0").split("\0")),
                network=_link(entry / "ns/net"),
            )


def own_network(root: Path = Path("/")) -> str:
    """The name of this process' network namespace."""
    return _link(root / "proc/self/ns/net")


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
