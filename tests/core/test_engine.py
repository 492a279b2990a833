"""Checks the stages together: pokes, beliefs and entries, from the first packet to the journal."""

from collections import Counter

import pytest

from pokepodsd.core.engine import TICK_NS, Engine
from pokepodsd.core.entries import EventKind
from pokepodsd.core.model import Datagram, Family, IcmpError, MonotonicNs, NodeName, Target
from pokepodsd.core.records import NodeGone, NodesRefused, PodChanged
from tests.core.builders import T0, V4, draw_cookie, make_config, make_pod
from tests.core.nodes import Faults, feed, name_of, own_address, pod_address
from tests.core.world import World, answers, is_silent, make_world, per_address, pods


def test_quiet_cluster_is_poked_once_an_interval_and_says_nothing() -> None:
    """All answer: no entry, all up, and one poke a target every five seconds."""
    world = make_world()
    world.take_list(*pods(100))
    world.run(10)
    assert world.counts() == (100, 0, 0)
    world.sends.clear()
    world.run(50)
    assert set(per_address(world.sends).values()) <= {9, 10, 11}
    assert len(world.sends) == pytest.approx(1000, abs=3)
    assert world.told() == []
    snapshot = world.engine.snapshot()
    assert snapshot.sent - snapshot.received <= 2
    assert dict(snapshot.strays) == {}


def test_newcomer_is_poked_in_the_tick_that_tells_of_it() -> None:
    """From the record to the first packet nothing is waited for but the tick."""
    world = make_world()
    world.take_list(*pods(50))
    world.run(20)
    world.engine.take(PodChanged(pod=make_pod("new", addresses=("10.2.0.1",))), world.now)
    assert world.engine.next_wake() <= world.now + TICK_NS
    world.sends.clear()
    world.turn()
    assert world.sends[0][1] == "10.2.0.1"


def test_newcomer_that_answers_is_poked_once() -> None:
    """After its answer it has no more quick pokes: its next is an interval later."""
    world = make_world()
    world.take_list(make_pod())
    world.run(4.9)
    assert len(world.sends) == 1


def test_newcomer_behind_a_closed_tunnel_is_poked_until_it_opens() -> None:
    """The quick pokes are lost without a word until one is answered, and that is told."""
    seen: Counter[str] = Counter()

    def opens(target: Target) -> str:
        seen[target.address] += 1
        return "reply" if seen[target.address] >= 5 else "silence"

    world = make_world(opens)
    world.take_list(make_pod())
    world.run(4)
    assert [round(when, 1) for when, _ in world.sends] == [0.0, 0.2, 0.6, 1.4, 3.0]
    (entry,) = world.entries
    assert entry.kind is EventKind.TARGET_OPENED
    assert "answered after 4 lost pokes in 3s" in entry.text


def test_target_that_stops_answering_goes_down_and_comes_up() -> None:
    """Down after the third failure in a row, up after one reply, each told once."""
    world = make_world()
    world.take_list(*pods(3))
    world.run(10)
    dead = "10.1.0.2"
    world.answer = lambda target: "silence" if target.address == dead else "reply"
    world.run(10)
    assert (world.told(), world.counts()) == ([], (3, 0, 0))
    world.run(30)
    assert world.counts() == (2, 1, 0)
    (entry,) = world.entries
    assert (entry.kind, entry.fields["ADDRESS"]) == (EventKind.TARGET_DOWN, dead)
    assert "timed out; 3 pokes in 11s" in entry.text
    world.told()
    world.answer = answers
    world.run(10)
    assert world.counts() == (3, 0, 0)
    (entry,) = world.entries
    assert (entry.kind, entry.fields["ADDRESS"]) == (EventKind.TARGET_UP, dead)


def test_node_that_vanishes_is_one_entry_and_so_is_its_return() -> None:
    """Its sixty pods go and come together: one verdict on the node, and none is mentioned."""
    world = make_world()
    far = [make_pod(f"q{n}", node="node-c", addresses=(f"10.3.0.{n + 1}",)) for n in range(60)]
    world.take_list(*pods(60), *far)
    world.run(10)
    world.answer = lambda target: "silence" if target.node == "node-c" else "reply"
    world.run(40)
    assert [(entry.kind, entry.fields["NODE"]) for entry in world.entries] == [
        (EventKind.TUNNEL_BROKEN, "node-c")
    ]
    assert "the tunnel to node-c is broken" in world.entries[0].text
    assert world.counts() == (60, 60, 0)
    world.told()
    world.answer = answers
    world.run(20)
    assert [(entry.kind, entry.fields["NODE"]) for entry in world.entries] == [
        (EventKind.PEER_BACK, "node-c")
    ]
    assert world.counts() == (120, 0, 0)


def test_node_of_which_one_pod_answers_is_told_by_its_pods() -> None:
    """What passes for one passes: 59 that went down together are one entry, and so is their up."""
    world = make_world()
    world.take_list(*pods(60))
    world.run(10)
    world.answer = lambda target: "reply" if target.address == "10.1.0.7" else "silence"
    world.run(40)
    assert [
        (entry.kind, entry.fields["COUNT"], entry.fields["NODE"]) for entry in world.entries
    ] == [(EventKind.TARGET_DOWN, "59", "node-b")]
    assert "1 of the 60 targets on node-b are not down" in world.entries[0].text
    world.told()
    world.answer = answers
    world.run(20)
    assert [(entry.kind, entry.fields["COUNT"]) for entry in world.entries] == [
        (EventKind.TARGET_UP, "59")
    ]


