"""A bad way to a peer: what comes twice, late, in another order or not at all."""

import signal
import time
from collections.abc import Iterator
from itertools import count

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.daemon.journalled import kinds
from tests.daemon.wire import wait_request_to
from tests.faults.exertion import Exertion, pokes, status
from tests.faults.stage import Stage, stage
from tests.lab import Echo, EchoCapture, IcmpForger, Kind
from tests.lab.impairment import BadCable, Impairment
from tests.lab.launch import ip_batch

# The default: what takes half a second on the wire has as much again for a busy machine.
PATIENT = {"poke": {"interval": "1s", "timeout": "1s"}}
# What becomes of replies besides, where the machine is slow with the cable or with the daemon.
BUSY = {"late", "receive buffer overrun"}
# More than any receive buffer holds: of 8 MB, 768 bytes a packet.
FLOOD = 15_000


@pytest.fixture
def cable(cluster: Cluster) -> Iterator[BadCable]:
    """That of the peer, which may become a bad one."""
    with BadCable(cluster.lab.hub, cluster.lab.nodes[1], seed=7) as laid:
        yield laid


def wait_replies(capture: EchoCapture, number: int) -> None:
    """Wait until so many more replies have arrived."""
    before = sum(echo.kind is Kind.REPLY for echo in capture.snapshot())
    seen = count(1)
    capture.wait_for(lambda echo: echo.kind is Kind.REPLY and next(seen) > before + number, 30.0)


def round_trips(echoes: list[Echo]) -> list[int]:
    """How long each request waited for its reply, as the wire saw it, in nanoseconds."""
    asked = {
        (echo.destination, echo.sequence): echo.at_ns
        for echo in echoes
        if echo.kind is Kind.REQUEST
    }
    return [
        echo.at_ns - asked[echo.source, echo.sequence]
        for echo in echoes
        if echo.kind is Kind.REPLY and (echo.source, echo.sequence) in asked
    ]


def test_everything_comes_twice(cable: BadCable, staged: Stage) -> None:
    """Four replies for a poke are one answer, the others are counted, and nothing is told."""
    before = pokes(staged)
    cable.impair(Impairment(duplication=1.0), Impairment(duplication=1.0))
    wait_replies(staged.capture, 4 * 40)
    cable.impair()
    after = pokes(staged)
    assert after["strays"].keys() - BUSY == {"duplicate"}
    answered = after["received"] - before["received"]
    assert answered <= after["sent"] - before["sent"]
    lost = sum(after["strays"].get(reason, 0) for reason in BUSY)
    assert 2 * answered - lost <= after["strays"]["duplicate"] <= 3 * answered + lost
    staged.survived()


def test_half_a_second_of_jitter_and_another_order(cable: BadCable, cluster: Cluster) -> None:
    """Each reply is credited to its own poke, with the round trip that the wire shows."""
    jittery = Impairment(jitter_seconds=0.5, reordering=0.1)
    with stage(cluster, PATIENT) as staged:
        cable.impair(to_node=jittery)
        began = Exertion.of(staged)
        wait_replies(staged.capture, 60)
        began.check_calm(staged, 30.0)
        cable.impair()
        staged.wait_well()
        (peer,) = status(cluster, staged.here)["peers"]
        trips = round_trips(staged.capture.snapshot())
        # The order was another one indeed.
        assert max(trips) > 300_000_000
        assert peer["rtt"] is not None
        worst = peer["rtt"]["worst_seconds"]
        # What waits longest may be the node's own address, which is not in the figure of the peer.
        assert min(abs(trip / 1e9 - worst) for trip in trips) < 0.005
        told = pokes(staged)
        assert told["strays"].keys() <= BUSY
        # Between the last tick and now some may be on their way.
        assert told["sent"] - told["received"] - sum(told["strays"].values()) <= 40
        staged.survived()


