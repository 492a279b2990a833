"""Checks the book of peers against a fresh one: what came first, and in how many steps, is lost."""

from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.kernel import Tunnel, TunnelId
from pokepodsd.core.model import NodeName, Target, TargetId
from pokepodsd.core.peers import Peer, PeerBook, PeerId
from tests.core.peerfacts import make_tunnel, pod_on


class Own(NamedTuple):
    """This host itself."""

    node: NodeName | None
    addresses: frozenset[str]


NOBODY = Own(None, frozenset())
NODES = ("node-a", "node-b", "node-c")
HOSTS = ("", "10.9.0.1", "10.9.0.2", "10.9.0.3", "fd09::2")
BLOCKS = ("10.244.1.0/26", "10.244.2.0/26", "10.244.2.0/24", "fd00:2::/122")
INSIDE = ("10.244.1.7", "10.244.2.7", "10.244.2.99", "10.244.9.9", "fd00:2::7")
DEVICES = (("tunl0", "ipip"), ("vxlan.calico", "vxlan"))

TUNNELS = st.builds(
    lambda underlay, blocks, device: make_tunnel(
        underlay or None, *blocks, device=device[0], kind=device[1]
    ),
    st.sampled_from(HOSTS),
    st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=2, unique=True).map(sorted),
    st.sampled_from(DEVICES),
)
PODS = st.builds(
    pod_on,
    st.sampled_from((*NODES, None)),
    st.integers(1, 6),
    st.sampled_from(INSIDE),
    st.sampled_from(HOSTS),
)
OWN = st.builds(
    Own,
    st.sampled_from((None, NodeName("node-a"))),
    st.sampled_from((frozenset[str](), frozenset({"10.9.0.1"}))),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), TUNNELS | PODS),
        st.tuples(st.just("put"), PODS),
        st.tuples(st.just("drop"), st.integers(0, 20)),
        st.tuples(st.just("own"), OWN),
        st.tuples(st.just("settle"), st.none()),
    ),
    max_size=40,
)


@dataclass
class Walk:
    """A book, what it was told that still holds, and the peers by its deltas."""

    book: PeerBook = field(default_factory=PeerBook)
    facts: dict[TunnelId | TargetId, Tunnel | Target] = field(default_factory=dict)
    own: Own = NOBODY
    peers: dict[PeerId, Peer] = field(default_factory=dict)

    def do(self, name: str, what: object) -> None:
        match what:
            case Tunnel():
                self.facts[what.id] = what
                self.book.put_tunnel(what)
            case Target():
                self.facts[what.id] = what
                self.book.put_pods([what])
            case int() if self.facts:
                self.drop(list(self.facts)[what % len(self.facts)])
            case Own():
                self.own = what
                self.book.set_own(what.node, what.addresses)
            case None:
                self.settle()
            case _:
                pass

    def drop(self, fact_id: TunnelId | TargetId) -> None:
        fact = self.facts.pop(fact_id)
        if isinstance(fact, Tunnel):
            self.book.drop_tunnel(fact.id)
        else:
            self.book.drop_pods([fact])

    def settle(self) -> None:
        delta = self.book.settle()
        for peer in delta.added:
            assert peer.id not in self.peers
        for peer in delta.changed:
            assert self.peers[peer.id] != peer
        for peer in (*delta.added, *delta.changed):
            self.peers[peer.id] = peer
        for peer in delta.withdrawn:
            assert self.peers.pop(peer.id) == peer
        for old, new in delta.renamed.items():
            assert old not in self.peers
            assert new in self.peers
        assert {peer.id: peer for peer in self.book.all()} == self.peers

    def fresh(self) -> dict[PeerId, Peer]:
        """What a book says that is told nothing but what holds, tunnels last."""
        book = PeerBook()
        book.set_own(self.own.node, self.own.addresses)
        book.put_pods(one for one in self.facts.values() if isinstance(one, Target))
        for one in self.facts.values():
            if isinstance(one, Tunnel):
                book.put_tunnel(one)
        book.settle()
        return {peer.id: peer for peer in book.all()}


def walked(steps: list[tuple[str, object]]) -> Walk:
    walk = Walk()
    for name, what in steps:
        walk.do(name, what)
    walk.settle()
    return walk


@given(STEPS)
def test_peers_hang_on_what_holds_and_not_on_what_came_before(
    steps: list[tuple[str, object]],
) -> None:
    """Routes first, pods first or mixed, settled in between or not: the same peers."""
    walk = walked(steps)
    assert walk.peers == walk.fresh()


@given(STEPS)
def test_each_tunnel_has_one_owner_and_no_peer_is_this_host(
    steps: list[tuple[str, object]],
) -> None:
    """A tunnel is poked for one peer; what leads to this host itself is nobody's."""
    walk = walked(steps)
    owned = [tunnel for peer in walk.peers.values() for tunnel in peer.tunnels]
    assert len(owned) == len({tunnel.id for tunnel in owned})
    expected = {
        one.id
        for one in walk.facts.values()
        if isinstance(one, Tunnel) and one.underlay not in walk.own.addresses
    }
    assert {tunnel.id for tunnel in owned} == expected
    for peer in walk.peers.values():
        for tunnel in peer.tunnels:
            assert walk.book.owner(tunnel.id) is peer
        assert peer.tunnels or peer.node != walk.own.node


@given(STEPS)
def test_nothing_is_left_behind(steps: list[tuple[str, object]]) -> None:
    """When all is dropped, every index is empty."""
    walk = walked(steps)
    for fact_id in list(walk.facts):
        walk.drop(fact_id)
    walk.settle()
    assert walk.peers == {}
    left = {name: value for name, value in vars(walk.book).items() if not name.startswith("_own_")}
    assert all(not value for value in left.values()), left
