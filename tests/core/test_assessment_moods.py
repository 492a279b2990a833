"""Checks what a peer's verdict makes of the news of its pods."""

from pokepodsd.core.decisions import Mood
from pokepodsd.core.model import NodeName
from pokepodsd.core.verdict import Sight
from tests.core.assessed import Stage, make_stage
from tests.core.builders import at

ANSWERS = Sight.ANSWERS


def mood(stage: Stage, node: NodeName | None) -> Mood:
    """For what a poke says that leaves now."""
    return stage.assessment.mood(node, at(stage.now))


def test_mood_follows_the_verdict() -> None:
    """A node's pods are told, wait for the verdict, or are said by it."""
    stage = make_stage(4)
    peer = stage.peers[0]
    assert (mood(stage, peer.node), mood(stage, None)) == (Mood.CLEAR, Mood.CLEAR)
    stage.see(peer, ANSWERS, doubtful=True)
    assert mood(stage, peer.node) is Mood.WAIT
    stage.fall([peer])
    stage.run(0.1)
    assert mood(stage, peer.node) is Mood.WAIT
    stage.answer(stage.peers[1:])
    stage.run(5)
    assert mood(stage, peer.node) is Mood.MUFFLED
    assert mood(stage, stage.peers[1].node) is Mood.CLEAR
    stage.answer([peer])
    stage.run(0.1)
    assert mood(stage, peer.node) is Mood.CLEAR


def test_what_a_lost_poke_says_is_explained_if_it_left_before_the_peer_was_back() -> None:
    """It may be told down later: its own next poke may be an interval away."""
    stage = make_stage(4)
    peer = stage.peers[0]
    stage.fall([peer])
    stage.answer(stage.peers[1:])
    stage.run(5)
    lost = stage.now
    stage.answer([peer])
    stage.run(0.1)
    assert stage.assessment.mood(peer.node, at(lost)) is Mood.MUFFLED
    assert mood(stage, peer.node) is Mood.CLEAR
