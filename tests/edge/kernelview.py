"""Owns what the tests of the netlink socket need: a network namespace, the state that its events
add up to, and the same state as `ip` shows it. Judges nothing but that the two are equal.
"""

import contextlib
import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pokepodsd.core.kernel import (
    DumpBegun,
    DumpEnded,
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
)
from pokepodsd.core.model import Family
from pokepodsd.edge.netlink import RouteSocket
from tests.edge.support import wait_readable
from tests.lab.namespace import inside

COUNTER = itertools.count()
LOCAL_TABLE = 255
_Key = tuple[int, str, int, int]


class Namespace:
    """A network namespace with nothing in it but a loopback that is up."""

    def __init__(self) -> None:
        self.name = f"poke-{os.getpid()}-{next(COUNTER)}-netlink"

    def ip(self, *lines: str, check: bool = True) -> None:
        """Run `ip` commands, as fast as `ip` can."""
        subprocess.run(
            ["ip", "-n", self.name, "-force", "-batch", "-"],
            input="\n".join(lines),
            text=True,
            check=check,
            capture_output=True,
        )

    def run(self, *argv: str) -> str:
        command = ["ip", "netns", "exec", self.name, *argv]
        return subprocess.run(command, text=True, check=True, capture_output=True).stdout

    def shown(self, *argv: str) -> list[dict[str, Any]]:
        """What `ip` or `bridge` shows, numeric."""
        said = self.run(*argv)
        found: list[dict[str, Any]] = json.loads(said) if said.strip() else []
        return found


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    made = Namespace()
    subprocess.run(["ip", "netns", "add", made.name], check=True)
    try:
        made.ip("link set lo up")
        yield made
    finally:
        subprocess.run(["ip", "netns", "del", made.name], check=True)


class View:
    """What the events add up to, for somebody who takes them at their word."""

    def __init__(self, place: Namespace, **options: int) -> None:
        self.place = place
        with inside(place.name):
            self.socket = RouteSocket(**options)
        self.events: list[KernelEvent] = []
        self.links: dict[int, Link] = {}
        self.routes: dict[_Key, Route] = {}
        self.neighbours: set[Neighbour] = set()
        self.is_complete = False

    def __enter__(self) -> "View":
        self.socket.request_dump()
        self.settle()
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def read(self, limit: int = 400) -> list[KernelEvent]:
        """Fold what there is, without waiting."""
        events = self.socket.read(limit)
        for event in events:
            self._take(event)
        self.events += events
        return events

    def settle(self) -> list[KernelEvent]:
        """Fold until the state is what `ip` shows; what was told on the way."""
        start = len(self.events)
        while True:
            self.read()
            while self.socket.has_more:
                self.read()
            if self.is_complete and self.difference() == "":
                return self.events[start:]
            try:
                wait_readable(self.socket)
            except AssertionError as error:
                raise AssertionError(self.difference() or "the dump has no end") from error

    def difference(self) -> str:
        mine = {_sorted(route) for route in self.routes.values()}
        theirs = {_sorted(route) for route in shown_routes(self.place)}
        links = shown_links(self.place)
        parts = [
            *(f"told, but not there: {one}" for one in mine - theirs),
            *(f"there, but not told: {one}" for one in theirs - mine),
            *(f"links: {links}, not {self.links}" for _ in [1] if links != self.links),
        ]
        return "\n".join(parts)

    def route(self, destination: str, table: int = 254) -> Route | None:
        found = [
            r for r in self.routes.values() if (r.destination, r.table) == (destination, table)
        ]
        return found[0] if found else None

    def index(self, name: str) -> int:
        (found,) = [link.index for link in self.links.values() if link.name == name]
        return found

    def _take(self, event: KernelEvent) -> None:
        match event:
            case DumpBegun():
                self.links, self.routes, self.neighbours = {}, {}, set()
                self.is_complete = False
            case DumpEnded():
                self.is_complete = True
            case LinkChanged(link=link):
                self.links[link.index] = link
            case LinkRemoved(index=index):
                del self.links[index]
            case RouteChanged(route=route):
                self.routes[route.key] = route
            case RouteRemoved(route=route):
                assert self.routes.pop(route.key) == route
            case NeighbourChanged(neighbour=neighbour):
                self.neighbours.add(neighbour)
            case NeighbourRemoved(neighbour=neighbour):
                self.neighbours.remove(neighbour)


def shown_links(place: Namespace) -> dict[int, Link]:
    found = place.shown("ip", "-d", "-j", "link", "show")
    return {
        one["ifindex"]: Link(
            index=one["ifindex"],
            name=one["ifname"],
            kind=one.get("linkinfo", {}).get("info_kind", ""),
            is_up="UP" in one["flags"],
            has_carrier="LOWER_UP" in one["flags"],
        )
        for one in found
    }


def shown_routes(place: Namespace) -> list[Route]:
    indexes = {link.name: link.index for link in shown_links(place).values()}
    found: dict[_Key, Route] = {}
    for family in Family:
        argv = ["ip", f"-{family.value}", "-N", "-d", "-j", "route", "show", "table", "all"]
        for one in place.shown(*argv):
            route = _shown_route(family, one, indexes)
            former = found.get(route.key)
            if route.table == LOCAL_TABLE or "from" in one:
                continue
            if former is None:
                found[route.key] = route
            elif family is Family.V6 and former.type is route.type:
                found[route.key] = replace(former, hops=former.hops + route.hops)
    return list(found.values())


def _shown_route(family: Family, one: dict[str, Any], indexes: dict[str, int]) -> Route:
    prefix = one["dst"]
    if prefix == "default":
        prefix = "0.0.0.0/0" if family is Family.V4 else "::/0"
    if "/" not in prefix:
        prefix += "/32" if family is Family.V4 else "/128"
    type_ = _shown_type(one)
    forwards = type_ not in (RouteType.BLACKHOLE, RouteType.UNREACHABLE, RouteType.PROHIBIT)
    hops = one.get("nexthops", [one] if "dev" in one else [])
    return Route(
        family=family,
        table=int(one.get("table", 254)),
        destination=prefix,
        type=type_,
        hops=tuple(
            Hop(
                device=indexes[hop["dev"]],
                gateway=hop.get("gateway") or hop.get("via", {}).get("host"),
            )
            for hop in (hops if forwards else [])
        ),
        priority=one.get("metric", 0),
        tos=int(one.get("tos", "0"), 16),
    )


def _shown_type(one: dict[str, Any]) -> RouteType:
    name = one.get("type", "unicast")
    names = {member.value: member for member in RouteType}
    names |= {str(number): names[name] for number, name in _NUMBERS.items()}
    return names.get(name, RouteType.OTHER)


_NUMBERS = {1: "unicast", 2: "local", 6: "blackhole", 7: "unreachable", 8: "prohibit"}


def _sorted(route: Route) -> Route:
    return replace(route, hops=tuple(sorted(route.hops, key=str)))
