"""Checks what is made of whole hosts, as iproute2 shows them.

The files in `routes` are what iproute2 6.1 printed in network namespaces set up as each CNI does
it. Where the kernel at hand lacked the module (ipip, wireguard), another device stood in and
its entry under `ip -j -d link` was set to the form that such a device has.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pokepodsd.core.kernel import (
    DumpBegun,
    DumpEnded,
    Hop,
    KernelEvent,
    Link,
    Neighbour,
    Route,
    RouteType,
)
from pokepodsd.core.model import Family
from pokepodsd.core.routes import RouteBook
from tests.core.kernelfacts import LOCAL, MAIN, changed

FOLDER = Path(__file__).parent / "routes"
NAMED_TABLES = {"main": MAIN, "local": LOCAL}
NOT_UNICAST = {one.value: one for one in RouteType if one is not RouteType.OTHER}
Shown = Mapping[str, Any]


def load(name: str) -> Iterator[KernelEvent]:
    """A dump of everything that the file shows."""
    shown = json.loads((FOLDER / f"{name}.json").read_text())
    indexes = {link["ifname"]: link["ifindex"] for link in shown["ip -j -d link"]}
    yield DumpBegun()
    for one in shown["ip -j -d link"]:
        yield changed(read_link(one))
    for one in shown["ip -j route show table all"]:
        yield changed(read_route(Family.V4, one, indexes))
    for one in shown["ip -j -6 route show table all"]:
        yield changed(read_route(Family.V6, one, indexes))
    for one in shown["ip -j neigh"]:
        device = indexes[one["dev"]]
        yield changed(Neighbour(device=device, address=one["dst"], lladdr=one["lladdr"]))
    for one in shown["bridge -j fdb"]:
        device = indexes[one["ifname"]]
        yield changed(Neighbour(device=device, lladdr=one["mac"], remote=one["dst"]))
    yield DumpEnded()


def read_link(one: Shown) -> Link:
    return Link(
        index=one["ifindex"],
        name=one["ifname"],
        kind=one.get("linkinfo", {}).get("info_kind", ""),
        is_up="UP" in one["flags"],
        has_carrier="LOWER_UP" in one["flags"],
    )


def read_route(family: Family, one: Shown, indexes: Mapping[str, int]) -> Route:
    destination = one["dst"]
    if destination == "default":
        destination = "0.0.0.0/0" if family is Family.V4 else "::/0"
    elif "/" not in destination:
        destination += "/32" if family is Family.V4 else "/128"
    table = one.get("table", "main")
    hops = one.get("nexthops") or ([one] if "dev" in one else [])
    return Route(
        family=family,
        table=NAMED_TABLES.get(table) or int(table),
        destination=destination,
        type=NOT_UNICAST.get(one.get("type", "unicast"), RouteType.OTHER),
        hops=tuple(Hop(device=indexes[hop["dev"]], gateway=hop.get("gateway")) for hop in hops),
        priority=one.get("metric", 0),
    )


def settled(name: str, devices: tuple[str, ...] = ()) -> RouteBook:
    book = RouteBook(devices)
    for event in load(name):
        book.take(event)
    book.settle()
    assert book.is_complete
    return book


def summary(book: RouteBook) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], str | None]]:
    """What each tunnel leads to, which addresses of it are poked, and the far node's own."""
    return {one.id: (one.blocks, one.addresses, one.underlay) for one in book.all()}


def test_calico_ip_in_ip() -> None:
    """The gateway is the far node; a borrowed address is poked last; no tunnel on one subnet."""
    assert summary(settled("calico-ipip")) == {
        "tunl0/192.168.10.13": (
            ("10.244.13.0/26",),
            ("10.244.13.0", "10.244.13.1"),
            "192.168.10.13",
        ),
        "tunl0/192.168.10.12": (
            ("10.244.44.192/26", "10.244.45.0/26", "10.244.120.71/32"),
            ("10.244.44.192", "10.244.45.0", "10.244.120.71", "10.244.44.193"),
            "192.168.10.12",
        ),
    }


def test_calico_vxlan() -> None:
    """The gateway is the far tunnel address; the tables of neighbours tell the far node."""
    assert summary(settled("calico-vxlan")) == {
        "vxlan.calico/10.233.101.128": (
            ("10.233.101.128/26", "10.233.101.192/26"),
            ("10.233.101.128",),
            "192.168.10.12",
        ),
        "vxlan.calico/10.233.77.9": (("10.233.77.0/26",), ("10.233.77.9",), "192.168.10.13"),
        "vxlan-v6.calico/fd00:10:233:2::80": (
            ("fd00:10:233:2::80/122",),
            ("fd00:10:233:2::80",),
            "fd00:10::12",
        ),
    }


def test_flannel_vxlan() -> None:
    """As Calico's; a node that no neighbour entry names has no known address of its own."""
    assert summary(settled("flannel-vxlan")) == {
        "flannel.1/10.230.93.0": (("10.230.93.0/24",), ("10.230.93.0",), "192.168.10.93"),
        "flannel.1/10.230.7.0": (("10.230.7.0/24",), ("10.230.7.0",), None),
        "flannel-v6.1/fd00:10:230:93::": (
            ("fd00:10:230:93::/64",),
            ("fd00:10:230:93::",),
            "fd00:10::93",
        ),
    }


def test_calico_wireguard() -> None:
    """Its routes have no gateway and a table of their own; the device's own address is no peer."""
    assert summary(settled("calico-wireguard")) == {
        "wireguard.cali/10.244.13.0/26": (
            ("10.244.13.0/26",),
            ("10.244.13.0", "10.244.13.1"),
            None,
        ),
        "wireguard.cali/10.244.44.192/26": (
            ("10.244.44.192/26",),
            ("10.244.44.192", "10.244.44.193"),
            None,
        ),
        "wg-v6.cali/fd00:10:244:13::/122": (
            ("fd00:10:244:13::/122",),
            ("fd00:10:244:13::", "fd00:10:244:13::1"),
            None,
        ),
    }


@pytest.mark.parametrize("name", ["flannel-wireguard", "host-vpn"])
def test_hosts_whose_routes_tell_no_peer(name: str) -> None:
    """flannel routes the whole pool through WireGuard; a host's VPN and docker0 are its own."""
    assert summary(settled(name)) == {}


def test_hosts_own_vpn_where_the_operator_names_it() -> None:
    """Then its blocks are peers, but neither the /14 nor this host's own address."""
    book = settled("host-vpn", ("wg*",))
    assert summary(book) == {
        "wg0/10.8.0.0/24": (("10.8.0.0/24",), ("10.8.0.0", "10.8.0.1"), None),
        "wg0/10.9.4.0/24": (("10.9.4.0/24",), ("10.9.4.0", "10.9.4.1"), None),
    }
