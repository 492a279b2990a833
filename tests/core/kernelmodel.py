"""The kernel's state in the plainest form, and the tunnels in it, worked out anew each time.

Owns a second reading of the rules, to hold the book of routes against. It knows four devices.
"""

import ipaddress
from dataclasses import replace

from pokepodsd.core.kernel import (
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
    TunnelId,
)
from tests.core.kernelfacts import LOCAL, Fact

KINDS = {
    2: ("eth0", ""),
    4: ("tunl0", "ipip"),
    5: ("vxlan.calico", "vxlan"),
    6: ("wireguard.cali", "wireguard"),
}


def key_of(fact: Fact) -> tuple[object, ...]:
    """What the kernel keeps one of."""
    match fact:
        case Link():
            return ("link", fact.index)
        case Route():
            return ("route", *fact.key)
        case Neighbour(address=None):
            return ("entry", fact.device, fact.lladdr)
        case Neighbour():
            return ("neighbour", fact.device, fact.address)


class Model:
    """The kernel's state, and the tunnels in it by the plainest reading of the rules."""

    def __init__(self) -> None:
        self.facts: dict[tuple[object, ...], Fact] = {}

    def take(self, event: KernelEvent) -> None:
        match event:
            case (
                LinkChanged(link=fact) | RouteChanged(route=fact) | NeighbourChanged(neighbour=fact)
            ):
                was = self.facts.get(key_of(fact))
                self.facts[key_of(fact)] = fact
                if isinstance(fact, Link) and not fact.is_up and was != fact:
                    self.flush(fact.index)
            case LinkRemoved(index=index):
                self.facts.pop(("link", index), None)
                gone = [
                    key
                    for key, one in self.facts.items()
                    if isinstance(one, Neighbour) and one.device == index
                ]
                for key in gone:
                    del self.facts[key]
                self.flush(index, is_gone=True)
            case RouteRemoved(route=route):
                self.facts.pop(key_of(route), None)
            case NeighbourRemoved(neighbour=one):
                if one.address is not None or self.facts.get(key_of(one)) == one:
                    self.facts.pop(key_of(one), None)
            case _:
                raise AssertionError(event)

    def flush(self, index: int, *, is_gone: bool = False) -> None:
        for key, route in list(self.facts.items()):
            if not isinstance(route, Route) or all(hop.device != index for hop in route.hops):
                continue
            left = tuple(hop for hop in route.hops if hop.device != index)
            links = [self.facts.get(("link", hop.device)) for hop in left]
            if not any(link is None or (isinstance(link, Link) and link.is_up) for link in links):
                del self.facts[key]
            elif is_gone:
                self.facts[key] = replace(route, hops=left)

    def tunnels(self) -> dict[TunnelId, Tunnel]:
        found: dict[TunnelId, Tunnel] = {}
        for link in self.facts.values():
            if isinstance(link, Link) and link.is_up and link.name != "eth0":
                for far in {far for route in self.routes() for far in far_ends(route, link.index)}:
                    tunnel = self.tunnel(link, far)
                    if tunnel is not None:
                        found[tunnel.id] = tunnel
        return found

    def routes(self) -> list[Route]:
        return [one for one in self.facts.values() if isinstance(one, Route)]

    def tunnel(self, link: Link, far: str) -> Tunnel | None:
        routes = [one for one in self.routes() if far in far_ends(one, link.index)]
        gateway = None if "/" in far else ipaddress.ip_address(far)
        alone = sorted({network(one) for one in routes if len(one.hops) == 1})
        blocks = set(alone)
        if link.kind != "ipip" and gateway is not None:
            blocks |= {network(one) for one in routes if gateway not in network(one)}
        if not blocks or (gateway is None and link.kind == "vxlan"):
            return None
        wide = [one for one in alone if one.num_addresses > 1]
        single = [one for one in alone if one.num_addresses == 1]
        addresses = [one[0] for one in wide + single] + [one[1] for one in wide]
        is_inside = any(gateway in one for one in alone) if gateway is not None else False
        if gateway is not None and (is_inside or link.kind != "ipip"):
            addresses.insert(0, gateway)
        pokeable = list(dict.fromkeys(str(one) for one in addresses if not one.is_link_local))
        if not pokeable:
            return None
        if is_inside:
            del pokeable[1:]
        underlay = None if is_inside or gateway is None or link.kind != "ipip" else far
        return Tunnel(
            id=TunnelId(f"{link.name}/{far}"),
            family=routes[0].family,
            device=link.name,
            kind=link.kind,
            gateway=None if gateway is None else far,
            blocks=tuple(str(one) for one in sorted(blocks)),
            addresses=tuple(pokeable[:4]),
            underlay=self.remote(link.index, far) or underlay,
        )

    def remote(self, device: int, address: str) -> str | None:
        neighbour = self.facts.get(("neighbour", device, address))
        if not isinstance(neighbour, Neighbour) or KINDS[device][1] == "ipip":
            return None
        entry = self.facts.get(("entry", device, neighbour.lladdr))
        return entry.remote if isinstance(entry, Neighbour) else None


def network(route: Route) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(route.destination)


def far_ends(route: Route, device: int) -> set[str]:
    """What the route's hops through a device lead to, if it may be a peer's."""
    if route.type is not RouteType.UNICAST or route.table == LOCAL:
        return set()
    block = network(route)
    if block.prefixlen <= (16 if block.version == 4 else 56):
        return set()
    gateways = {hop.gateway for hop in route.hops if hop.device == device}
    ends = {one for one in gateways if one is not None}
    if None in gateways and block.num_addresses > 1:
        ends.add(route.destination)
    return ends
