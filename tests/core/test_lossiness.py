"""Checks that a way which loses much is told as one, and is not taken for what it is not."""

import re
from random import Random

import pytest

from pokepodsd.core.entries import EventKind
from pokepodsd.core.model import Target
from tests.core.nodes import feed, name_of, own_address
from tests.core.world import World, answers, is_silent, make_world, pods

# Of pods, by default.
INTERVAL_SECONDS = 5


def losing(share: float, seed: int = 1) -> "Loser":
    return Loser(share, Random(seed))


class Loser:
    """Loses this share of all pokes."""

    def __init__(self, share: float, dice: Random) -> None:
        self._share, self._dice = share, dice

    def __call__(self, _: Target) -> str:
        return "silence" if self._dice.random() < self._share else "reply"


def running(count: int) -> World:
    world = make_world()
    world.take_list(*pods(count))
    world.run(30)
    assert world.told() == []
    return world


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_bad_way_is_told_once_and_once_when_it_is_good(share: float) -> None:
    """Pods that lose three pokes in a row by chance are not told to be down."""
    world = running(20)
    world.answer = losing(share)
    world.run(600)
    assert world.told() == [EventKind.WAY_BAD]
    world.answer = answers
    world.run(120)
    assert world.told() == [EventKind.WAY_GOOD]
    assert world.counts() == (20, 0, 0)


@pytest.mark.parametrize(("interval", "timeout"), [("1s", "500ms"), ("1s", "1s"), ("1500ms", "1s")])
def test_a_bad_way_hides_its_pods_in_time(interval: str, timeout: str) -> None:
    """A quarter of the pods loses its first three pokes: that is suspected before it is told,
    whenever in a second it begins.
    """
    for seed in range(12):
        world = make_world(interval=interval, timeout=timeout)
        world.take_list(*pods(20))
        world.run(30 + seed / 6)
        world.answer = losing(0.51, seed)
        world.run(20)
        assert world.told() == [EventKind.WAY_BAD]


def test_what_is_lost_is_said() -> None:
    """Of how many pokes, and of how many targets; and what to look at."""
    world = running(20)
    world.answer = losing(0.5)
    world.run(120)
    (entry,) = world.entries
    said = re.fullmatch(
        r"the way to node-b is bad for \d+s: (\d+) % of (\d+) pokes were lost, and (\d+) targets "
        r"there failed and answered by turns; it is not its pods: check the links between the "
        r"nodes, for errors and for congestion",
        entry.text,
    )
    assert said is not None
    share, ended, targets = map(int, said.groups())
    assert entry.fields["NODE"] == "node-b"
    assert share == round(100 * int(entry.fields["COUNT"]) / ended)
    assert 40 <= share <= 60
    assert 3 <= targets <= 20
    world.told()
    world.answer = answers
    world.run(120)
    (entry,) = world.entries
    assert re.fullmatch(
        r"the way to node-b is good again after (\d+m)?\d+s: \d+ % of \d+ pokes were lost",
        entry.text,
    )
    assert entry.fields["NODE"] == "node-b"


def test_a_bad_way_has_the_address_of_its_node() -> None:
    """Where a tunnel or its pods tell it."""
    world = make_world()
    feed(world, range(1, 2), 20)
    world.run(30)
    world.answer = losing(0.5)
    world.run(120)
    (told,) = [entry for entry in world.entries if entry.kind is EventKind.WAY_BAD]
    assert (told.fields["NODE"], told.fields["PEER"]) == (name_of(1), own_address(1))


def test_on_a_bad_way_no_tunnel_is_told_to_open() -> None:
    """It is shut and open by turns, which is the way's matter."""
    world = make_world(interval="1s", timeout="1s")
    feed(world, range(1, 2), 20)
    world.run(30)
    world.answer = losing(0.6)
    world.run(30)
    assert world.told().count(EventKind.WAY_BAD) == 1
    world.run(600)
    assert EventKind.TUNNEL_OPENED not in world.told()


def test_a_pod_that_is_dead_when_the_way_is_good_again_is_told() -> None:
    """It was not told while the way was bad, and it is then."""
    world = running(20)
    lose = losing(0.5)
    dead = "10.0.0.1"
    world.answer = lose
    world.run(60)
    assert world.told() == [EventKind.WAY_BAD]
    addresses = sorted({target.address for target in world.engine.targets})
    dead = addresses[0]
    world.answer = lambda target: "silence" if target.address == dead else lose(target)
    world.run(60)
    world.answer = lambda target: "silence" if target.address == dead else "reply"
    world.run(120)
    assert world.told() == [EventKind.WAY_GOOD, EventKind.TARGET_DOWN]


