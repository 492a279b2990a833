"""Checks that a bad cable does to frames what it is asked for, and nothing else."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.lab import Echo, EchoCapture, Kind, Lab
from tests.lab.asking import PATIENCE_SECONDS, is_answered, is_silent, pod, raw_socket, request
from tests.lab.impairment import BadCable, Dice, Impairment

MANY = 400
LAST = 9_999
# Of 400 rolls at a half, five standard deviations.
FAR = 50


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(2) as started:
        yield started


@contextmanager
def bad_cable(lab: Lab, seed: int = 1) -> Iterator[BadCable]:
    with BadCable(lab.hub, lab.nodes[1], seed=seed) as cable:
        # The bridge and the neighbours learn the way before anything is measured.
        assert is_answered(lab.nodes[0], lab.nodes[1].pod_address(1))
        yield cable


def arrivals(lab: Lab, cable: BadCable, impairment: Impairment, count: int = MANY) -> list[Echo]:
    """Requests as they arrive over a cable that is bad to the node, in their order."""
    here, there = lab.nodes
    address = there.pod_address(2)
    with EchoCapture(there) as capture, raw_socket(here, 4) as endpoint:
        cable.impair(to_node=impairment)
        before = cable.to_node.taken
        for sequence in range(count):
            endpoint.sendto(request(4, sequence), (address, 0))
        wait_until(lambda: cable.to_node.taken >= before + count)
        # One that is sent after all others, and waits as long as any of them.
        cable.impair(Impairment(delay_seconds=impairment.delay_seconds + impairment.jitter_seconds))
        endpoint.sendto(request(4, LAST), (address, 0))
        capture.wait_for(lambda echo: echo.sequence == LAST and echo.kind is Kind.REQUEST)
        arrived = [echo for echo in capture.snapshot() if echo.kind is Kind.REQUEST]
    return [echo for echo in arrived if echo.sequence != LAST]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def sequences(echoes: list[Echo]) -> list[int]:
    return [echo.sequence for echo in echoes]


@pytest.mark.parametrize("version", [4, 6])
def test_a_cable_is_perfect_until_it_is_told(lab: Lab, version: int) -> None:
    """Both families pass both ways, also large packets; and so they do when it was taken away."""
    here, there = lab.nodes
    with bad_cable(lab):
        assert is_answered(here, pod(there, 1, version), "-s", "1400")
        assert is_answered(there, pod(here, 1, version))
        assert is_answered(there, lab.hub.address)
    assert is_answered(here, pod(there, 1, version))


def test_all_is_lost_one_way_only(lab: Lab) -> None:
    """What comes to the node is lost, and what it sends itself is not."""
    here, there = lab.nodes
    with bad_cable(lab) as cable:
        cable.impair(to_node=Impairment(loss=1.0))
        with EchoCapture(here) as capture:
            assert is_silent(here, there.pod_address(1))
            assert is_silent(there, here.pod_address(1))
            arrived = [e for e in capture.snapshot() if e.destination == here.pod_address(1)]
            assert [e.kind for e in arrived] == [Kind.REQUEST]
        cable.impair()
        assert is_answered(here, there.pod_address(1))


def test_the_same_seed_rolls_the_same() -> None:
    """Whatever befell the frames before: the next one's fate is the seed's alone."""
    half, other = Impairment(loss=0.5, jitter_seconds=1.0), Impairment(duplication=0.5)
    fates = [[dice.roll(half) for _ in range(MANY)] for dice in map(Dice, ("7", "7", "8"))]
    assert fates[0] == fates[1] != fates[2]
    mixed = Dice("7")
    assert [mixed.roll(half if one % 2 else other) for one in range(MANY)][1::2] == fates[0][1::2]


def test_half_of_the_frames_get_lost(lab: Lab) -> None:
    """What is left comes in its order, and what is lost is counted."""
    with bad_cable(lab) as cable:
        came = sequences(arrivals(lab, cable, Impairment(loss=0.5)))
        assert cable.to_node.lost >= MANY - len(came)
    assert abs(len(came) - MANY // 2) < FAR
    assert came == sorted(came)


def test_every_frame_comes_twice(lab: Lab) -> None:
    """None is lost, and none comes a third time."""
    with bad_cable(lab) as cable:
        came = sequences(arrivals(lab, cable, Impairment(duplication=1.0)))
    assert sorted(came) == sorted([*range(MANY), *range(MANY)])


def test_jitter_delays_and_lets_later_ones_overtake(lab: Lab) -> None:
    """Nothing is lost, nothing comes before its time, and the order is another one."""
    jittery = Impairment(delay_seconds=0.1, jitter_seconds=0.2)
    with bad_cable(lab) as cable, EchoCapture(lab.nodes[0]) as sent:
        came = arrivals(lab, cable, jittery)
        left = {e.sequence: e.at_ns for e in sent.snapshot() if e.kind is Kind.REQUEST}
    assert sorted(sequences(came)) == [*range(MANY)]
    assert sequences(came) != sorted(sequences(came))
    waits = [echo.at_ns - left[echo.sequence] for echo in came]
    assert min(waits) >= 100_000_000
    assert max(waits) > 200_000_000


def test_some_overtake_the_delay(lab: Lab) -> None:
    """Of frames that are all delayed alike, a share comes at once."""
    with bad_cable(lab) as cable:
        came = sequences(arrivals(lab, cable, Impairment(delay_seconds=0.3, reordering=0.25)))
    early = list(itertools.takewhile(lambda one: one != 0, came))
    assert sorted(came) == [*range(MANY)]
    assert came[0] == 0 or 0 < len(early) < MANY // 2


def test_the_api_is_read_over_a_bad_cable(tmp_path: Path) -> None:
    """TCP with its segments put together passes, loses some, and comes through."""
    with Cluster(tmp_path) as cluster:
        here, there = cluster.lab.nodes
        cluster.make_pods(there, 250)
        with BadCable(cluster.lab.hub, here, seed=3) as cable:
            cable.impair(Impairment(loss=0.02), Impairment(loss=0.02))
            with cluster.daemon(here, watchdog_seconds=30.0) as daemon:
                daemon.wait_status("250 targets: 250 up", 60.0)
        assert cable.to_node.lost > 0


def test_a_node_may_go_with_its_cable(lab: Lab) -> None:
    """Its end is quiet, and the node that comes back has a good cable."""
    here, there = lab.nodes
    with bad_cable(lab) as cable:
        cable.impair(to_node=Impairment(loss=1.0))
        lab.tear_down(there)
    lab.rebuild(there)
    assert is_answered(here, there.pod_address(1))


def test_a_cable_that_was_pulled_and_put_back_is_as_bad_as_before(lab: Lab) -> None:
    """Frames are forwarded again, both ways."""
    here, there = lab.nodes
    with bad_cable(lab):
        there.link_down()
        assert is_silent(here, there.pod_address(1))
        there.link_up()
        assert is_answered(here, there.pod_address(1))
