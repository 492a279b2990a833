"""Folds what the kernel says of links, routes and neighbours into one set of tunnels.

Owns which tunnels exist. A peer is a unicast route through a tunnel device that a CNI made,
narrower than a pool of pods (`tunneldevices` and `tunnelshape` have the rules); which protocol
wrote it is not asked. Routes through one gateway of one device are one tunnel; a route without a
gateway is one of its own.
"""

from collections.abc import Hashable, Iterable, ValuesView
from dataclasses import dataclass, field, replace
from typing import assert_never

from pokepodsd.core.kernel import (
    AddressesChanged,
    DumpBegun,
    DumpEnded,
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
    Tunnel,
    TunnelId,
)
from pokepodsd.core.tunneldevices import Devices, Neighbours
from pokepodsd.core.tunnelshape import Way, make_tunnel, ways_of

_RouteKey = tuple[int, str, int, int]
_Routes = dict[_RouteKey, Route]
_Tunnels = dict[TunnelId, Tunnel]


@dataclass(slots=True)
class TunnelDelta:
    """What happened to the set of tunnels.

    ``revived`` are the same as before, but their route was laid anew in between or their link has
    come back: they are to be poked at once.
    """

    added: list[Tunnel] = field(default_factory=list)
    changed: list[Tunnel] = field(default_factory=list)
    withdrawn: list[Tunnel] = field(default_factory=list)
    revived: list[Tunnel] = field(default_factory=list)


