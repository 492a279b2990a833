"""Checks what a verdict on a peer does to the telling of its pods' changes."""

from dataclasses import replace

import pytest

from pokepodsd.core.decisions import Mood
from pokepodsd.core.entries import Entry, EventKind
from pokepodsd.core.health import Tally
from pokepodsd.core.model import Health, NodeName
from pokepodsd.core.narration import Narrator
from tests.core.builders import at, make_target
from tests.core.changes import HOLD, QUIET, came_up, flush, record_of, went_down

A, B = make_target(1), make_target(2)
ELSEWHERE = make_target(3, node="node-c")
ALL_DOWN = Tally(targets=2, down=2)


def nobody(_: NodeName | None) -> Tally:
    return QUIET


def muffled() -> Narrator:
    """Two pods went down, and the verdict on their node says it all."""
    narrator = Narrator()
    for target in (A, B):
        narrator.note(went_down(target), ALL_DOWN, hold_ns=HOLD)
    assert flush(narrator, at(20), nobody, Mood.MUFFLED) == []
    assert narrator.next_flush() is None
    return narrator


def kinds(entries: list[Entry]) -> list[EventKind]:
    return [entry.kind for entry in entries]


def test_what_the_verdict_says_is_not_told_as_long_as_it_holds() -> None:
    """For an hour, and not at the stop either."""
    narrator = muffled()
    for minutes in range(60):
        assert flush(narrator, at(60 * minutes), nobody, Mood.MUFFLED) == []
    assert narrator.flush_all(nobody) == []


def test_pods_that_stay_down_when_the_peer_is_well_are_told_after_a_hold() -> None:
    """They had the time of a hold to come back with it; it is one entry, with when it began."""
    narrator = muffled()
    assert flush(narrator, at(100), nobody) == []
    assert narrator.next_flush() == at(105)
    assert flush(narrator, at(104.9), nobody) == []
    (entry,) = flush(narrator, at(105), nobody)
    assert (entry.kind, entry.fields["COUNT"]) == (EventKind.TARGET_DOWN, "2")
    assert flush(narrator, at(200), nobody) == []


@pytest.mark.parametrize("is_clear", [True, False])
def test_pods_that_come_back_with_the_peer_are_not_told(is_clear: bool) -> None:
    """Neither that they were down nor that they are up: while muffled, or in the hold after."""
    narrator = muffled()
    if is_clear:
        assert flush(narrator, at(100), nobody) == []
    for target in (A, B):
        narrator.note(came_up(target), QUIET, hold_ns=HOLD)
    for seconds in (101, 106, 1_000):
        assert flush(narrator, at(seconds), nobody) == []
    assert narrator.next_flush() is None


def test_one_of_two_that_stays_down_is_told_alone() -> None:
    """The other came back with its node."""
    narrator = muffled()
    flush(narrator, at(100), nobody)
    narrator.note(came_up(A), QUIET, hold_ns=HOLD)
    (entry,) = flush(narrator, at(105), nobody)
    assert (entry.kind, entry.fields["POD"]) == (EventKind.TARGET_DOWN, B.name)


def test_what_was_told_down_before_the_verdict_is_told_up_after_it() -> None:
    """It was down for itself, and the journal's last word about it is to be true."""
    narrator = Narrator()
    narrator.note(went_down(A), QUIET, hold_ns=HOLD)
    assert kinds(flush(narrator, at(20), nobody)) == [EventKind.TARGET_DOWN]
    assert flush(narrator, at(50), nobody, Mood.MUFFLED) == []
    narrator.note(came_up(A), QUIET, hold_ns=HOLD)
    assert kinds(flush(narrator, at(111), nobody, Mood.MUFFLED)) == [EventKind.TARGET_UP]


def test_change_waits_while_a_verdict_is_under_way() -> None:
    """Also when its own hold is over: then it is told, or the verdict says it."""
    for mood, count in ((Mood.CLEAR, 1), (Mood.MUFFLED, 0)):
        narrator = Narrator()
        narrator.note(went_down(A), QUIET, hold_ns=HOLD)
        for seconds in (20, 26, 60):
            assert flush(narrator, at(seconds), nobody, Mood.WAIT) == []
        assert len(flush(narrator, at(61), nobody, mood)) == count


