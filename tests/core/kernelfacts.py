"""Facts that the kernel tells, made from as few words as a test of routes needs.

Owns the making of links, routes and neighbours. Refuses: to judge.
"""

from pokepodsd.core.kernel import (
    Hop,
    KernelEvent,
    Link,
    LinkChanged,
    LinkRemoved,
    Neighbour,
    NeighbourChanged,
    NeighbourRemoved,
    Route,
    RouteChanged,
    RouteRemoved,
    RouteType,
    Tunnel,
)
from pokepodsd.core.model import Family
from pokepodsd.core.routes import RouteBook

MAIN, LOCAL = 254, 255
Fact = Link | Route | Neighbour


def make_link(
    index: int = 4,
    name: str = "tunl0",
    kind: str = "ipip",
    *,
    up: bool = True,
    carrier: bool = True,
) -> Link:
    return Link(index=index, name=name, kind=kind, is_up=up, has_carrier=carrier)


def make_route(
    destination: str = "10.244.13.0/26",
    *hops: Hop,
    via: str | None = None,
    device: int = 4,
    kind: RouteType = RouteType.UNICAST,
    table: int = MAIN,
    priority: int = 0,
) -> Route:
    """A route through one device, unless hops are given."""
    return Route(
        family=Family.V6 if ":" in destination else Family.V4,
        table=table,
        destination=destination,
        type=kind,
        hops=hops or (Hop(device=device, gateway=via),),
        priority=priority,
    )


def own(address: str, device: int = 4) -> Route:
    """The local route of an address that this host has."""
    length = 128 if ":" in address else 32
    return make_route(f"{address}/{length}", device=device, kind=RouteType.LOCAL, table=LOCAL)


def tell(book: RouteBook, *facts: Fact) -> None:
    """Say that these are so."""
    for fact in facts:
        book.take(changed(fact))


def changed(fact: Fact) -> KernelEvent:
    """The event that says that it is so."""
    match fact:
        case Link():
            return LinkChanged(link=fact)
        case Route():
            return RouteChanged(route=fact)
        case Neighbour():
            return NeighbourChanged(neighbour=fact)


def removed(fact: Fact) -> KernelEvent:
    """The event that says that it is so no more."""
    match fact:
        case Link():
            return LinkRemoved(index=fact.index)
        case Route():
            return RouteRemoved(route=fact)
        case Neighbour():
            return NeighbourRemoved(neighbour=fact)


def tunnels_of(*facts: Fact, devices: tuple[str, ...] = ()) -> list[Tunnel]:
    """The tunnels that these make together."""
    book = RouteBook(devices)
    tell(book, *facts)
    return book.settle().added


def only_tunnel_of(*facts: Fact, devices: tuple[str, ...] = ()) -> Tunnel:
    (tunnel,) = tunnels_of(*facts, devices=devices)
    return tunnel
