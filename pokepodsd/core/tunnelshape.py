"""From the routes of one way to the tunnel that they make.

Owns the rules which routes lead to a peer, and which of its addresses are poked.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from typing import NamedTuple

from pokepodsd.core.kernel import Hop, Link, Route, RouteType, Tunnel, TunnelId
from pokepodsd.core.model import Family

# Ethernet, with many far ends on one segment: without a gateway the route does not say which.
_SEGMENTS = frozenset({"vxlan", "geneve"})
# A gateway through these is an address inside the overlay: vxlan and geneve ask a neighbour entry
# for it, wireguard does not look at it (the destination decides). Through ipip, sit and gre it is
# the outer destination, which is the far node's own address (ip_tunnel_xmit: rt_nexthop).
_OVERLAYS = _SEGMENTS | {"wireguard"}
# A node's share of a pool is narrower than this; what is as wide is a pool, a site or a default
# route. kube-controller-manager cuts pools into /24 and /64 (--node-cidr-mask-size), and allows no
# more than 16 bits between pool and share; Calico cuts them into /26 and /122.
_WIDEST_V4, _WIDEST_V6 = 16, 56
_RT_TABLE_LOCAL = 255  # rtnetlink(7)
_MOST_ADDRESSES = 4

Way = tuple[int, str]
"""A device, and a gateway through it or, where there is none, the destination."""


class _Block(NamedTuple):
    """A prefix, sorted by its first address; a number of so many bits."""

    first: int
    length: int
    text: str

    def has(self, address: int, bits: int) -> bool:
        return (self.first ^ address) >> (bits - self.length) == 0


def ways_of(route: Route) -> tuple[Way, ...]:
    """Where the route leads, if it may lead to one peer's pods.

    A single address without a gateway is nobody's share of a pool: it is the device's own (IPv6:
    ``fd00::1 dev wg-v6.cali proto kernel``), a node's (Calico's host encryption; kube-router's
    table 77 in pkg/routes/pbr.go) or one pod's that Calico borrowed.
    """
    if route.type is not RouteType.UNICAST or route.table == _RT_TABLE_LOCAL:
        return ()
    length = route.destination.partition("/")[2]
    widest = _WIDEST_V4 if route.family is Family.V4 else _WIDEST_V6
    if not length.isdecimal() or int(length) <= widest:
        return ()
    ways = tuple((hop.device, _far_end(route, hop)) for hop in route.hops)
    if int(length) == _bits(route.family):
        return tuple(way for way in ways if way[1] != route.destination)
    return ways


def make_tunnel(link: Link, far: str, routes: Iterable[Route], remote: str | None) -> Tunnel | None:
    """The tunnel that the routes of one way make; ``remote`` is the node that VXLAN sends to.

    A multi-path route leads to several far ends, and the kernel's hash picks the one that answers
    for an address of its block: such an address says nothing, and is not poked. Its gateways are,
    where they are addresses inside the overlay that other routes lead to.
    """
    routes = tuple(routes)
    family = routes[0].family
    gateway = None if "/" in far else far
    if gateway is None and link.kind in _SEGMENTS:
        return None
    own = sorted({_parse_block(route) for route in routes if len(route.hops) == 1})
    shared = {_parse_block(route) for route in routes if len(route.hops) > 1}
    is_inside = gateway is not None and _is_in(gateway, own, family)
    is_overlay = link.kind in _OVERLAYS
    blocks = own
    if gateway is not None and is_overlay and shared:
        blocks = sorted({*own, *(one for one in shared if not _is_in(gateway, [one], family))})
    addresses = _addresses(gateway if is_inside or is_overlay else None, own, family)
    if not blocks or not addresses:
        return None
    if is_inside:
        addresses = addresses[:1]
    return Tunnel(
        id=TunnelId(f"{link.name}/{far}"),
        family=family,
        device=link.name,
        kind=link.kind,
        gateway=gateway,
        blocks=tuple(block.text for block in blocks),
        addresses=addresses,
        underlay=remote if is_inside or is_overlay else gateway,
    )


def _far_end(route: Route, hop: Hop) -> str:
    """The gateway, unless there is none, or one of the other family (RTA_VIA), which names no end.

    The same IPv6 gateway may serve blocks of both families; a tunnel is of one.
    """
    if hop.gateway is None or (":" in hop.gateway) != (route.family is Family.V6):
        return route.destination
    return hop.gateway


def _addresses(gateway: str | None, blocks: list[_Block], family: Family) -> tuple[str, ...]:
    """What may answer at the far end, the likeliest first.

    The first address of a block is the tunnel's own in Calico (it is taken first, when the node
    comes) and in flannel (the lease's own address), the second that of the node's bridge (cni0,
    kube-bridge, antrea-gw0: the first that host-local hands out). A block of one address is what
    Calico writes for one that a node borrowed, and mostly a pod.
    """
    bits = _bits(family)
    wide = [block.first for block in blocks if block.length < bits]
    candidates = [] if gateway is None else [_parse(gateway, family)]
    candidates += wide
    candidates += [block.first for block in blocks if block.length == bits]
    candidates += [first + 1 for first in wide]
    pokeable = dict.fromkeys(one for one in candidates if _may_be_host(one, family))
    return tuple(_format(one, family) for one in islice(pokeable, _MOST_ADDRESSES))


def _may_be_host(address: int, family: Family) -> bool:
    """Whether a host behind a tunnel may have it.

    Not so: "this network", loopback, multicast and reserved (RFC 6890), and link-local addresses,
    which every device routes to itself (``fe80::/64``). For IPv6 all of ``::/16``.
    """
    if family is Family.V4:
        top = address >> 24
        return 0 < top < 224 and top != 127 and address >> 16 != 0xA9FE
    top = address >> 112
    return top != 0 and top < 0xFF00 and top & 0xFFC0 != 0xFE80


def _is_in(address: str, blocks: list[_Block], family: Family) -> bool:
    number = _parse(address, family)
    return any(block.has(number, _bits(family)) for block in blocks)


def _bits(family: Family) -> int:
    return 32 if family is Family.V4 else 128


def _format(address: int, family: Family) -> str:
    return str(IPv4Address(address) if family is Family.V4 else IPv6Address(address))


def _parse(text: str, family: Family) -> int:
    return int(IPv4Address(text) if family is Family.V4 else IPv6Address(text))


def _parse_block(route: Route) -> _Block:
    address, _, length = route.destination.partition("/")
    return _Block(_parse(address, route.family), int(length), route.destination)
