"""Checks what changes of links, routes and neighbours do to the tunnels."""

from pokepodsd.core.kernel import (
    AddressesChanged,
    DumpBegun,
    DumpEnded,
    Hop,
    Link,
    LinkRemoved,
    Neighbour,
    NeighbourRemoved,
    Route,
    RouteRemoved,
    RouteType,
    TunnelId,
)
from pokepodsd.core.routes import RouteBook, TunnelDelta
from tests.core.kernelfacts import make_link, make_route, tell

NODE, OTHER_NODE = "192.168.10.13", "192.168.10.14"
TUNNEL_ID = TunnelId(f"tunl0/{NODE}")
ROUTE = make_route(via=NODE)
LINK = make_link()
VXLAN = make_link(name="vxlan.calico", kind="vxlan")


def book_of(*facts: Link | Route | Neighbour) -> RouteBook:
    """What these make, settled."""
    book = RouteBook()
    tell(book, *facts)
    book.settle()
    return book


def test_routes_of_one_block_are_one_tunnel_until_the_last_is_gone() -> None:
    """Two priorities or tables: a tunnel exists if any route makes it."""
    spare = make_route(via=NODE, priority=100)
    book = book_of(LINK, ROUTE, spare)
    book.take(RouteRemoved(route=ROUTE))
    assert book.settle().withdrawn == []
    book.take(RouteRemoved(route=spare))
    assert [one.id for one in book.settle().withdrawn] == [TUNNEL_ID]


def test_neighbours_tell_the_far_node() -> None:
    """Gateway to MAC, MAC to node; a change of either is a change of the tunnel."""
    book = book_of(VXLAN, make_route(via="10.244.13.0"))
    known = Neighbour(device=4, address="10.244.13.0", lladdr="66:00:00:00:00:0d")
    entry = Neighbour(device=4, lladdr=known.lladdr, remote=NODE)
    moved = Neighbour(device=4, lladdr=known.lladdr, remote=OTHER_NODE)
    tell(book, Neighbour(device=5, address="10.244.13.0", lladdr=known.lladdr))
    tell(book, entry, known)
    assert [one.underlay for one in book.settle().changed] == [NODE]
    tell(book, moved)
    book.take(NeighbourRemoved(neighbour=entry))
    assert [one.underlay for one in book.settle().changed] == [OTHER_NODE]
    book.take(NeighbourRemoved(neighbour=moved))
    assert [one.underlay for one in book.settle().changed] == [None]
    tell(book, entry)
    book.take(NeighbourRemoved(neighbour=known))
    assert book.settle() == TunnelDelta()


def test_neighbours_go_with_their_link_or_with_a_dump_that_does_not_name_them() -> None:
    """What was known of another device of that index, or long ago, is not believed."""
    facts = VXLAN, make_route(via="10.244.13.0")
    mac = "66:00:00:00:00:0d"
    known = Neighbour(device=4, address="10.244.13.0", lladdr=mac)
    entry = Neighbour(device=4, lladdr=mac, remote=NODE)
    book = book_of(*facts, known, entry)
    book.take(LinkRemoved(index=4))
    tell(book, *facts)
    assert [one.underlay for one in book.settle().changed] == [None]
    tell(book, known, entry)
    assert [one.underlay for one in book.settle().changed] == [NODE]
    book.take(DumpBegun())
    tell(book, *facts, known)
    book.take(DumpEnded())
    assert [one.underlay for one in book.settle().changed] == [None]


def test_a_link_that_goes_down_takes_its_routes_along() -> None:
    """The kernel flushes them silently: up again, only those exist that are told anew."""
    other = make_route("10.244.14.0/26", via=OTHER_NODE)
    book = book_of(LINK, ROUTE, other)
    tell(book, make_link(up=False, carrier=False))
    assert len(book.settle().withdrawn) == 2
    tell(book, LINK)
    assert book.settle() == TunnelDelta()
    tell(book, ROUTE)
    assert [one.id for one in book.settle().added] == [TUNNEL_ID]


def test_a_link_that_flapped_between_revives_its_tunnels() -> None:
    """Routes that are back before anybody looked are the same tunnels, to be poked at once."""
    book = book_of(LINK, ROUTE)
    tell(book, make_link(up=False), LINK, ROUTE)
    delta = book.settle()
    assert ([one.id for one in delta.revived], delta.changed) == ([TUNNEL_ID], [])


def test_a_device_made_anew_has_the_same_tunnels() -> None:
    """Under another index: a restart of the CNI's agent is no change of peers."""
    book = book_of(LINK, ROUTE)
    book.take(LinkRemoved(index=4))
    tell(book, make_link(9), make_route(via=NODE, device=9))
    delta = book.settle()
    assert ([one.id for one in delta.revived], len(book)) == ([TUNNEL_ID], 1)
    assert book.link("tunl0") == make_link(9)


