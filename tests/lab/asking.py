"""Owns asking an address in the lab, and hearing what comes back, for the lab's own tests.

Refuses to judge: it says what happened.
"""

import contextlib
import os
import socket
from collections.abc import Iterator

from tests.lab.errors import LabError
from tests.lab.packets import Kind, echo_message
from tests.lab.place import Node, Place

FAMILIES = [4, 6]
IDENTIFIER = 9

# An answer ends the wait, so that this costs time only where a test fails.
PATIENCE_SECONDS = 5.0
SILENCE_SECONDS = 0.3


def pod(node: Node, number: int, version: int) -> str:
    return node.pod_address(number) if version == 4 else node.pod_address6(number)


def is_answered(place: Place, address: str, *options: str) -> bool:
    """Say whether every ping of one run of ping(8) was answered."""
    return _ping(place, address, PATIENCE_SECONDS, *options)


def is_silent(place: Place, address: str) -> bool:
    """Say whether a ping stayed without an answer for a while."""
    return not _ping(place, address, SILENCE_SECONDS)


def _ping(place: Place, address: str, wait_seconds: float, *options: str) -> bool:
    argv = ["ping", "-n", "-q", "-c1", f"-W{wait_seconds}", *options, address]
    done = place.run(*argv, check=False)
    if done.returncode not in (0, 1):
        raise LabError(f"{argv} ended with {done.returncode}: {done.stderr}")
    return " 0% packet loss" in done.stdout


def greeting(
    place: Place, address: str, port: int = 8080, *, patience_seconds: float = PATIENCE_SECONDS
) -> str:
    """Return the line that comes over TCP; raise OSError if none can."""
    with (
        place.inside(),
        socket.create_connection((address, port), timeout=patience_seconds) as end,
        end.makefile() as lines,
    ):
        return lines.readline().rstrip("\n")


@contextlib.contextmanager
def raw_socket(place: Place, version: int) -> Iterator[socket.socket]:
    is_4 = version == 4
    with place.inside():
        endpoint = socket.socket(
            socket.AF_INET if is_4 else socket.AF_INET6,
            socket.SOCK_RAW,
            socket.IPPROTO_ICMP if is_4 else socket.IPPROTO_ICMPV6,
        )
    with endpoint:
        endpoint.settimeout(PATIENCE_SECONDS)
        yield endpoint


def request(version: int, sequence: int = 1, payload: bytes = b"") -> bytes:
    return echo_message(
        Kind.REQUEST, version=version, identifier=IDENTIFIER, sequence=sequence, payload=payload
    )


def receive_error(endpoint: socket.socket, version: int) -> tuple[bytes, str]:
    """Return the next ICMP error and its sender."""
    header, error_types = (20, {3, 4, 5, 11, 12}) if version == 4 else (0, {1, 2, 3, 4})
    while True:
        data, sender = endpoint.recvfrom(2048)
        if data[header] in error_types:
            return data[header:], sender[0]


@contextlib.contextmanager
def memory_file(content: bytes) -> Iterator[int]:
    descriptor = os.memfd_create("entry", os.MFD_ALLOW_SEALING)
    try:
        os.write(descriptor, content)
        yield descriptor
    finally:
        os.close(descriptor)
