"""Checks the verdict on one peer: decided once, when it is certain, and told with its reasons."""

import pytest

from pokepodsd.core.decisions import Mood
from pokepodsd.core.peers import PeerId
from pokepodsd.core.verdict import Sight, Verdict
from tests.core.assessed import Stage, make_stage, make_view
from tests.core.builders import at
from tests.core.peerfacts import make_peer

ANSWERS, SILENT, UNSURE, UNKNOWN = Sight.ANSWERS, Sight.SILENT, Sight.UNSURE, Sight.UNKNOWN
BROKEN, UNREACHABLE = Verdict.TUNNEL_BROKEN, Verdict.NODE_UNREACHABLE


def failed(underlay: Sight = ANSWERS) -> Stage:
    """Four peers, of which the first fell silent after ten seconds; the others answered since."""
    stage = make_stage(4)
    stage.run(9.9)
    stage.fall(stage.peers[:1], underlay)
    stage.run(1)
    stage.answer(stage.peers[1:])
    return stage


@pytest.mark.parametrize(
    ("underlay", "verdict"), [(ANSWERS, BROKEN), (SILENT, UNREACHABLE), (UNKNOWN, BROKEN)]
)
def test_silent_tunnel_is_decided_once(underlay: Sight, verdict: Verdict) -> None:
    """Some seconds after it fell silent, by what its node says; and not again for minutes."""
    stage = failed(underlay)
    stage.run(1.4)
    assert stage.told() == []
    stage.run(1)
    (decision,) = stage.decisions
    assert (decision.peer, decision.verdict) == (stage.peers[0], verdict)
    assert (decision.since_ns, decision.before) == (at(10), Verdict.OK)
    stage.told()
    for _ in range(30):
        stage.see(stage.peers[0], SILENT, underlay)
        stage.run(10)
    assert (stage.told(), stage.cuts()) == ([], [])


def test_broken_tunnel_is_inspected_at_its_beginning_and_at_the_decision() -> None:
    """So that the counters show what was sent and received meanwhile."""
    stage = failed()
    stage.run(5)
    (decision,) = stage.decisions
    (first, before), (second, after) = stage.asked
    assert (first, second) == (10.0, 12.5)
    assert (before.with_conntrack, after.with_conntrack) == (False, True)
    peer = stage.peers[0]
    assert {one.peer for one in (before, after)} == {peer.id}
    assert {one.node for one in (before, after)} == {peer.address}
    assert {one.device for one in (before, after)} == {"tunl0"}
    assert [one.counters and one.counters.sent for one in decision.findings] == [1, 2]


def test_first_doubt_is_when_the_kernel_is_asked_first() -> None:
    """The counters are to span the whole outage, and not its end; no doubt asks twice."""
    stage = make_stage(4)
    stage.run(0.9)
    for _ in range(3):
        stage.see(stage.peers[0], ANSWERS, doubtful=True)
        stage.run(1)
    assert [when for when, _ in stage.asked] == [1.0]
    stage.see(stage.peers[0])
    stage.run(1)
    stage.see(stage.peers[0], ANSWERS, doubtful=True)
    stage.run(1)
    assert [when for when, _ in stage.asked] == [1.0, 5.0]


def test_unreachable_node_is_not_inspected_for_conntrack() -> None:
    """What the kernel has of a tunnel to a dead node is no news."""
    stage = failed(SILENT)
    stage.run(5)
    assert not any(one.with_conntrack for _, one in stage.asked)


def test_underlay_is_waited_for_and_then_the_tunnel_is_told() -> None:
    """Its burst is over in a minute, however many others wait for their turns."""
    stage = failed(UNSURE)
    stage.run(7)
    assert stage.told() == []
    stage.see(stage.peers[0], SILENT, SILENT)
    stage.run(1)
    assert stage.told() == [(stage.peers[0].id, UNREACHABLE)]
    stage = failed(UNSURE)
    stage.run(58)
    assert stage.told() == []
    stage.run(5)
    assert stage.told() == [(stage.peers[0].id, BROKEN)]


