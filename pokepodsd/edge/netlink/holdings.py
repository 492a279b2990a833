"""What the kernel holds, as far as it has been told: makes of single messages events that are true.

Owns what a message leaves open. The kernel keeps several routes of one key (IPv4: `ip route
append`; IPv6: every next hop is a route, and `fe80::/64` is on every device) and tells of one at a
time; it drops the routes of a link without a word; the news of a neighbour's end has no MAC. Where
memory does not settle it either, `is_in_doubt` asks for a new dump.
"""

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
)
from pokepodsd.core.model import Family
from pokepodsd.edge.netlink.messages import NeighbourKey
from pokepodsd.edge.netlink.place import Place

_RouteKey = tuple[int, str, int, int]
_Routes = tuple[Route, ...]


class Holdings:
    """Links, routes and neighbours. Every call returns what it changed."""

    def __init__(self) -> None:
        self._links: dict[int, Link] = {}
        self._routes: dict[_RouteKey, _Routes] = {}
        self._neighbours: dict[NeighbourKey, Neighbour] = {}
        self.is_in_doubt = False

    def put_link(self, link: Link) -> list[KernelEvent]:
        """A link is so now; one that goes down loses its routes."""
        old = self._links.get(link.index)
        if old == link:
            return []
        self._links[link.index] = link
        goes_down = old is not None and old.is_up and not link.is_up
        lost = self._drop_routes(link.index) if goes_down else []
        return [*lost, LinkChanged(link=link)]

    def drop_link(self, index: int) -> list[KernelEvent]:
        """A link is gone, with all that was on it."""
        if self._links.pop(index, None) is None:
            return []
        lost = self._drop_routes(index)
        for key in [key for key in self._neighbours if key[0] == index]:
            lost += self.put_neighbour(key, None)
        return [*lost, LinkRemoved(index=index)]

    def put_route(self, route: Route, place: Place) -> list[KernelEvent]:
        """A route is there, as the first or last of its key or alone."""
        held = self._routes.get(route.key, ())
        new = _single(route)
        match place:
            case Place.ALONE:
                return self._keep(route.key, new)
            case Place.INSTEAD:
                self.is_in_doubt |= len(held) > 1 and not _share_traffic(held)
                return self._keep(route.key, new)
            case Place.FIRST | Place.LAST:
                added = tuple(one for one in new if one not in held)
                # IPv6 has no first: what is no next hop of the same route comes last there.
                is_first = place is Place.FIRST and route.family is Family.V4
                return self._keep(route.key, added + held if is_first else held + added)

    def drop_route(self, route: Route) -> list[KernelEvent]:
        """A route is gone, or some next hops of it."""
        gone = _single(route)
        held = self._routes.get(route.key, ())
        return self._keep(route.key, tuple(one for one in held if one not in gone))

    def put_neighbour(self, key: NeighbourKey, new: Neighbour | None) -> list[KernelEvent]:
        """An entry is so now, or is not there if None."""
        old = self._neighbours.pop(key, None)
        if new is not None:
            self._neighbours[key] = new
        if old == new:
            return []
        events: list[KernelEvent] = []
        if old is not None:
            events.append(NeighbourRemoved(neighbour=old))
        if new is not None:
            events.append(NeighbourChanged(neighbour=new))
        return events

    def _drop_routes(self, index: int) -> list[KernelEvent]:
        """Forget what the kernel drops with a link.

        IPv4 routes without a word (fib_sync_down_dev), those of IPv6 so under
        net.ipv6.route.skip_notify_on_dev_down. A route with next hops on other links may stay,
        and may get this one back silently.
        """
        events: list[KernelEvent] = []
        for key, held in list(self._routes.items()):
            touched = [one for one in held if any(hop.device == index for hop in one.hops)]
            if not touched:
                continue
            if _share_traffic(held) or any(len(one.hops) > 1 for one in touched):
                self.is_in_doubt = True
            else:
                events += self._keep(key, tuple(one for one in held if one not in touched))
        return events

    def _keep(self, key: _RouteKey, after: _Routes) -> list[KernelEvent]:
        before = _together(self._routes.pop(key, ()))
        if after:
            self._routes[key] = after
        now = _together(after)
        if before == now:
            return []
        if now is not None:
            return [RouteChanged(route=now)]
        return [] if before is None else [RouteRemoved(route=before)]


def _share_traffic(held: _Routes) -> bool:
    """Whether they are the next hops of one IPv6 route, rather than several of one key.

    They are if they have gateways (rt6_qualify_for_ecmp).
    """
    is_v6 = held[0].family is Family.V6
    return is_v6 and len(held) > 1 and all(_has_gateway(one) for one in held)


def _has_gateway(route: Route) -> bool:
    return any(hop.gateway is not None for hop in route.hops)


def _single(route: Route) -> _Routes:
    """The routes that the kernel holds for it: of IPv6 one a next hop."""
    if route.family is Family.V4 or len(route.hops) < 2:
        return (route,)
    return tuple(replace(route, hops=(hop,)) for hop in route.hops)


def _together(held: _Routes) -> Route | None:
    """The one route that packets take: of IPv4 the first, of IPv6 all next hops."""
    if not held:
        return None
    first = held[0]
    if len(held) == 1 or first.family is Family.V4:
        return first
    hops = tuple(hop for one in held if one.type is first.type for hop in one.hops)
    return replace(first, hops=hops)