@pytest.mark.parametrize(
    ("answer", "outcome"), [("unreachable", "host unreachable"), ("EPERM", "EPERM")]
)
def test_errors_become_outcomes_with_their_names(answer: str, outcome: str) -> None:
    """An ICMP error and an errno end a poke at once, and say why it is down."""
    world = make_world(lambda _: answer)
    world.take_list(make_pod())
    world.run(25)
    (entry,) = world.entries
    assert (entry.kind, entry.fields["OUTCOME"]) == (EventKind.TARGET_DOWN, outcome)


def test_congested_host_takes_no_target_down() -> None:
    """ENOBUFS for minutes is this host's trouble, which is told once, and that it is over."""
    world = make_world()
    world.take_list(*pods(5))
    world.run(5)
    world.answer = lambda _: "ENOBUFS"
    world.run(60)
    assert (world.told(), world.counts()) == ([EventKind.ROOM_SHORT], (5, 0, 0))
    world.answer = answers
    world.run(30)
    assert world.told() == [EventKind.ROOM_BACK]


def test_a_full_receive_buffer_takes_no_target_down() -> None:
    """Replies that found no room here are no losses of the peers: counted, and told as ours."""
    world = make_world()
    world.take_list(*pods(5))
    world.run(5)
    world.answer = is_silent
    for _ in range(100):
        world.run(0.5)
        world.engine.overrun(Family.V4, 2, world.now)
    assert (world.told(), world.counts()) == ([EventKind.ROOM_SHORT], (5, 0, 0))
    assert world.engine.snapshot().strays == {"receive buffer overrun": 200}
    assert not any(world.engine.stages.peering.traffic.all.losses(world.now).values())


def test_each_failure_is_told_if_so_wished() -> None:
    """With log.failures = "each" every failed ping has its entry, and the change its own."""
    config = make_config(log={"failures": "each"})
    world = World(engine=Engine(config, (V4,), draw=draw_cookie, now=T0), answer=is_silent)
    world.take_list(make_pod())
    world.run(30)
    told = Counter(world.told())
    over = sum(when + 1 < 29.9 for when, _ in world.sends)
    assert told == {EventKind.POKE_FAILED: over, EventKind.TARGET_DOWN: 1}


def test_each_reply_is_told_to_who_debugs() -> None:
    """At log.level = "debug" every reply has its entry, and at "info" none has."""
    config = make_config(log={"level": "debug"})
    world = World(engine=Engine(config, (V4,), draw=draw_cookie, now=T0))
    world.take_list(make_pod())
    world.run(20)
    assert Counter(world.told()) == {EventKind.POKE_ANSWERED: len(world.sends)}


def test_what_is_no_answer_changes_nothing() -> None:
    """A reply nobody waits for, and an error about what was not sent; both are counted."""
    world = make_world()
    world.take_list(make_pod())
    world.turn()
    (reply,) = world.arriving
    assert isinstance(reply, Datagram)
    world.run(1)
    before = world.counts()
    world.engine.receive(reply, world.now)
    error = IcmpError(
        family=Family.V4, quoted=b"", destination="10.9.9.9", type=3, code=1, reporter="10.9.9.8"
    )
    world.engine.receive_error(error, world.now)
    assert world.counts() == before
    assert sum(world.engine.snapshot().strays.values()) == 2


def test_what_is_held_back_is_told_at_the_stop() -> None:
    """A pod that just went down is told, though another of its node is in doubt."""
    faults = Faults()
    world = make_world(faults)
    feed(world, range(1, 4), 3)
    world.run(60)
    world.told()
    faults.pods |= {pod_address(2, 0), pod_address(2, 1)}
    while world.counts()[1] == 0:
        world.turn()
        world.now = MonotonicNs(world.now + TICK_NS)
    assert world.told() == []
    world.engine.finish(world.now)
    (entry,) = world.engine.take_entries()
    assert entry.kind is EventKind.TARGET_DOWN


def test_a_right_to_nodes_that_is_refused_is_known_until_one_is_seen() -> None:
    """An alarm then says that it could not be asked about."""
    engine = make_world().engine
    inquiries = engine.stages.peering.assessment.inquiries
    engine.take(NodesRefused(), T0)
    assert inquiries.are_nodes_refused
    engine.take(NodeGone(node=NodeName("node-b")), T0)
    assert not inquiries.are_nodes_refused


def test_the_outlook_is_what_the_condition_says() -> None:
    """Who is a peer, who is opening, and each fault by its name; an excused one is none."""
    faults = Faults()
    world = make_world(faults)
    feed(world, range(1, 6), 1)
    assert world.engine.outlook().opening == world.engine.outlook().peers
    world.run(60)
    outlook = world.engine.outlook()
    assert (outlook.peers, outlook.opening, outlook.is_cut_off) == (5, 0, False)
    assert outlook.faults == ()
    faults.shut.add(2)
    world.run(40)
    ((who, verdict),) = world.engine.outlook().faults
    assert who == f"{name_of(2)} ({own_address(2)})"
    assert verdict == "tunnel broken"
    faults.dead.add(3)
    for _ in range(60):
        world.engine.take(NodeGone(node=NodeName(name_of(3))), world.now)
        world.run(1)
    assert len(world.engine.outlook().faults) == 1
    faults.is_cut = True
    world.run(60)
    assert world.engine.outlook().is_cut_off
