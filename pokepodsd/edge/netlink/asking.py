"""Short questions to the kernel about one address or one device, each on a socket of its own."""

import errno
import os
import socket

from pokepodsd.core.kernel import Counters, RouteAnswer
from pokepodsd.edge.netlink.messages import (
    DATAGRAM_SIZE,
    Body,
    counters_of,
    hop_of,
    link_of,
    link_request,
    parse,
    route_request,
    source_of,
)

# The kernel has answered before send(2) returns; this is for a kernel that does not.
_PATIENCE_SECONDS = 0.5


class _RefusalError(OSError):
    """The kernel's answer is an error."""


def route_to(address: str) -> RouteAnswer:
    """Where the kernel would send a packet to this address now, as `ip route get` says.

    Raises:
        OSError: no netlink socket can be had, or (TimeoutError) there is no answer in 0.5 s.
    """
    try:
        route = _ask(route_request(address))
        hop = hop_of(route)
        link = link_of(_ask(link_request(hop.device)))
    except _RefusalError as error:
        number = error.errno or 0
        return RouteAnswer(device=None, error=errno.errorcode.get(number, str(number)))
    return RouteAnswer(
        device=link.name if link else None,
        kind=link.kind if link else "",
        gateway=hop.gateway,
        source=source_of(route),
    )


def counters(device: str) -> Counters | None:
    """What a device has sent and received; None if there is no device of this name.

    Raises:
        OSError: no netlink socket can be had, the kernel refuses, or (TimeoutError) there is no
            answer in 0.5 s.
    """
    try:
        return counters_of(_ask(link_request(device)))
    except _RefusalError as error:
        if error.errno == errno.ENODEV:
            return None
        raise


def _ask(question: bytes) -> Body:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asking:
        asking.settimeout(_PATIENCE_SECONDS)
        asking.bind((0, 0))
        asking.sendto(question, (0, 0))
        answer = next(parse(asking.recv(DATAGRAM_SIZE)))
    if answer.error:
        raise _RefusalError(answer.error, f"rtnetlink: {os.strerror(answer.error)}")
    return answer.body
