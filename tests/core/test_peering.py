"""Checks the targets that peers have: just those of the peers there are, each once."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.inventory import Delta
from pokepodsd.core.kernel import DumpBegun, DumpEnded, Route
from pokepodsd.core.model import SECOND_NS, Family, Layer, MonotonicNs, NodeName, Target, TargetId
from pokepodsd.core.peering import Peering
from pokepodsd.core.peertargets import PeerTargets
from pokepodsd.core.poking import Poking
from pokepodsd.core.sights import tunnel_target, underlay_target
from tests.core.builders import T0, V4, V6, draw_cookie, make_config, make_outcome
from tests.core.kernelfacts import Fact, changed, make_link, make_route, removed
from tests.core.peerfacts import make_peer, make_tunnel, pod_on

HOSTS = ("10.9.0.1", "10.9.0.2", "10.9.0.3")
BLOCKS = ("10.244.1.0/24", "10.244.2.0/24", "10.244.3.0/24", "10.244.4.0/24")
INSIDE = ("10.244.1.7", "10.244.2.7", "10.244.3.7", "10.244.99.7")
NODES = ("node-a", "node-b", "node-c", "node-d")

ROUTES = st.builds(
    lambda block, host: make_route(block, via=host), st.sampled_from(BLOCKS), st.sampled_from(HOSTS)
)
PODS = st.builds(
    pod_on,
    st.sampled_from(NODES),
    st.integers(1, 5),
    st.sampled_from(INSIDE),
    st.sampled_from(("", *HOSTS)),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), ROUTES | PODS),
        st.tuples(st.just("drop"), st.integers(0, 20)),
        st.tuples(st.just("settle"), st.none()),
    ),
    max_size=40,
)


@dataclass
class Stage:
    """Peers at work, told facts one by one."""

    peering: Peering
    poking: Poking
    now: int = T0
    facts: dict[object, Route | Target] = field(default_factory=dict)

    def tell(self, *facts: Fact) -> None:
        for fact in facts:
            self.peering.take(changed(fact), MonotonicNs(self.now))

    def do(self, what: object) -> None:
        match what:
            case Route():
                self.facts[what.key] = what
                self.tell(what)
            case Target():
                known = what.id in self.facts
                self.facts[what.id] = what
                self.peering.take_pods(
                    Delta(
                        added=[] if known else [what],
                        changed=[what] if known else [],
                        withdrawn=[],
                    )
                )
            case int() if self.facts:
                self.drop(list(self.facts)[what % len(self.facts)])
            case None:
                self.settle()
            case _:
                pass

    def drop(self, key: object) -> None:
        fact = self.facts.pop(key)
        if isinstance(fact, Route):
            self.peering.take(removed(fact), MonotonicNs(self.now))
        else:
            self.peering.take_pods(Delta(added=[], changed=[], withdrawn=[fact]))

    def settle(self) -> None:
        self.peering.settle(MonotonicNs(self.now))
        self.peering.tick(MonotonicNs(self.now))
        self.now += SECOND_NS

    def poked(self, layer: Layer) -> dict[TargetId, Target]:
        """The targets of a layer: what has a belief has a turn."""
        targets = {record.target.id: record.target for record in self.poking.books[layer].all()}
        lane = self.poking.lanes[layer]
        assert len(lane) == len(targets)
        assert all(target_id in lane for target_id in targets)
        return targets


def make_stage() -> Stage:
    config = make_config()
    poking = Poking(config, (V4, V6), draw=draw_cookie, now=T0)
    stage = Stage(Peering(poking, config.tunnels, T0), poking)
    stage.tell(make_link())
    return stage


@given(STEPS)
def test_targets_are_those_of_the_peers_there_are(steps: list[tuple[str, object]]) -> None:
    """One for each tunnel, with the name of its node; one for each node's own address."""
    stage = make_stage()
    for _, what in steps:
        stage.do(what)
    stage.settle()
    peers = stage.peering.find("all")
    tunnels = stage.poked(Layer.TUNNEL)
    expected = {tunnel_target(one.id): peer for peer in peers for one in peer.tunnels}
    assert tunnels.keys() == expected.keys()
    for target_id, peer in expected.items():
        assert (tunnels[target_id].node, tunnels[target_id].host) == (peer.node, peer.address or "")
    nodes = stage.poked(Layer.UNDERLAY)
    assert nodes.keys() == {underlay_target(peer.address) for peer in peers if peer.address}
    assert len(stage.peering.all()) == len(peers)
    assert len(list(stage.peering.assessment.told())) == len(peers)


