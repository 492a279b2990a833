"""What the kernel holds of links and routes, read once for the checks of the tunnels."""

import select
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from pokepodsd.core.kernel import (
    DumpBegun,
    DumpEnded,
    KernelEvent,
    Link,
    LinkChanged,
    Route,
    RouteChanged,
    RouteType,
    Tunnel,
)
from pokepodsd.core.routes import RouteBook
from pokepodsd.edge.netlink import RouteSocket

_PATIENCE_SECONDS = 2.0
_TABLE_MAIN, _TABLE_LOCAL = 254, 255  # rtnetlink(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Links and routes, and what was told of them in its order."""

    links: tuple[Link, ...]
    routes: tuple[Route, ...]
    events: tuple[KernelEvent, ...]

    def tunnels(self, devices: tuple[str, ...]) -> list[Tunnel]:
        """The tunnels there are, with these globs of devices besides those that are known."""
        book = RouteBook(devices)
        for event in self.events:
            book.take(event)
        book.settle()
        return sorted(book.all(), key=lambda tunnel: tunnel.id)

    def link(self, name: str) -> Link | None:
        """The device of this name."""
        return next((link for link in self.links if link.name == name), None)

    def deciding(self, address: str, device: str) -> str | None:
        """What `ip route del` takes for the route that sends an address through a device."""
        link = self.link(device)
        wanted = ip_address(address)
        fitting = [
            route
            for route in self.routes
            if route.type is RouteType.UNICAST
            and route.table != _TABLE_LOCAL
            and len(route.hops) == 1
            and link is not None
            and route.hops[0].device == link.index
            and wanted in ip_network(route.destination)
        ]
        if not fitting:
            return None
        best = max(fitting, key=lambda route: ip_network(route.destination).prefixlen)
        words = [best.destination]
        if best.hops[0].gateway:
            words += ["via", best.hops[0].gateway]
        words += ["dev", device]
        if best.table != _TABLE_MAIN:
            words += ["table", str(best.table)]
        return " ".join(words)


def read_kernel() -> Kernel:
    """Everything that the kernel holds now.

    Raises:
        OSError: the kernel refuses, or (TimeoutError) does not tell all of it in 2 s.
    """
    events: list[KernelEvent] = []
    reading = RouteSocket()
    try:
        reading.request_dump()
        until = time.monotonic() + _PATIENCE_SECONDS
        while not any(isinstance(event, DumpEnded) for event in events):
            left = until - time.monotonic()
            if left <= 0 or not select.select([reading], [], [], left)[0]:
                raise TimeoutError(0, "the kernel does not tell all of its routes")
            events = _since_begin([*events, *reading.read()])
    finally:
        reading.close()
    return Kernel(
        links=tuple(event.link for event in events if isinstance(event, LinkChanged)),
        routes=tuple(event.route for event in events if isinstance(event, RouteChanged)),
        events=tuple(events),
    )


def _since_begin(events: Sequence[KernelEvent]) -> list[KernelEvent]:
    """A dump that begins again voids what came before."""
    begins = [number for number, event in enumerate(events) if isinstance(event, DumpBegun)]
    return list(events[begins[-1] :] if begins else events)