def test_replies_after_the_timeout_are_late(cable: BadCable, staged: Stage) -> None:
    """They answer nothing, not even the next poke of their target; one entry, and one when over."""
    cable.impair(to_node=Impairment(delay_seconds=0.8))
    staged.daemon.wait_entry(EventKind.NODE_UNREACHABLE)
    before = pokes(staged)
    wait_replies(staged.capture, 40)
    after = pokes(staged)
    assert after["received"] == before["received"]
    assert after["strays"]["late"] - before["strays"]["late"] >= 20
    assert after["strays"].keys() == {"late"}
    cable.impair()
    staged.survived(EventKind.NODE_UNREACHABLE, EventKind.PEER_BACK)


def test_half_of_all_packets_is_lost(cable: BadCable, staged: Stage) -> None:
    """One entry for the way, none for a pod that loses some in a row; and one when it is over."""
    cable.impair(Impairment(loss=0.3), Impairment(loss=0.3))
    began = Exertion.of(staged)
    told = staged.daemon.wait_entry(EventKind.WAY_BAD)
    wait_replies(staged.capture, 60)
    began.check_calm(staged, 60.0)
    cable.impair()
    staged.daemon.wait_entry(EventKind.WAY_GOOD)
    assert "the way to node-b (192.168.10.11) is bad for " in told["MESSAGE"]
    staged.survived(EventKind.WAY_BAD, EventKind.WAY_GOOD)


@pytest.mark.parametrize("is_known", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_peer_whose_namespace_is_replaced(cluster: Cluster, *, is_known: bool) -> None:
    """The same address with another MAC and an empty kernel: poked on, and told once if at all.

    Whether by its own announcement, or as the kernel here asks for the address again.
    """
    here, there = cluster.lab.nodes
    with stage(cluster) as staged:
        cluster.lab.tear_down(there)
        staged.daemon.wait_entry(EventKind.NODE_UNREACHABLE)
        cluster.lab.rebuild(there)
        ip_batch(there.namespace, ["link set eth0 address 02:00:00:00:00:99"])
        if is_known:
            there.run("ip", "neigh", "flush", "all")
            here.run("ip", "neigh", "del", there.address, "dev", "eth0", check=False)
        staged.daemon.wait_entry(EventKind.PEER_BACK, 90.0)
        staged.survived(EventKind.NODE_UNREACHABLE, EventKind.PEER_BACK, gap_seconds=90.0)


def test_replies_that_find_no_room_are_nobodys_loss(cable: BadCable, staged: Stage) -> None:
    """A flood fills the receive buffer while the daemon stands still: counted, and told as ours."""
    here, there = staged.here, staged.there
    cable.impair(from_node=Impairment(delay_seconds=0.2))
    while EventKind.ROOM_SHORT.name not in kinds(staged.daemon.told()):
        overrun(staged)
    cable.impair()
    staged.daemon.wait_entry(EventKind.ROOM_BACK)
    document = status(staged.cluster, here)
    assert document["pokes"]["strays"]["receive buffer overrun"] > 0
    # Each time all replies were lost; a busy machine loses one of them once in a while besides.
    lost = document["loss"]["1m"]
    assert lost is not None
    assert lost < 0.1
    assert there.name in {peer["node"] for peer in document["peers"]}
    # It stood still meanwhile.
    staged.survived(EventKind.ROOM_SHORT, EventKind.ROOM_BACK, gap_seconds=10.0)


def overrun(staged: Stage) -> None:
    """Stop the daemon with pokes on their way, and fill its socket before their replies come."""
    since_ns = time.monotonic_ns()
    asked = wait_request_to(staged.capture, staged.there.pod_address(1), since_ns=since_ns)
    staged.daemon.process.signal(signal.SIGSTOP)
    try:
        with IcmpForger(staged.cluster.lab.hub) as forger:
            forger.reply(
                source=staged.there.pod_address(1),
                destination=staged.here.address,
                identifier=asked.identifier,
                sequence=asked.sequence,
                copies=FLOOD,
            )
        staged.capture.wait_for(
            lambda echo: (
                echo.kind is Kind.REPLY
                and echo.source == asked.destination
                and echo.sequence == asked.sequence
                and echo.payload == asked.payload
            )
        )
    finally:
        staged.daemon.process.signal(signal.SIGCONT)
