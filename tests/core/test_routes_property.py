"""Checks the book of routes against a plain model that works everything out anew each time."""

import random
import time

from hypothesis import given
from hypothesis import strategies as st

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
    Tunnel,
    TunnelId,
)
from pokepodsd.core.routes import RouteBook, TunnelDelta
from tests.core.kernelfacts import LOCAL, MAIN, Fact, changed, make_link, make_route, removed
from tests.core.kernelmodel import KINDS, Model, key_of

# Few devices, addresses and blocks, so that they meet often.
DEVICES = st.sampled_from(sorted(KINDS))
LINKS = st.builds(
    lambda index, up, carrier: make_link(index, *KINDS[index], up=up, carrier=carrier),
    DEVICES,
    st.sampled_from([True, True, True, False]),
    st.booleans(),
)
V4_GATEWAYS = ["192.168.10.12", "192.168.10.13", "10.244.1.0", "10.244.2.7"]
V6_GATEWAYS = ["fd00:10::12", "fd00:10:244:1::", "fe80::1"]
V4_BLOCKS = ["10.244.1.0/26", "10.244.1.64/26", "10.244.2.0/24", "10.244.2.7/32", "10.0.0.0/8"]
V6_BLOCKS = ["fd00:10:244:1::/64", "fd00:10:244:1::40/122", "fe80::/64", "fd00:10:244:1::9/128"]


def routes_of(blocks: list[str], gateways: list[str]) -> st.SearchStrategy[Route]:
    hops = st.builds(Hop, device=DEVICES, gateway=st.sampled_from([None, *gateways]))
    return st.builds(
        lambda block, hops, kind, table, priority: make_route(
            block, *hops, kind=kind, table=table, priority=priority
        ),
        st.sampled_from(blocks),
        st.lists(hops, min_size=1, max_size=2, unique=True),
        st.sampled_from([RouteType.UNICAST] * 4 + [RouteType.BLACKHOLE]),
        st.sampled_from([MAIN, MAIN, 1, LOCAL]),
        st.sampled_from([0, 0, 100]),
    )


ROUTES = routes_of(V4_BLOCKS, V4_GATEWAYS) | routes_of(V6_BLOCKS, V6_GATEWAYS)
MACS = st.sampled_from(["66:00:00:00:00:01", "66:00:00:00:00:02"])
NEIGHBOURS = st.builds(
    Neighbour, device=DEVICES, address=st.sampled_from(V4_GATEWAYS), lladdr=MACS
) | st.builds(Neighbour, device=DEVICES, lladdr=MACS, remote=st.sampled_from(V4_GATEWAYS[:2]))
EVENTS = st.one_of(
    st.builds(LinkChanged, link=LINKS),
    st.builds(LinkRemoved, index=DEVICES),
    st.builds(RouteChanged, route=ROUTES),
    st.builds(RouteChanged, route=ROUTES),
    st.builds(RouteRemoved, route=ROUTES),
    st.builds(NeighbourChanged, neighbour=NEIGHBOURS),
    st.builds(NeighbourRemoved, neighbour=NEIGHBOURS),
)


def apply(held: dict[TunnelId, Tunnel], delta: TunnelDelta) -> None:
    """Carry a delta over to a dict, as strictly as its words are meant."""
    for tunnel in delta.withdrawn:
        assert held.pop(tunnel.id) == tunnel
    for tunnel in delta.changed:
        assert held[tunnel.id] != tunnel
        held[tunnel.id] = tunnel
    for tunnel in delta.added:
        assert tunnel.id not in held
        held[tunnel.id] = tunnel
    for tunnel in delta.revived:
        assert held[tunnel.id] == tunnel


def told(book: RouteBook, events: list[KernelEvent]) -> dict[TunnelId, Tunnel]:
    """The tunnels after these events."""
    for event in events:
        book.take(event)
    book.settle()
    return {tunnel.id: tunnel for tunnel in book.all()}


@given(st.lists(EVENTS | st.none(), max_size=40))
def test_deltas_add_up_to_what_the_kernel_holds(events: list[KernelEvent | None]) -> None:
    """After any events, settled at any time: the tunnels are those of the kernel's state."""
    book = RouteBook()
    model = Model()
    held: dict[TunnelId, Tunnel] = {}
    for event in [*events, None]:
        if event is not None:
            book.take(event)
            model.take(event)
            continue
        apply(held, book.settle())
        assert held == model.tunnels()
        assert held == {tunnel.id: tunnel for tunnel in book.all()}
        assert len(book) == len(held)
        assert book.settle() == TunnelDelta()
    assert all(book.get(tunnel_id) == tunnel for tunnel_id, tunnel in held.items())


@given(
    st.lists(LINKS | ROUTES | NEIGHBOURS, max_size=25, unique_by=key_of),
    st.lists(ROUTES | NEIGHBOURS, max_size=10, unique_by=key_of),
    st.lists(LINKS, max_size=4),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter(
    final: list[Fact], passing: list[Fact], links: list[Link], chance: random.Random
) -> None:
    """Facts in any order, with others that pass in between, links before or after routes.

    What a link was before comes first: a link that goes down changes the state by its place.
    """
    expected = told(RouteBook(), [changed(fact) for fact in final])
    keys = {key_of(fact) for fact in final}
    events: list[tuple[float, KernelEvent]] = []
    for fact in final:
        events.append((chance.uniform(1, 3), changed(fact)))
    for fact in passing:
        # Of a key that stays, something else was so before; another key comes and goes.
        if key_of(fact) in keys:
            events.append((chance.uniform(0, 0.9), changed(fact)))
        else:
            begin, end = sorted((chance.uniform(0, 3), chance.uniform(0, 3)))
            events += [(begin, changed(fact)), (end, removed(fact))]
    events.sort(key=lambda one: one[0])
    before: list[KernelEvent] = [changed(link) for link in links]
    before += [LinkRemoved(index=link.index) for link in links if key_of(link) not in keys]
    assert told(RouteBook(), before + [event for _, event in events]) == expected


@given(
    st.lists(EVENTS, max_size=25),
    st.lists(LINKS | ROUTES | NEIGHBOURS, max_size=25, unique_by=key_of),
    st.booleans(),
)
def test_a_dump_makes_everything_so(
    events: list[KernelEvent], final: list[Fact], is_broken: bool
) -> None:
    """Whatever was believed before, also of a dump that was begun and not ended."""
    book = RouteBook()
    if is_broken:
        book.take(DumpBegun())
    told(book, events)
    dump: list[KernelEvent] = [DumpBegun(), *(changed(fact) for fact in final), DumpEnded()]
    assert told(book, dump) == told(RouteBook(), [changed(fact) for fact in final])


def test_five_thousand_routes_are_cheap() -> None:
    """Some 80 ms at a start and 0.05 ms a change were measured; the bounds are for a busy host."""
    routes = [
        make_route(f"10.{64 + n // 256}.{n % 256}.0/26", via=f"172.16.{n // 256}.{n % 256}")
        for n in range(5_000)
    ]
    book = RouteBook()
    begin = time.process_time()
    book.take(changed(make_link()))
    for route in routes:
        book.take(changed(route))
    assert len(book.settle().added) == 5_000
    started = time.process_time()
    assert started - begin < 1
    for route in routes[:100]:
        book.take(RouteRemoved(route=route))
        assert len(book.settle().withdrawn) == 1
    assert time.process_time() - started < 0.1
