"""A bad way to a peer: what comes twice, late, in another order or not at all."""

from collections.abc import Iterator
from itertools import count

import pytest

from pokepodsd.core.entries import EventKind
from tests.cluster import Cluster
from tests.faults.exertion import Exertion, pokes, status
from tests.faults.stage import Stage, stage
from tests.lab import Echo, EchoCapture, Kind
from tests.lab.impairment import BadCable, Impairment

# The default, in which two ways of half a second just fit.
PATIENT = {"poke": {"interval": "1s", "timeout": "1s"}}


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
    """Four replies for a poke are one answer and three duplicates, and nothing is told."""
    before = pokes(staged)
    cable.impair(Impairment(duplication=1.0), Impairment(duplication=1.0))
    wait_replies(staged.capture, 4 * 40)
    cable.impair()
    after = pokes(staged)
    assert after["strays"].keys() == {"duplicate"}
    answered = after["received"] - before["received"]
    assert answered <= after["sent"] - before["sent"]
    assert 2 * answered <= after["strays"]["duplicate"] <= 3 * answered
    staged.survived()


def test_half_a_second_of_jitter_and_another_order(cable: BadCable, cluster: Cluster) -> None:
    """Each reply is credited to its own poke, with the round trip that the wire shows."""
    jittery = Impairment(jitter_seconds=0.48, reordering=0.1)
    with stage(cluster, PATIENT) as staged:
        cable.impair(jittery, jittery)
        began = Exertion.of(staged)
        wait_replies(staged.capture, 100)
        began.check_calm(staged, 30.0)
        cable.impair()
        staged.wait_well()
        (peer,) = status(cluster, staged.here)["peers"]
        trips = round_trips(staged.capture.snapshot())
        # The order was another one indeed.
        assert max(trips) > 600_000_000
        assert peer["rtt"] is not None
        worst = peer["rtt"]["worst_seconds"]
        # What waits longest may be the node's own address, which is not in the figure of the peer.
        assert min(abs(trip / 1e9 - worst) for trip in trips) < 0.005
        told = pokes(staged)
        assert told["strays"] == {}
        # Between the last tick and now some may be on their way.
        assert told["sent"] - told["received"] <= 40
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