class RouteBook:
    """The tunnels there are, by what the kernel says.

    Events may come in any order between two settles, but for what the kernel does not say: a link
    that goes down or away takes its routes along, those told later are kept.
    """

    def __init__(self, devices: tuple[str, ...] = ()) -> None:
        self._devices = Devices(devices)
        self._routes: _Routes = {}  # those that may lead to a peer
        self._ways: dict[int, dict[Way, _Routes]] = {}
        self._neighbours: dict[int, Neighbours] = {}
        self._told: set[Hashable] | None = None
        self._dirty: dict[Way, bool] = {}  # ways to look at again, and whether they were laid anew
        self._seen: dict[Way, Tunnel] = {}
        self._tunnels: _Tunnels = {}
        self.is_complete = False

    def __len__(self) -> int:
        return len(self._tunnels)

    def get(self, tunnel_id: TunnelId) -> Tunnel | None:
        """The tunnel, if there was one when last settled."""
        return self._tunnels.get(tunnel_id)

    def all(self) -> ValuesView[Tunnel]:
        """Every tunnel there was when last settled."""
        return self._tunnels.values()

    def link(self, name: str) -> Link | None:
        """The device of this name."""
        return self._devices.by_name(name)

    def set_devices(self, devices: tuple[str, ...]) -> None:
        """Take other globs of devices that count whatever made them."""
        self._touch_devices(self._devices.set_named(devices))

    def take(self, event: KernelEvent) -> None:
        """Note one thing that the kernel said."""
        match event:
            case DumpBegun():
                self._told = set()
            case DumpEnded():
                self._end_dump()
            case LinkChanged(link=link):
                self._put_link(link)
            case LinkRemoved(index=index):
                self._drop_link(index)
            case RouteChanged(route=route):
                self._put_route(route)
            case RouteRemoved(route=route):
                self._drop_route(route.key)
            case NeighbourChanged(neighbour=neighbour):
                self._put_neighbour(neighbour)
            case NeighbourRemoved(neighbour=neighbour):
                self._drop_neighbour(neighbour)
            case AddressesChanged():
                pass
            case _:
                assert_never(event)

    def settle(self) -> TunnelDelta:
        """What all that was noted since the last time did to the tunnels."""
        before: _Tunnels = {}
        after: _Tunnels = {}
        anew: set[TunnelId] = set()
        for way, is_anew in self._dirty.items():
            old = self._seen.pop(way, None)
            if old is not None:
                before[old.id] = old
            new = self._look(way)
            if new is not None:
                self._seen[way] = after[new.id] = new
                if is_anew:
                    anew.add(new.id)
        self._dirty.clear()
        return self._tell(before, after, anew)

    def _look(self, way: Way) -> Tunnel | None:
        """The tunnel that this way is now."""
        device, far = way
        link = self._devices.tunnel(device)
        routes = self._ways.get(device, {}).get(way)
        if link is None or routes is None:
            return None
        neighbours = self._neighbours.get(device)
        remote = None if neighbours is None else neighbours.remote(far)
        return make_tunnel(link, far, routes.values(), remote)

    def _tell(self, before: _Tunnels, after: _Tunnels, anew: set[TunnelId]) -> TunnelDelta:
        """Compare by name: a device that was made anew has another index, but the same tunnels."""
        delta = TunnelDelta()
        for tunnel_id, old in before.items():
            if tunnel_id not in after:
                del self._tunnels[tunnel_id]
                delta.withdrawn.append(old)
        for tunnel_id, new in after.items():
            self._tunnels[tunnel_id] = new
            if tunnel_id not in before:
                delta.added.append(new)
            elif before[tunnel_id] != new:
                delta.changed.append(new)
            elif tunnel_id in anew:
                delta.revived.append(new)
        return delta

    def _touch(self, ways: Iterable[Way], *, is_anew: bool = False) -> None:
        for way in ways:
            self._dirty[way] = is_anew or self._dirty.get(way, False)

    def _touch_devices(self, indexes: Iterable[int], *, is_anew: bool = False) -> None:
        for index in indexes:
            self._touch(self._ways.get(index, ()), is_anew=is_anew)

    def _note(self, fact: Hashable) -> None:
        if self._told is not None:
            self._told.add(fact)

    def _end_dump(self) -> None:
        """Drop what the dump did not tell."""
        told = self._told
        if told is None:
            return
        self._told = None
        for index in [index for index in self._devices if index not in told]:
            self._forget_link(index)
        for key in [key for key in self._routes if key not in told]:
            self._drop_route(key)
        for neighbours in list(self._neighbours.values()):
            for one in [one for one in neighbours.all() if one not in told]:
                self._drop_neighbour(one)
        self.is_complete = True

    def _put_link(self, link: Link) -> None:
        self._note(link.index)
        old = self._devices.get(link.index)
        if old == link:
            return
        self._touch_devices(self._devices.put(link))
        if not link.is_up:
            self._flush(link.index)
        if old is not None and _is_running(link) and not _is_running(old):
            self._touch_devices([link.index], is_anew=True)

    def _drop_link(self, index: int) -> None:
        self._forget_link(index)
        self._flush(index)

    def _forget_link(self, index: int) -> None:
        self._touch_devices(self._devices.drop(index))
        self._neighbours.pop(index, None)

    def _flush(self, index: int) -> None:
        """Forget the routes that went with a link that is down or gone.

        The kernel drops a route when the last of its hops is dead: for IPv4 without a word
        (fib_sync_down_dev), for IPv6 so under net.ipv6.route.skip_notify_on_dev_down.
        """
        keys = {key for routes in self._ways.get(index, {}).values() for key in routes}
        for key in keys:
            route = self._routes[key]
            left = tuple(hop for hop in route.hops if hop.device != index)
            if not any(self._may_be_up(hop.device) for hop in left):
                self._drop_route(key)
            elif self._devices.get(index) is None:
                self._replace_route(key, replace(route, hops=left))

    def _may_be_up(self, index: int) -> bool:
        """A link of which nothing was told yet may be."""
        link = self._devices.get(index)
        return link is None or link.is_up

    def _put_route(self, route: Route) -> None:
        key = route.key
        if not ways_of(route):
            self._drop_route(key)
            return
        self._note(key)
        if self._routes.get(key) != route:
            self._replace_route(key, route)

    def _replace_route(self, key: _RouteKey, route: Route) -> None:
        self._drop_route(key)
        self._routes[key] = route
        ways = ways_of(route)
        for way in ways:
            self._ways.setdefault(way[0], {}).setdefault(way, {})[key] = route
        self._touch(ways, is_anew=True)

    def _drop_route(self, key: _RouteKey) -> None:
        route = self._routes.pop(key, None)
        if route is None:
            return
        ways = ways_of(route)
        for way in dict.fromkeys(ways):
            of_device = self._ways[way[0]]
            del of_device[way][key]
            if not of_device[way]:
                del of_device[way]
            if not of_device:
                del self._ways[way[0]]
        self._touch(ways, is_anew=True)

    def _put_neighbour(self, one: Neighbour) -> None:
        self._note(one)
        neighbours = self._neighbours.setdefault(one.device, Neighbours())
        self._touch((one.device, address) for address in neighbours.put(one))

    def _drop_neighbour(self, one: Neighbour) -> None:
        neighbours = self._neighbours.get(one.device)
        if neighbours is not None:
            self._touch((one.device, address) for address in neighbours.drop(one))


def _is_running(link: Link) -> bool:
    return link.is_up and link.has_carrier
