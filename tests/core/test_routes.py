"""Checks which routes make tunnels, and which of their addresses are poked."""

import pytest

from pokepodsd.core.kernel import (
    Hop,
    Link,
    Route,
    RouteType,
    TunnelId,
)
from tests.core.kernelfacts import (
    LOCAL,
    make_link,
    make_route,
    only_tunnel_of,
    own,
    tunnels_of,
)

NODE, OTHER_NODE = "192.168.10.13", "192.168.10.14"
TUNNEL_ID = TunnelId(f"tunl0/{NODE}")
ROUTE = make_route(via=NODE)
LINK = make_link()
VXLAN = make_link(name="vxlan.calico", kind="vxlan")
WIREGUARD = make_link(name="wireguard.cali", kind="wireguard")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tunl0", "ipip"),
        ("vxlan.calico", "vxlan"),
        ("vxlan-v6.calico", "vxlan"),
        ("wireguard.cali", "wireguard"),
        ("wg-v6.cali", "wireguard"),
        ("flannel.1", "vxlan"),
        ("flannel.4096", "vxlan"),
        ("flannel.ipip", "ipip"),
        ("flannel-v6.1", "vxlan"),
        ("flannel-wg", "wireguard"),
        ("flannel-wg-v6", "wireguard"),
        ("tun-e443169117a", "ipip"),
        ("tun-e443169117a", "ip6tnl"),
        ("kilo0", "wireguard"),
        ("cilium_tunl", "ipip"),
        ("antrea-wg0", "wireguard"),
    ],
)
def test_devices_that_a_cni_makes_are_tunnels(name: str, kind: str) -> None:
    """Kind and name together say so."""
    assert only_tunnel_of(make_link(name=name, kind=kind), ROUTE).device == name


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("tunl0", "tun"),
        ("flannel.1", "bridge"),
        ("wg0", "wireguard"),
        ("vxlan7", "vxlan"),
        ("tun-office", "ipip"),
        ("eth0", ""),
    ],
)
def test_other_devices_are_tunnels_where_a_glob_names_them(name: str, kind: str) -> None:
    """Neither kind nor name alone makes a CNI's tunnel, but the operator's word does."""
    link = make_link(name=name, kind=kind)
    assert tunnels_of(link, ROUTE) == []
    assert tunnels_of(link, ROUTE, devices=("nothing*",)) == []
    assert only_tunnel_of(link, ROUTE, devices=("x", f"{name[:-1]}?")).kind == kind


@pytest.mark.parametrize(
    "route",
    [
        make_route("0.0.0.0/0", via=NODE),
        make_route("10.0.0.0/8", via=NODE),
        make_route("10.244.0.0/16", via=NODE),
        make_route("fd00:10:244::/56", via="fd00:10::13"),
        make_route("::/0", via="fd00:10::13"),
        make_route(kind=RouteType.BLACKHOLE),
        make_route(kind=RouteType.UNREACHABLE),
        make_route(kind=RouteType.PROHIBIT),
        make_route(kind=RouteType.OTHER),
        make_route(via=NODE, table=LOCAL),
        own("10.244.13.1"),
        make_route("10.244.13.1/32"),
        make_route("fd00:10:244::41/128"),
        make_route("fe80::/64"),
        make_route("169.254.1.0/24"),
        make_route("224.0.0.0/24"),
        make_route("0.0.0.0/24"),
        make_route("127.0.1.0/24"),
        make_route("default", via=NODE),
    ],
    ids=lambda route: f"{route.type.value} {route.destination}",
)
def test_routes_that_lead_to_no_peer(route: Route) -> None:
    """Pools, what does not forward, this host's own, and what no pod can have."""
    assert tunnels_of(LINK, route) == []


@pytest.mark.parametrize(
    "route",
    [
        make_route("10.244.0.0/17", via=NODE),
        make_route("10.244.13.9/32", via=NODE),
        make_route(via=NODE, table=1),
        make_route("fd00:10:244::/57", via="fd00:10::13"),
        make_route("fd00:10:244:1::/64"),
    ],
    ids=lambda route: f"{route.destination} table {route.table}",
)
def test_routes_that_lead_to_one(route: Route) -> None:
    """Whatever is narrower than a pool, in whatever table."""
    assert only_tunnel_of(LINK, route).blocks == (route.destination,)


