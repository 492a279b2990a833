"""What the wire says of a daemon's pokes: the requests that left a node, and their times."""

import time
from collections.abc import Sequence
from ipaddress import ip_address

from tests.lab import Echo, EchoCapture, Kind, Node, by_destination, gaps

SECOND_NS = 1_000_000_000


def requests(capture: EchoCapture, since_ns: int = 0) -> list[Echo]:
    """The echo requests sent since then, by the monotonic clock."""
    return [
        echo
        for echo in capture.snapshot()
        if echo.kind is Kind.REQUEST and echo.monotonic_ns >= since_ns
    ]


def to_pods(echoes: Sequence[Echo], node: Node) -> list[Echo]:
    """Those to the pods of a node, without those to its own address."""
    return [echo for echo in echoes if ip_address(echo.destination) in node.block]


def wait_request_to(
    capture: EchoCapture, address: str, *, since_ns: int = 0, timeout_seconds: float = 10.0
) -> Echo:
    """The first request to this address since then (monotonic), past or to come."""
    return capture.wait_for(
        lambda echo: (
            echo.kind is Kind.REQUEST
            and echo.destination == address
            and echo.monotonic_ns >= since_ns
        ),
        timeout_seconds,
    )


def wait_requests_until(capture: EchoCapture, until_ns: int) -> None:
    """Wait for the first request that left after this time of the monotonic clock."""
    patience = (until_ns - time.monotonic_ns()) / SECOND_NS + 10.0
    capture.wait_for(
        lambda echo: echo.kind is Kind.REQUEST and echo.monotonic_ns >= until_ns, patience
    )


def longest_gap(echoes: Sequence[Echo]) -> int:
    """The longest time that any destination waited between two requests, in nanoseconds."""
    return max(
        max(gaps([echo.monotonic_ns for echo in one]), default=0)
        for one in by_destination(echoes).values()
    )