def test_answer_before_the_decision_tells_nothing() -> None:
    """It was a short outage."""
    stage = failed()
    stage.run(0.5)
    stage.answer(stage.peers[:1])
    stage.run(20)
    assert stage.told() == []
    assert stage.assessment.next_due() is None


def test_return_is_told_once_and_at_once() -> None:
    """With since when it failed."""
    stage = failed()
    stage.run(30)
    stage.told()
    stage.answer(stage.peers[:1])
    stage.run(0.1)
    (decision,) = stage.decisions
    assert (decision.verdict, decision.before) == (Verdict.OK, BROKEN)
    assert decision.since_ns == at(10)
    stage.told()
    stage.answer(stage.peers[:1])
    stage.run(20)
    assert stage.told() == []
    second = stage.now
    stage.fall(stage.peers[:1])
    stage.run(1)
    stage.answer(stage.peers[1:])
    stage.run(5)
    (again,) = stage.decisions
    assert (again.verdict, again.since_ns) == (BROKEN, at(second))
    assert len(again.findings) == 2


@pytest.mark.parametrize("first", [BROKEN, UNREACHABLE])
def test_change_between_faults_must_last(first: Verdict) -> None:
    """While a node comes back, its underlay answers first: a minute, and it is told."""
    sights = {BROKEN: ANSWERS, UNREACHABLE: SILENT}
    (second,) = sights.keys() - {first}
    stage = failed(sights[first])
    stage.run(20)
    assert stage.told() == [(stage.peers[0].id, first)]
    peer = stage.peers[0]
    stage.see(peer, SILENT, sights[second])
    stage.run(59)
    stage.see(peer, SILENT, sights[first])
    stage.run(20)
    assert stage.told() == []
    stage.see(peer, SILENT, sights[second])
    stage.run(30)
    stage.see(peer, SILENT, sights[second])
    stage.run(29.5)
    assert stage.told() == []
    stage.run(2.0)
    assert stage.told() == [(peer.id, second)]


@pytest.mark.parametrize("is_of_start", [True, False])
def test_young_peer_is_quiet_for_a_minute(is_of_start: bool) -> None:
    """A node that just joined is not ready; what was there at the start is no such node."""
    stage = make_stage(3)
    stage.run(20 if is_of_start else 40)
    begun = stage.now
    newcomer = make_peer("node-x", "10.9.0.9", *stage.peers[0].tunnels)
    stage.views[newcomer.id] = make_view(newcomer, SILENT, since=begun)
    stage.assessment.put(newcomer, at(begun))
    stage.run(1)
    stage.answer(stage.peers)
    stage.run(58)
    assert stage.told() == ([(newcomer.id, BROKEN)] if is_of_start else [])
    stage.run(2)
    assert stage.told() == ([] if is_of_start else [(newcomer.id, BROKEN)])


def test_filtered_underlay_is_told_after_a_while_and_its_end_too() -> None:
    """The tunnel passes and the node's address never answers: no fault, said once."""
    stage = make_stage(2)
    peer = stage.peers[0]
    stage.see(peer, ANSWERS, SILENT)
    stage.run(9)
    stage.see(peer, ANSWERS, SILENT)
    assert stage.told() == []
    stage.run(2)
    assert stage.told() == [(peer.id, Verdict.UNDERLAY_FILTERED)]
    stage.see(peer, ANSWERS, SILENT)
    stage.run(20)
    assert stage.told() == []
    stage.see(peer)
    stage.run(0.1)
    assert stage.told() == [(peer.id, Verdict.OK)]


def test_underlay_that_was_not_asked_since_is_not_told_as_filtered() -> None:
    """It failed before the tunnel came back, and may answer by now: both have to be seen."""
    stage = make_stage(2)
    peer = stage.peers[0]
    stage.see(peer, ANSWERS, SILENT)
    stage.run(40)
    assert stage.told() == []
    stage.see(peer, ANSWERS, SILENT)
    stage.run(10.5)
    assert stage.told() == [(peer.id, Verdict.UNDERLAY_FILTERED)]