def test_blocks_behind_one_gateway_are_one_tunnel() -> None:
    """Blocks are sorted as numbers; first addresses go first, single addresses after them."""
    tunnel = only_tunnel_of(
        LINK,
        make_route("10.244.9.64/26", via=NODE),
        make_route("10.244.2.5/32", via=NODE),
        make_route("10.244.100.0/26", via=NODE),
    )
    assert tunnel.id == TUNNEL_ID
    assert tunnel.blocks == ("10.244.2.5/32", "10.244.9.64/26", "10.244.100.0/26")
    assert tunnel.addresses == ("10.244.9.64", "10.244.100.0", "10.244.2.5", "10.244.9.65")
    assert tunnel.underlay == NODE


def test_at_most_four_addresses() -> None:
    """A node of many blocks has no more."""
    blocks = [make_route(f"10.244.{number}.0/26", via=NODE) for number in range(6)]
    tunnel = only_tunnel_of(LINK, *blocks)
    assert len(tunnel.blocks) == 6
    assert tunnel.addresses == tuple(f"10.244.{number}.0" for number in range(4))


def test_gateway_inside_a_block_is_the_tunnel_address() -> None:
    """It alone is poked, and says nothing of the far node's own address."""
    tunnel = only_tunnel_of(LINK, make_route(via="10.244.13.9"))
    assert (tunnel.addresses, tunnel.underlay) == (("10.244.13.9",), None)


@pytest.mark.parametrize("link", [VXLAN, WIREGUARD])
def test_gateway_inside_the_overlay_goes_first(link: Link) -> None:
    """Outside all blocks it may be reached by another route; then the blocks' addresses follow."""
    tunnel = only_tunnel_of(link, make_route(via="10.4.0.2"))
    assert tunnel.addresses == ("10.4.0.2", "10.244.13.0", "10.244.13.1")
    assert tunnel.underlay is None


def test_link_local_gateway_is_not_poked() -> None:
    """No socket reaches it without a scope; the blocks' addresses serve."""
    tunnel = only_tunnel_of(VXLAN, make_route("fd00:10:244:1::/64", via="fe80::1"))
    assert tunnel.addresses == ("fd00:10:244:1::", "fd00:10:244:1::1")


def test_segment_without_gateway_is_no_peer() -> None:
    """A VXLAN's connected subnet has many far ends."""
    assert tunnels_of(VXLAN, make_route("10.70.0.0/24")) == []


def test_gateway_of_the_other_family_names_no_far_end() -> None:
    """An IPv4 route via an IPv6 gateway (RTA_VIA) counts as one without."""
    tunnel = only_tunnel_of(LINK, make_route(via="fd00::1"))
    assert (tunnel.id, tunnel.gateway) == ("tunl0/10.244.13.0/26", None)


def test_several_gateways_for_one_block_tell_no_far_end() -> None:
    """Which of them answers for an address of the block is the kernel's choice."""
    hops = Hop(device=4, gateway=NODE), Hop(device=4, gateway=OTHER_NODE)
    assert tunnels_of(LINK, make_route("10.96.0.10/32", *hops)) == []
    inside = Hop(device=4, gateway="10.244.13.1"), Hop(device=4, gateway="10.244.13.2")
    assert tunnels_of(VXLAN, make_route("10.244.13.0/26", *inside)) == []


def test_gateways_inside_the_overlay_are_far_ends_of_a_multi_path_route() -> None:
    """Each is poked, and no address of the block."""
    hops = Hop(device=4, gateway="10.244.13.0"), Hop(device=4, gateway="10.244.14.0")
    first, second = tunnels_of(VXLAN, make_route("10.96.0.0/24", *hops))
    assert (first.gateway, first.addresses) == ("10.244.13.0", ("10.244.13.0",))
    assert (second.gateway, second.addresses) == ("10.244.14.0", ("10.244.14.0",))


def test_hops_through_other_devices_make_no_tunnel() -> None:
    """A multi-path route may lead partly around the tunnel."""
    hops = Hop(device=4, gateway="10.244.13.0"), Hop(device=2, gateway=NODE)
    eth0 = make_link(2, "eth0", "")
    tunnel = only_tunnel_of(VXLAN, eth0, make_route("10.96.0.0/24", *hops))
    assert tunnel.gateway == "10.244.13.0"