def test_a_dead_pod_is_no_bad_way() -> None:
    """One of twenty that answers nothing, and then again: it is told, and no more."""
    world = running(20)
    dead = min(target.address for target in world.engine.targets)
    world.answer = lambda target: "silence" if target.address == dead else "reply"
    world.run(120)
    world.answer = answers
    world.run(120)
    assert world.told() == [EventKind.TARGET_DOWN, EventKind.TARGET_UP]


def test_a_lost_poke_of_each_is_no_bad_way() -> None:
    """A moment in which all is lost, once: nothing is told."""
    world = running(20)
    world.answer = is_silent
    world.run(5)
    world.answer = answers
    world.run(120)
    assert world.told() == []


def test_outages_one_after_the_other_are_no_bad_way() -> None:
    """All is lost, and then nothing, twice in a minute: every pod comes back twice."""
    world = running(20)
    for _ in range(2):
        world.answer = is_silent
        world.run(12)
        world.answer = answers
        world.run(15)
    world.run(120)
    assert EventKind.WAY_BAD not in world.told()


def test_an_outage_hides_no_pod_that_is_dead_afterwards() -> None:
    """What came back from it says nothing about a pod that did not."""
    world = running(20)
    world.answer = is_silent
    world.run(12)
    dead = min(target.address for target in world.engine.targets)
    world.answer = lambda target: "silence" if target.address == dead else "reply"
    world.run(40)
    assert EventKind.TARGET_DOWN in world.told()


@pytest.mark.parametrize("outage", [6, 12, 25, 47])
@pytest.mark.parametrize("later", [0, 5, 20, 60])
def test_a_pod_that_dies_after_an_outage_is_told(outage: int, later: int) -> None:
    """All its neighbours came back once: that hides it for a few of its intervals at most."""
    world = running(20)
    world.answer = is_silent
    world.run(outage)
    world.answer = answers
    world.run(later)
    dead = min(target.address for target in world.engine.targets)
    world.answer = lambda target: "silence" if target.address == dead else "reply"
    world.run(5 * INTERVAL_SECONDS + 1)
    world.answer = answers
    world.run(2 * INTERVAL_SECONDS)
    # Which is told of one that was told to be down, alone or with others.
    up = [entry for entry in world.entries if entry.kind is EventKind.TARGET_UP]
    assert sum(f"({dead})" in entry.text for entry in up) == 1


def test_one_of_a_hundred_is_no_bad_way() -> None:
    """What a network may lose."""
    world = running(20)
    world.answer = losing(0.01)
    world.run(1200)
    assert world.told() == []


@pytest.mark.parametrize("share", [0.005, 0.01])
def test_a_dead_pod_among_many_that_lose_a_few_is_told(share: float) -> None:
    """Some of a hundred pods come back at any time: that hides no pod that does not."""
    world = running(110)
    lose = losing(share)
    world.answer = lose
    world.run(200)
    assert world.told() == []
    dead = min(target.address for target in world.engine.targets)
    world.answer = lambda target: "silence" if target.address == dead else lose(target)
    world.run(60)
    assert world.told() == [EventKind.TARGET_DOWN]


def test_a_bad_way_that_gets_better_is_told_to_be_good() -> None:
    """That one of two hundred pokes is lost afterwards is no bad way."""
    world = running(110)
    world.answer = losing(0.5)
    world.run(60)
    world.answer = losing(0.005)
    world.run(120)
    assert world.told() == [EventKind.WAY_BAD, EventKind.WAY_GOOD]


def test_a_peer_that_is_cut_off_is_told_as_that() -> None:
    """First bad, then silent: the verdict, and at the end both are over."""
    world = running(20)
    world.answer = losing(0.5)
    world.run(60)
    world.answer = is_silent
    world.run(120)
    told = world.told()
    assert told[0] is EventKind.WAY_BAD
    assert EventKind.WAY_GOOD not in told
    world.answer = answers
    world.run(120)
    assert EventKind.WAY_GOOD in world.told()