def test_underlay_that_answers_in_time_is_not_told_as_filtered() -> None:
    """It was about to be believed."""
    stage = make_stage(2)
    stage.see(stage.peers[0], ANSWERS, SILENT)
    stage.run(9)
    stage.see(stage.peers[0])
    stage.run(20)
    assert stage.told() == []


def test_rename_keeps_what_was_told() -> None:
    """The peer gets its name: the outage goes on, and its end is told."""
    stage = failed()
    stage.run(5)
    stage.told()
    old = stage.peers[0]
    new = rename(stage)
    stage.run(30)
    assert stage.told() == []
    assert BROKEN in [verdict for _, verdict, _ in stage.assessment.told()]
    stage.see(make_peer(new, old.address, *old.tunnels))
    stage.run(1)
    assert stage.told() == [(new, Verdict.OK)]


def test_rename_while_a_verdict_is_due_does_not_lose_it() -> None:
    """Its pods are listed in the seconds between the suspicion and the decision."""
    stage = failed()
    new = rename(stage)
    stage.run(10)
    assert stage.told() == [(new, BROKEN)]


def rename(stage: Stage) -> PeerId:
    """The first peer gets another name, as `peering` says it."""
    old, new = stage.peers[0], PeerId("node-renamed")
    peer = make_peer(new, old.address, *old.tunnels)
    stage.views[new] = stage.views[old.id]
    stage.assessment.rename(old.id, new)
    stage.assessment.put(peer, at(stage.now))
    stage.assessment.drop(old.id, at(stage.now))
    return new


def test_drop_leaves_nothing() -> None:
    """Whatever was about to be said of a peer, it is gone, and so is all that is kept of it."""
    for seconds in (0, 1, 5):
        stage = failed()
        stage.run(seconds)
        stage.told()
        stage.assessment.touch(stage.peers[0].id)
        for peer in stage.peers:
            stage.assessment.drop(peer.id, at(stage.now))
        stage.run(20)
        assert (stage.told(), stage.cuts(), stage.assessment.next_due()) == ([], [], None)
        assert list(stage.assessment.told()) == []
        cases = stage.assessment._cases
        kept = {**vars(stage.assessment), **vars(cases)}
        for name in ("peers", "states", "_parked", "_renamed", "_touched", "_pending"):
            assert not kept[name]


def test_mood_follows_the_verdict() -> None:
    """A node's pods are told, wait for the verdict, or are said by it."""
    stage = make_stage(4)
    peer = stage.peers[0]
    mood = stage.assessment.mood
    assert (mood(peer.node), mood(None)) == (Mood.CLEAR, Mood.CLEAR)
    stage.see(peer, ANSWERS, doubtful=True)
    assert mood(peer.node) is Mood.WAIT
    stage.fall([peer])
    stage.run(0.1)
    assert mood(peer.node) is Mood.WAIT
    stage.answer(stage.peers[1:])
    stage.run(5)
    assert mood(peer.node) is Mood.MUFFLED
    assert mood(stage.peers[1].node) is Mood.CLEAR
    stage.answer([peer])
    stage.run(0.1)
    assert mood(peer.node) is Mood.CLEAR


def test_faults_are_those_that_nothing_excuses() -> None:
    """What this node's condition names: told and lasting, but not of a node that is cordoned."""
    stage = make_stage(12)
    plain, excused = stage.peers[:2]
    stage.assessment.inquiries.is_api_there = True
    stage.fall([plain, excused])
    stage.answer(stage.peers[2:])
    assert stage.alarming() == []
    stage.run(2.6)
    assert excused.node is not None
    stage.assessment.looked_up(excused.node, "the node is cordoned")
    stage.run(5.0)
    assert len(stage.told()) == 2
    assert stage.alarming() == [(plain.id, Verdict.TUNNEL_BROKEN)]
    stage.answer([plain])
    stage.run(1.0)
    assert stage.alarming() == []
