"""Checks what the kernel is understood to say of links and routes, with real ones."""

from collections.abc import Iterator

import pytest

from pokepodsd.core.kernel import (
    AddressesChanged,
    DumpBegun,
    DumpEnded,
    Hop,
    LinkChanged,
    LinkRemoved,
    Route,
    RouteChanged,
    RouteRemoved,
    RouteType,
)
from pokepodsd.core.model import Family
from tests.edge.kernelview import Namespace, View, namespace
from tests.edge.support import wait_readable

# A node: a cable, a VXLAN and a TUN device in place of the tunnel (this kernel may have no ipip).
NODE = (
    "link add eth0 type veth peer name cable",
    "link set cable up",
    "link set eth0 up",
    "addr add 192.168.7.1/24 dev eth0",
    "addr add fd00:7::1/64 dev eth0 nodad",
    "link add vxlan.calico type vxlan id 4096 dstport 4789 nolearning dev eth0",
    "link set vxlan.calico up",
    "addr add 10.244.1.0/32 dev vxlan.calico",
    "tuntap add tunl0 mode tun",
    "link set tunl0 up",
)


@pytest.fixture
def node() -> Iterator[Namespace]:
    with namespace() as place:
        place.ip(*NODE)
        yield place


@pytest.fixture
def view(node: Namespace) -> Iterator[View]:
    with View(node) as seen:
        yield seen


def hops(view: View, destination: str) -> set[str | None]:
    route = view.route(destination)
    assert route is not None
    return {hop.gateway for hop in route.hops}


class TestDump:
    """What is there already is told first."""

    def test_dump_has_a_begin_and_an_end(self, view: View) -> None:
        """Everything stands between the two, each once."""
        assert isinstance(view.events[0], DumpBegun)
        kinds = [type(event) for event in view.events]
        assert (kinds.count(DumpBegun), kinds.count(DumpEnded)) == (1, 1)

    def test_links_have_their_kinds(self, view: View) -> None:
        """A link is known by name, kind and state; a loopback is of no kind."""
        kinds = {link.name: link.kind for link in view.links.values()}
        assert kinds == {
            "lo": "",
            "eth0": "veth",
            "cable": "veth",
            "vxlan.calico": "vxlan",
            "tunl0": "tun",
        }
        states = {link.name: (link.is_up, link.has_carrier) for link in view.links.values()}
        # Nobody holds the TUN device open.
        assert states["tunl0"] == (True, False)
        assert states["eth0"] == (True, True)

    def test_every_type_of_route_is_told(self, node: Namespace) -> None:
        """Routes as Calico writes them, and those that forward nothing, of every table."""
        node.ip(
            "route add 10.244.13.0/26 via 192.168.7.9 dev tunl0 onlink proto bird",
            "route add 10.244.14.0/26 via 10.244.14.0 dev vxlan.calico onlink",
            "route add blackhole 10.244.1.0/26 proto bird",
            "route add unreachable 10.244.2.0/26",
            "route add prohibit 10.244.3.0/26 metric 7",
            "route add throw 10.244.4.0/26 table 300",
            "route add local 10.244.5.0/26 dev lo table 300",
            "route add 10.244.6.0/26 tos 0x10 via 192.168.7.3",
            "route add default via 192.168.7.254",
            "route add fd00:8::/64 via fd00:7::9",
            "route add blackhole fd00:9::/64",
            "route add default via fd00:7::ff metric 5",
        )
        with View(node) as view:
            tunnel = view.index("tunl0")
            assert view.route("10.244.13.0/26") == Route(
                family=Family.V4,
                table=254,
                destination="10.244.13.0/26",
                type=RouteType.UNICAST,
                hops=(Hop(device=tunnel, gateway="192.168.7.9"),),
            )
            blackhole = view.route("fd00:9::/64")
            assert blackhole is not None
            assert (blackhole.type, blackhole.hops) == (RouteType.BLACKHOLE, ())
            assert {r.table for r in view.routes.values()} == {254, 300}

    def test_next_hops_are_told_together(self, node: Namespace) -> None:
        """Several next hops of one route, of both families, also as next hop objects."""
        node.ip(
            "route add 10.1.0.0/24 nexthop via 192.168.7.2 weight 3 nexthop dev tunl0",
            "route add fd00:1::/64 nexthop via fd00:7::2 nexthop via fd00:7::3",
            "route add 10.2.0.0/24 via inet6 fd00:7::2 dev eth0",
            "nexthop add id 1 via 192.168.7.4 dev eth0",
            "nexthop add id 2 via 192.168.7.5 dev eth0",
            "nexthop add id 3 group 1/2",
            "route add 10.3.0.0/24 nhid 3",
        )
        with View(node) as view:
            assert hops(view, "10.1.0.0/24") == {"192.168.7.2", None}
            assert hops(view, "fd00:1::/64") == {"fd00:7::2", "fd00:7::3"}
            assert hops(view, "10.2.0.0/24") == {"fd00:7::2"}
            assert hops(view, "10.3.0.0/24") == {"192.168.7.4", "192.168.7.5"}

    def test_local_table_and_sources_are_left_out(self, node: Namespace) -> None:
        """The kernel's own routes to its addresses, and those for a source only, are not told."""
        node.ip("route add fd00:1::/64 from fd00:2::/64 via fd00:7::2")
        with View(node) as view:
            assert view.route("fd00:1::/64") is None
            assert view.route("192.168.7.1/32", table=255) is None

    def test_reading_stops_at_the_limit(self, node: Namespace) -> None:
        """A read takes about so many messages, and a selector knows of the rest."""
        node.ip(
            *(f"route add 10.{n >> 8}.{n & 255}.0/24 via 192.168.7.2" for n in range(2560, 4560))
        )
        with View(node) as view:
            view.socket.request_dump()
            sizes = [len(view.read(10))]
            while not view.is_complete:
                wait_readable(view.socket, seconds=0)
                sizes.append(len(view.read(10)))
            # A datagram of a dump has 32 KiB at most, and a route more than 50 bytes.
            assert max(sizes) < 700
            assert sum(sizes) > 2000