def test_opening_and_return_wait_for_no_verdict() -> None:
    """Good news of a pod is what no verdict on its node says."""
    for before in (Health.OPENING, Health.DOWN):
        narrator = Narrator()
        narrator.note(came_up(A, before=before), QUIET, hold_ns=HOLD)
        assert len(flush(narrator, at(111), nobody, Mood.WAIT)) == 1


def test_verdict_on_one_node_is_none_on_another() -> None:
    """Each node's pods follow its own."""
    narrator = Narrator()
    for target in (A, ELSEWHERE):
        narrator.note(went_down(target), QUIET, hold_ns=HOLD)

    def mood(node: NodeName | None, _: int) -> Mood:
        return Mood.MUFFLED if node == A.node else Mood.CLEAR

    (entry,) = narrator.flush(at(20), nobody, mood, hold_ns=HOLD)
    assert entry.fields["NODE"] == ELSEWHERE.node


def test_withdrawn_pod_that_was_muffled_is_no_news() -> None:
    """Nothing was told of it: it is forgotten, and the other is told when its time comes."""
    narrator = muffled()
    assert narrator.withdraw(A, record_of(A, Health.DOWN), at(50)) == []
    flush(narrator, at(100), nobody)
    (entry,) = flush(narrator, at(105), nobody)
    assert entry.fields["POD"] == B.name


def test_withdrawn_pod_in_the_hold_after_is_no_news() -> None:
    """The last of a group, withdrawn, leaves nothing behind."""
    narrator = muffled()
    flush(narrator, at(100), nobody)
    for target in (A, B):
        assert narrator.withdraw(target, record_of(target, Health.DOWN), at(101)) == []
    assert narrator.next_flush() is None
    assert flush(narrator, at(200), nobody) == []


def test_second_outage_in_the_hold_is_muffled_again() -> None:
    """The peer was well for a moment: what is still down belongs to the verdict again."""
    narrator = muffled()
    flush(narrator, at(100), nobody)
    assert flush(narrator, at(105), nobody, Mood.MUFFLED) == []
    assert flush(narrator, at(200), nobody) == []
    assert len(flush(narrator, at(205), nobody)) == 1


def test_pod_that_fails_again_after_a_silent_return_is_told() -> None:
    """Its first outage was the node's; the second is its own."""
    narrator = muffled()
    narrator.note(came_up(A), QUIET, hold_ns=HOLD)
    flush(narrator, at(111), nobody)
    again = replace(went_down(A), at_ns=at(130))
    narrator.note(again, QUIET, hold_ns=HOLD)
    assert EventKind.TARGET_DOWN in kinds(flush(narrator, at(136), nobody))


def test_pods_whose_last_lost_poke_left_before_the_peer_was_well_have_time_to_answer() -> None:
    """Their own next poke may be an interval away: they are not told down meanwhile."""
    narrator = Narrator()
    down = went_down(A)
    narrator.note(down, ALL_DOWN, hold_ns=HOLD)

    def mood(_: NodeName | None, since_ns: int) -> Mood:
        return Mood.MUFFLED if since_ns <= down.outcome.probe.sent_ns else Mood.CLEAR

    for seconds in (20, 100):
        assert narrator.flush(at(seconds), nobody, mood, hold_ns=HOLD) == []
    narrator.note(came_up(A), QUIET, hold_ns=HOLD)
    assert narrator.flush(at(1_000), nobody, mood, hold_ns=HOLD) == []


def test_pod_that_still_fails_when_its_time_to_answer_is_over_is_told() -> None:
    """It is the pod, whatever was the matter with its peer."""
    narrator = Narrator()
    narrator.note(went_down(A), ALL_DOWN, hold_ns=HOLD)

    def mood(_: NodeName | None, since_ns: int) -> Mood:
        return Mood.MUFFLED if since_ns <= at(50) else Mood.CLEAR

    assert narrator.flush(at(60), nobody, mood, hold_ns=HOLD) == []
    assert narrator.flush(at(60), nobody, mood, hold_ns=HOLD) == []
    deadline = narrator.next_flush()
    assert deadline is not None
    assert len(narrator.flush(deadline, nobody, mood, hold_ns=HOLD)) == 1
