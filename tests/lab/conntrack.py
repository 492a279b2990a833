"""Owns a namespace's connection tracking as conntrack(8) shows it. Knows no filter."""

import re
import subprocess
from dataclasses import dataclass

from tests.lab.errors import LabError
from tests.lab.namespace import inside

ENTRY = re.compile(r"^\S+ +(?P<protocol>\d+) (?P<left>\d+) .*?src=(?P<src>\S+) dst=(?P<dst>\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One flow by its first packet; it is replied once a packet came the other way."""

    protocol: int
    seconds_left: int
    source: str
    destination: str
    is_replied: bool


def entries(namespace: str, protocol: int) -> list[Entry]:
    """Return the entries of this IP protocol that have not expired."""
    said = _conntrack(namespace, "-L", "-p", str(protocol))
    return [_entry(line) for line in said.splitlines()]


def flush(namespace: str) -> None:
    _conntrack(namespace, "-F")


def _entry(line: str) -> Entry:
    match = ENTRY.match(line)
    if match is None:
        raise LabError(f"conntrack said {line!r}")
    return Entry(
        protocol=int(match["protocol"]),
        seconds_left=int(match["left"]),
        source=match["src"],
        destination=match["dst"],
        is_replied="[UNREPLIED]" not in line,
    )


def _conntrack(namespace: str, *argv: str) -> str:
    with inside(namespace):
        done = subprocess.run(["conntrack", *argv], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"conntrack {argv} in {namespace} failed: {done.stderr.strip()}")
    return done.stdout