def test_a_removed_link_leaves_the_other_hop_alone() -> None:
    """Of a route of two, the one left is an ordinary route."""
    hops = Hop(device=4, gateway=NODE), Hop(device=9, gateway=OTHER_NODE)
    book = book_of(LINK, make_link(9, "cilium_tunl"), make_route("10.244.13.0/26", *hops))
    assert len(book) == 0
    book.take(LinkRemoved(index=9))
    assert [one.id for one in book.settle().added] == [TUNNEL_ID]


def test_carrier_lost_keeps_tunnels_and_carrier_back_revives_them() -> None:
    """Routes stay without a carrier."""
    book = book_of(LINK, ROUTE)
    tell(book, make_link(carrier=False))
    assert book.settle() == TunnelDelta()
    tell(book, LINK)
    assert [one.id for one in book.settle().revived] == [TUNNEL_ID]


def test_a_route_removed_and_back_revives_its_tunnel() -> None:
    """The tunnel is the same, but its way was cut."""
    book = book_of(LINK, ROUTE)
    book.take(RouteRemoved(route=ROUTE))
    tell(book, ROUTE)
    assert [one.id for one in book.settle().revived] == [TUNNEL_ID]


def test_another_gateway_is_another_tunnel() -> None:
    """A route replaced by one of the same key: one far end for another."""
    book = book_of(LINK, ROUTE)
    tell(book, make_route(via=OTHER_NODE))
    delta = book.settle()
    assert [one.gateway for one in delta.withdrawn] == [NODE]
    assert [one.gateway for one in delta.added] == [OTHER_NODE]


def test_a_blackhole_of_the_same_key_ends_the_tunnel() -> None:
    """It replaces the route."""
    book = book_of(LINK, ROUTE)
    tell(book, make_route(kind=RouteType.BLACKHOLE))
    assert [one.id for one in book.settle().withdrawn] == [TUNNEL_ID]


def test_a_renamed_device_has_other_tunnels() -> None:
    """Its name is part of what a tunnel is, and makes it one at all."""
    book = book_of(LINK, ROUTE)
    tell(book, make_link(name="old"))
    assert [one.id for one in book.settle().withdrawn] == [TUNNEL_ID]
    assert (book.link("tunl0"), book.link("old")) == (None, make_link(name="old"))
    tell(book, make_link(name="cilium_tunl"))
    assert [one.device for one in book.settle().added] == ["cilium_tunl"]
    tell(book, LINK)
    assert [one.device for one in book.settle().added] == ["tunl0"]


def test_a_name_belongs_to_who_had_it_last() -> None:
    """When names are exchanged, two links have one for a moment."""
    book = book_of(LINK, ROUTE, make_link(9, "cilium_tunl"))
    tell(book, make_link(9, "tunl0"))
    assert [one.id for one in book.settle().withdrawn] == [TUNNEL_ID]
    assert book.link("tunl0") == make_link(9, "tunl0")
    tell(book, make_link(4, "cilium_tunl"))
    assert [one.device for one in book.settle().added] == ["cilium_tunl"]


def test_settings_are_taken_while_running() -> None:
    """Globs name devices and unname them; a CNI's own stay."""
    book = book_of(
        LINK, ROUTE, make_link(7, "wg0", "wireguard"), make_route("10.9.0.0/24", device=7)
    )
    book.set_devices(("wg*",))
    assert [one.id for one in book.settle().added] == ["wg0/10.9.0.0/24"]
    book.set_devices(())
    assert [one.id for one in book.settle().withdrawn] == ["wg0/10.9.0.0/24"]
    assert book.get(TUNNEL_ID) in book.all()


def test_same_again_changes_nothing() -> None:
    """Facts that are known stir nobody."""
    known = Neighbour(device=4, address=NODE, lladdr="66:00:00:00:00:0d")
    book = book_of(LINK, ROUTE, known)
    tell(book, LINK, ROUTE, known)
    book.take(AddressesChanged())
    book.set_devices(())
    assert book.settle() == TunnelDelta()


def test_a_new_dump_withdraws_what_it_did_not_name_at_its_end() -> None:
    """Not before; and one that begins while another runs begins anew."""
    other = make_route("10.244.14.0/26", via=OTHER_NODE)
    new = make_route("10.244.15.0/26", via="192.168.10.15")
    book = book_of(LINK, ROUTE, other)
    assert not book.is_complete
    book.take(DumpBegun())
    tell(book, LINK, other, new)
    assert [one.gateway for one in book.settle().added] == ["192.168.10.15"]
    book.take(DumpBegun())
    tell(book, LINK, ROUTE, new)
    assert book.settle() == TunnelDelta()
    book.take(DumpEnded())
    delta = book.settle()
    assert [one.gateway for one in delta.withdrawn] == [OTHER_NODE]
    assert (delta.changed, delta.revived, book.is_complete) == ([], [], True)


def test_an_end_without_a_beginning_is_no_dump() -> None:
    """Nothing is withdrawn by it."""
    book = book_of(LINK, ROUTE)
    book.take(DumpEnded())
    assert (book.settle(), book.is_complete) == (TunnelDelta(), False)