class TestNews:
    """What changes is told as it changes, so that the sum is what `ip` shows."""

    def test_route_comes_changes_and_goes(self, node: Namespace, view: View) -> None:
        """Added, replaced and deleted: one event each."""
        told = []
        for word, gateway in (("add", 2), ("replace", 3), ("del", 3)):
            node.ip(f"route {word} 10.1.0.0/26 via 192.168.7.{gateway} dev tunl0 onlink")
            told += view.settle()
        assert [type(event) for event in told] == [RouteChanged, RouteChanged, RouteRemoved]

    def test_replacing_by_the_same_is_no_news(self, node: Namespace, view: View) -> None:
        """What says nothing new is not told."""
        node.ip("route add 10.1.0.0/26 via 192.168.7.2")
        view.settle()
        node.ip("route replace 10.1.0.0/26 via 192.168.7.2", "link set eth0 txqueuelen 500")
        assert view.settle() == []

    def test_ipv6_hops_come_and_go_one_by_one(self, node: Namespace, view: View) -> None:
        """The kernel tells of one next hop; what is told is the whole route."""
        steps = {
            "route add fd00:1::/64 via fd00:7::2": {"2"},
            "route append fd00:1::/64 via fd00:7::3": {"2", "3"},
            "route append fd00:1::/64 via fd00:7::4": {"2", "3", "4"},
            "route del fd00:1::/64 via fd00:7::3": {"2", "4"},
            "route del fd00:1::/64 via fd00:7::2": {"4"},
            "route replace fd00:1::/64 nexthop via fd00:7::5 nexthop via fd00:7::6": {"5", "6"},
            "route replace fd00:1::/64 via fd00:7::7": {"7"},
        }
        for line, gateways in steps.items():
            node.ip(line)
            (event,) = view.settle()
            assert isinstance(event, RouteChanged)
            assert {hop.gateway for hop in event.route.hops} == {f"fd00:7::{g}" for g in gateways}
        node.ip("route del fd00:1::/64")
        (event,) = view.settle()
        assert isinstance(event, RouteRemoved)

    def test_first_of_equal_routes_counts(self, node: Namespace, view: View) -> None:
        """Of IPv4 routes with one key the kernel takes the first, and after it the next."""
        expected = {
            "route add 10.1.0.0/26 via 192.168.7.2": "2",
            "route append 10.1.0.0/26 via 192.168.7.3": "2",
            "route prepend 10.1.0.0/26 via 192.168.7.4": "4",
            "route del 10.1.0.0/26 via 192.168.7.4": "2",
            "route replace 10.1.0.0/26 via 192.168.7.5": "5",
            "route del 10.1.0.0/26 via 192.168.7.5": "3",
        }
        for line, last in expected.items():
            node.ip(line)
            view.settle()
            assert hops(view, "10.1.0.0/26") == {f"192.168.7.{last}"}

    def test_link_goes_down_with_its_routes(self, node: Namespace, view: View) -> None:
        """The kernel drops IPv4 routes silently; they are told, and stay gone."""
        node.ip("route add 10.1.0.0/26 via 192.168.7.2 dev tunl0 onlink")
        view.settle()
        node.ip("link set tunl0 down")
        told = view.settle()
        assert [type(event) for event in told][:2] == [RouteRemoved, LinkChanged]
        node.ip("link set tunl0 up")
        view.settle()
        assert view.route("10.1.0.0/26") is None

    def test_route_over_two_links_outlives_one(self, node: Namespace, view: View) -> None:
        """Such a route stays in the kernel, and its next hop comes back unsaid."""
        node.ip("route add 10.1.0.0/26 nexthop via 192.168.7.2 nexthop dev tunl0")
        view.settle()
        for word in ("down", "up"):
            node.ip(f"link set tunl0 {word}")
            view.settle()
            assert hops(view, "10.1.0.0/26") == {"192.168.7.2", None}
        node.ip("link del tunl0")
        view.settle()

    @pytest.mark.parametrize("name", ["tunl0", "vxlan.calico", "eth0"])
    def test_link_is_removed(self, node: Namespace, view: View, name: str) -> None:
        """A link is told to be gone, after its routes."""
        node.ip(
            f"route add 10.1.0.0/26 via 192.168.7.2 dev {name} onlink",
            f"route add fd00:1::/64 dev {name}",
        )
        view.settle()
        index = view.index(name)
        node.ip(f"link del {name}")
        told = view.settle()
        assert told.index(LinkRemoved(index=index)) > 1
        assert view.route("10.1.0.0/26") is view.route("fd00:1::/64") is None

    def test_leaving_a_bridge_is_no_removal(self, node: Namespace, view: View) -> None:
        """A bridge tells of its ports in the same messages; a port that leaves is still there."""
        node.ip("link add br0 type bridge", "link set cable master br0", "link set br0 up")
        view.settle()
        node.ip("link set cable nomaster")
        view.settle()
        assert not any(isinstance(event, LinkRemoved) for event in view.events)

    def test_renamed_link_keeps_its_index(self, node: Namespace, view: View) -> None:
        """A new name of a link is a change."""
        index = view.index("tunl0")
        node.ip("link set tunl0 down", "link set tunl0 name tunl1")
        view.settle()
        assert view.index("tunl1") == index

    @pytest.mark.parametrize("address", ["192.168.9.1/32", "fd00:9::1/128"])
    def test_addresses_are_told(self, node: Namespace, view: View, address: str) -> None:
        """An address that comes or goes is told, not which."""
        for word in ("add", "del"):
            node.ip(f"addr {word} {address} dev lo")
            assert AddressesChanged() in view.settle()
