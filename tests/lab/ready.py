"""Owns knowing that a network carries packets, by asking it. Changes nothing."""

import contextlib
import errno
import select
import socket
import time
from collections.abc import Iterable, Iterator

from tests.lab.errors import LabTimeoutError
from tests.lab.namespace import inside
from tests.lab.packets import Kind, echo_message

TIMEOUT_SECONDS = 10.0
RETRY_SECONDS = 0.02

# What sendto says while a link is coming up.
NOT_YET = {errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}


def wait_until_reachable(namespace: str, addresses: Iterable[str]) -> None:
    """Return as soon as each address has answered an echo request from the namespace."""
    pending = set(addresses)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with _sockets(namespace) as (endpoint4, endpoint6):
        while pending:
            if time.monotonic() > deadline:
                raise LabTimeoutError(f"no answer in {namespace} from {sorted(pending)}")
            for address in pending:
                _ask(endpoint6 if ":" in address else endpoint4, address)
            pending -= _answers(endpoint4, endpoint6, pending)


@contextlib.contextmanager
def _sockets(namespace: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    with inside(namespace):
        endpoint4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        endpoint6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    with endpoint4, endpoint6:
        yield endpoint4, endpoint6


def _ask(endpoint: socket.socket, address: str) -> None:
    # No addresses for the pseudo header: the kernel fills in ICMPv6 checksums of raw sockets.
    message = echo_message(Kind.REQUEST, version=6 if ":" in address else 4)
    try:
        endpoint.sendto(message, (address, 0))
    except OSError as error:
        if error.errno not in NOT_YET:
            raise


def _answers(endpoint4: socket.socket, endpoint6: socket.socket, pending: set[str]) -> set[str]:
    """Collect answers until all came or it is time to ask again."""
    answered: set[str] = set()
    deadline = time.monotonic() + RETRY_SECONDS
    while answered < pending and (left := deadline - time.monotonic()) > 0:
        for endpoint in select.select([endpoint4, endpoint6], [], [], left)[0]:
            data, sender = endpoint.recvfrom(2048)
            is_reply = data[0] == 129 if endpoint is endpoint6 else data[20] == 0
            if is_reply:
                answered.add(sender[0])
    return answered & pending