@given(STEPS)
def test_nothing_is_poked_when_all_is_withdrawn(steps: list[tuple[str, object]]) -> None:
    """No target, no turn, no verdict and no owner is left."""
    stage = make_stage()
    for _, what in steps:
        stage.do(what)
    for key in list(stage.facts):
        stage.drop(key)
    stage.settle()
    assert stage.poked(Layer.TUNNEL) == stage.poked(Layer.UNDERLAY) == {}
    assert (len(stage.peering.all()), len(list(stage.peering.assessment.told()))) == (0, 0)
    assert all(not value for name, value in vars(stage.peering).items() if name in KEPT)


KEPT = ("_owners", "_held", "_opened")


def test_own_address_is_no_target() -> None:
    """Neither as a node's own address nor as that of a tunnel."""
    stage = make_stage()
    stage.peering.set_own(NodeName("node-a"), frozenset({"10.9.0.1", "10.244.2.0"}))
    stage.tell(make_route(BLOCKS[0], via=HOSTS[0]), make_route(BLOCKS[1], via=HOSTS[1]))
    stage.settle()
    (tunnel,) = stage.poked(Layer.TUNNEL).values()
    assert tunnel.address == "10.244.2.1"
    assert stage.poked(Layer.UNDERLAY).keys() == {underlay_target(HOSTS[1])}


@pytest.mark.parametrize(("before", "after"), [("node-b", "node-c"), ("node-c", "node-b")])
def test_node_that_comes_back_under_another_name_keeps_its_targets(before: str, after: str) -> None:
    """A cloud's new node has the address of the old one, whose pods are listed for a while."""
    stage = make_stage()
    stage.tell(make_route(BLOCKS[1], via=HOSTS[1]))
    old, new = pod_on(before, 1, INSIDE[1], HOSTS[1]), pod_on(after, 2, INSIDE[1], HOSTS[1])
    for delta in (
        Delta(added=[old], changed=[], withdrawn=[]),
        Delta(added=[new], changed=[], withdrawn=[]),
        Delta(added=[], changed=[], withdrawn=[old]),
    ):
        stage.peering.take_pods(delta)
        stage.settle()
        assert underlay_target(HOSTS[1]) in stage.poked(Layer.UNDERLAY)
        assert len(stage.poked(Layer.TUNNEL)) == 1
    (peer,) = stage.peering.find("all")
    assert peer.node == after


def test_tunnels_found_wait_for_the_whole_of_the_routes() -> None:
    """And are told once."""
    stage = make_stage()
    stage.peering.take(DumpBegun(), T0)
    stage.tell(make_link(), make_route(BLOCKS[0], via=HOSTS[1]))
    stage.settle()
    assert stage.peering.tick(T0) == []
    stage.peering.take(DumpEnded(), T0)
    stage.peering.settle(T0)
    (entry,) = stage.peering.tick(T0)
    assert "1 peer behind tunl0 (ipip)" in entry.text
    assert stage.peering.tick(T0) == []


def test_a_peer_that_is_no_more_is_judged_no_more() -> None:
    """The outcome of a poke that was under way when its node went changes nothing."""
    stage = make_stage()
    stage.do(make_route(BLOCKS[0], via=HOSTS[0]))
    stage.settle()
    (record,) = stage.poking.books[Layer.TUNNEL].all()
    stage.drop(next(iter(stage.facts)))
    stage.settle()
    before = record.standing()
    stage.peering.judged(make_outcome(record.target), record, before, None)
    assert not list(stage.peering.all())
    assert stage.peering.bulletin.opened == 0


def test_a_tunnel_without_an_address_to_poke_has_no_target() -> None:
    """Where all that is within is this host's own, or of a family without a socket."""
    targets = PeerTargets(frozenset({Family.V4}))
    own = make_peer("node-b", "10.9.0.2", make_tunnel("10.9.0.2", BLOCKS[0]))
    assert len(list(targets.of(own))) == 2
    targets.own_addresses = frozenset({"10.244.1.0", "10.9.0.2"})
    assert list(targets.of(own)) == []
    assert list(targets.of(make_peer("n", None, make_tunnel(None, "fd00:1::/64")))) == []
