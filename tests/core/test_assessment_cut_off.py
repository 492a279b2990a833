"""Checks when it is this node that is cut off, and when the peers that fail are to blame."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.decisions import Mood
from pokepodsd.core.verdict import Sight, Verdict
from tests.core.assessed import Stage, make_stage
from tests.core.builders import at

SILENT = Sight.SILENT
BROKEN = Verdict.TUNNEL_BROKEN


def cut_off(count: int, answering: int = 0) -> Stage:
    """All but some fall silent at ten seconds, in the course of a second; the others answer."""
    stage = make_stage(count)
    stage.run(9.9)
    split = count - answering
    stage.fall(stage.peers[: split // 2], SILENT)
    stage.run(1)
    stage.fall(stage.peers[split // 2 : split], SILENT)
    stage.answer(stage.peers[split:])
    return stage


@pytest.mark.parametrize("count", [2, 3, 20])
def test_all_at_once_is_this_node_told_once(count: int) -> None:
    """No peer is blamed, and nothing more is said as long as it lasts."""
    stage = cut_off(count)
    stage.run(3)
    assert stage.assessment.isolation.is_on
    assert stage.cuts() == [(False, count, count)]
    for _ in range(20):
        stage.fall(stage.peers, SILENT)
        stage.run(30)
    assert (stage.cuts(), stage.told()) == ([], [])


@pytest.mark.parametrize("count", [2, 3, 20])
def test_end_of_a_cut_off_is_told_once(count: int) -> None:
    """When most of them answer again; the last ones that follow are no news."""
    stage = cut_off(count)
    stage.run(60)
    stage.cuts()
    most = count // 2 + 1
    stage.answer(stage.peers[:most])
    stage.run(0.1)
    assert not stage.assessment.isolation.is_on
    assert stage.cuts() == [(True, count - most, count)]
    stage.answer(stage.peers[most:])
    stage.run(60)
    assert (stage.cuts(), stage.told()) == ([], [])


@pytest.mark.parametrize(
    ("count", "answering", "is_self"),
    [
        (2, 1, False),
        (3, 1, False),
        (4, 1, False),
        (4, 2, False),
        (5, 2, True),
        (20, 10, False),
        (20, 9, True),
    ],
)
def test_most_have_to_fail(count: int, answering: int, is_self: bool) -> None:
    """Where as many answer as fail, or one of a few, each that fails is told for itself."""
    stage = cut_off(count, answering)
    stage.run(5)
    failing = count - answering
    assert len(stage.told()) == (0 if is_self else failing)
    assert stage.cuts() == ([(False, failing, count)] if is_self else [])


def test_only_peer_there_is_is_blamed() -> None:
    """With nobody to compare with, it is not this node by the first guess."""
    stage = cut_off(1)
    stage.run(5)
    assert len(stage.told()) == 1
    assert not stage.assessment.isolation.is_on


def test_those_that_are_in_doubt_count_as_failing() -> None:
    """They were asked and have not answered since; silence needs some seconds more."""
    stage = make_stage(5)
    stage.run(9.9)
    stage.fall(stage.peers[:1])
    for peer in stage.peers[1:4]:
        stage.see(peer, doubtful=True)
    stage.run(1)
    stage.answer(stage.peers[4:])
    stage.run(3)
    assert stage.cuts() == [(False, 4, 5)]


def test_others_are_asked_when_one_falls_silent() -> None:
    """Once for each that does; what they say decides."""
    stage = make_stage(3)
    stage.run(1)
    assert stage.witnesses == 0
    stage.fall(stage.peers[:1])
    stage.run(2)
    assert stage.witnesses == 1


def test_dead_peers_of_long_ago_make_no_cut_off_of_the_next_failure() -> None:
    """Three of four are told to be broken; the fourth is broken for itself, or alone left."""
    stage = make_stage(5)
    for peer in stage.peers[:3]:
        stage.run(10)
        stage.fall([peer])
        stage.run(1)
        stage.answer(one for one in stage.peers[3:])
        stage.answer(stage.peers[stage.peers.index(peer) + 1 : 3])
        stage.run(5)
    assert [verdict for _, verdict in stage.told()] == [BROKEN] * 3
    stage.fall(stage.peers[3:4])
    stage.run(1)
    stage.answer(stage.peers[4:])
    stage.run(5)
    assert stage.told() == [(stage.peers[3].id, BROKEN)]
    assert stage.cuts() == []


def test_peer_that_was_broken_before_stays_so_over_a_cut_off() -> None:
    """It is not counted, and not told anew; its own end is told when it comes."""
    stage = make_stage(4)
    stage.run(9.9)
    stage.fall(stage.peers[:1])
    stage.run(1)
    stage.answer(stage.peers[1:])
    stage.run(5)
    assert len(stage.told()) == 1
    stage.fall(stage.peers[1:], SILENT)
    stage.run(5)
    assert stage.cuts() == [(False, 3, 3)]
    stage.answer(stage.peers[1:])
    stage.run(30)
    assert (stage.cuts(), stage.told()) == ([(True, 0, 3)], [])
    stage.answer(stage.peers[:1])
    stage.run(1)
    assert stage.told() == [(stage.peers[0].id, Verdict.OK)]


def test_peer_that_stays_dead_when_the_node_is_back_is_told() -> None:
    """The cut-off explains it no longer."""
    stage = cut_off(5)
    stage.run(60)
    stage.cuts()
    stage.answer(stage.peers[:4])
    stage.run(2)
    assert stage.told() == []
    stage.run(2)
    assert stage.told() == [(stage.peers[4].id, Verdict.NODE_UNREACHABLE)]


def test_second_cut_off_is_told_anew() -> None:
    """A flapping uplink is told as often as it is long enough to be believed."""
    stage = make_stage(3)
    for _ in range(3):
        stage.run(30)
        stage.fall(stage.peers, SILENT)
        stage.run(30)
        stage.answer(stage.peers)
    stage.run(3)
    assert [is_over for is_over, _, _ in stage.cuts()] == [False, True] * 3
    assert stage.told() == []


def test_pods_are_muffled_by_a_cut_off_and_it_explains_them() -> None:
    """What happens to pods meanwhile is not told one by one, nor is that a tunnel opened."""
    stage = cut_off(3)
    stage.run(5)
    peer = stage.peers[0]
    assert stage.assessment.mood(peer.node, at(12)) is Mood.MUFFLED
    assert stage.assessment.explains(peer.id, at(12))
    stage.answer(stage.peers)
    stage.run(3)
    back = stage.now
    assert stage.assessment.mood(peer.node, at(back)) is Mood.CLEAR
    assert stage.assessment.mood(peer.node, at(12)) is Mood.MUFFLED
    assert stage.assessment.explains(peer.id, at(12))
    assert not stage.assessment.explains(peer.id, at(back + 1))


def test_cut_off_ends_when_no_peer_is_left() -> None:
    """Nobody is there any more whom it could be cut off from."""
    stage = cut_off(3)
    stage.run(5)
    stage.cuts()
    for peer in stage.peers:
        stage.assessment.drop(peer.id, at(stage.now))
    stage.run(3)
    assert [is_over for is_over, _, _ in stage.cuts()] == [True]
    assert not stage.assessment.isolation.is_on


STEPS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(Sight), st.sampled_from(Sight), st.integers(0, 8)),
    max_size=40,
)


@given(STEPS)
def test_each_told_fault_is_closed_once(steps: list[tuple[int, Sight, Sight, int]]) -> None:
    """Of each peer fault and end take turns, a cut-off and its end too, and all is well at last."""
    stage = make_stage(6)
    for number, tunnel, underlay, seconds in steps:
        stage.see(stage.peers[number], tunnel, underlay)
        stage.run(seconds)
    for _ in range(3):
        stage.answer(stage.peers)
        stage.run(15)
    assert [is_over for is_over, _, _ in stage.cuts()][-1:] in ([], [True])
    assert not stage.assessment.isolation.is_on
    told = stage.told()
    for peer in stage.peers:
        verdicts = [verdict for peer_id, verdict in told if peer_id == peer.id]
        assert all(one is not other for one, other in itertools.pairwise(verdicts))
        assert verdicts[-1:] in ([], [Verdict.OK])
    assert {verdict for _, verdict, _ in stage.assessment.told()} == {Verdict.OK}
    assert stage.assessment.next_due() is None
