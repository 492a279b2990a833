"""Checks the journal's words: who, what, how long; one entry for many; nothing told too early."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.health import Tally
from pokepodsd.core.model import (
    SECOND_NS,
    Family,
    Health,
    Layer,
    NodeName,
    OutcomeKind,
    Target,
    TargetId,
    Transition,
)
from pokepodsd.core.narration import Narrator
from pokepodsd.core.podnews import tell_failure, tell_reply
from tests.core.builders import at, make_outcome, make_target
from tests.core.changes import BUSY, HOLD, QUIET, came_up, flush, record_of, went_down


def told(transitions: Sequence[Transition], counts: Tally = QUIET) -> Entry:
    """The one entry for these changes."""
    narrator = Narrator()
    for transition in transitions:
        narrator.note(transition, counts, hold_ns=HOLD)
    (entry,) = flush(narrator, at(1000), lambda _: counts)
    return entry


WHO = {
    "LAYER": "pod",
    "NAMESPACE": "shop",
    "POD": "pod-1",
    "POD_UID": "uid-1",
    "ADDRESS": "10.0.0.1",
    "NODE": "node-b",
}


def test_down_says_who_what_how_long_and_what_to_check() -> None:
    """One target of many on its node: the pod is to be looked at."""
    entry = told([went_down(make_target(1))], Tally(targets=9, down=1))
    assert (entry.kind, entry.level) == (EventKind.TARGET_DOWN, Level.WARNING)
    assert entry.text == (
        "shop/pod-1 (10.0.0.1) on node-b is down: timed out; 3 pokes in 11s; 8 of the 9 targets on "
        "node-b are not down: check the pod, and the network policies that select it"
    )
    assert entry.fields == {**WHO, "STATE": "down", "COUNT": "1", "OUTCOME": "timed out"}


def test_whole_node_down_is_one_entry_that_points_at_the_node() -> None:
    """When none answers, it is the node, its tunnel or its routes."""
    entry = told([went_down(make_target(n)) for n in (1, 2, 3)], Tally(targets=3, down=3))
    assert entry.text == (
        "3 targets on node-b, for example shop/pod-1 (10.0.0.1), are down: timed out; 3 pokes in "
        "11s; none of the 3 targets on node-b answers: check node-b, and the tunnel and routes "
        "to it"
    )
    assert entry.fields == {"STATE": "down", "COUNT": "3", "LAYER": "pod", "NODE": "node-b"}


def test_only_pod_of_a_node_or_of_no_node_accuses_nobody() -> None:
    """Without others to compare with, nothing is said of the node."""
    alone = told([went_down(make_target(1))], Tally(targets=1, down=1))
    assert alone.text.endswith("is down: timed out; 3 pokes in 11s")
    nowhere = told([went_down(make_target(1, node=None))], Tally(targets=5, down=5))
    assert nowhere.text == "shop/pod-1 (10.0.0.1) is down: timed out; 3 pokes in 11s"
    assert "NODE" not in nowhere.fields


def test_icmp_error_is_named_with_its_reporter() -> None:
    """Host unreachable is said by someone, and that is where to look."""
    entry = told([went_down(make_target(1), detail="host unreachable", pokes=1)])
    assert "is down: host unreachable, said 10.9.9.9; 1 poke in 11s" in entry.text
    assert entry.fields["OUTCOME"] == "host unreachable"


def test_mixed_outcomes_are_counted_the_most_frequent_first() -> None:
    """Many targets, several reasons."""
    changes = [went_down(make_target(n)) for n in (2, 3)]
    entry = told([went_down(make_target(1), detail="host unreachable"), *changes])
    assert "are down: timed out (2), host unreachable, said 10.9.9.9 (1);" in entry.text


def test_up_says_how_long_it_was_down_and_the_round_trip() -> None:
    """The remedy worked: since when, and how fast it answers."""
    entry = told([came_up(make_target(1))])
    assert (entry.kind, entry.level) == (EventKind.TARGET_UP, Level.NOTICE)
    assert entry.text == ("shop/pod-1 (10.0.0.1) on node-b is up after 1m30s down, RTT 1.200 ms")
    assert entry.fields == {
        **WHO,
        "STATE": "up",
        "COUNT": "1",
        "OUTCOME": "replied",
        "RTT_USEC": "1200",
    }


def test_opened_says_how_many_pokes_it_took() -> None:
    """The tunnel was closed, and the pokes opened it."""
    entry = told([came_up(make_target(1), before=Health.OPENING, pokes=1)])
    assert (entry.kind, entry.level) == (EventKind.TARGET_OPENED, Level.INFO)
    assert entry.text == (
        "shop/pod-1 (10.0.0.1) on node-b is open: answered after 1 lost poke in 1.2s, RTT 1.200 ms"
    )
    many = told([came_up(make_target(n), before=Health.OPENING, pokes=n) for n in (1, 2)])
    assert many.text.startswith(
        "2 targets on node-b, for example shop/pod-1 (10.0.0.1), are open: "
    )
    assert "after 2 lost pokes" in many.text


def test_newcomer_that_answers_its_first_poke_is_not_told() -> None:
    """All is well, and nobody needs to read it."""
    narrator = Narrator()
    narrator.note(came_up(make_target(1), before=Health.OPENING, pokes=0), QUIET, hold_ns=HOLD)
    assert flush(narrator, at(1000), lambda _: QUIET) == []
    assert narrator.next_flush() is None


def test_change_is_told_at_once_if_nobody_else_is_about_to_change() -> None:
    """Holding back is for others that may join, and there are none."""
    narrator = Narrator()
    narrator.note(went_down(make_target(1)), QUIET, hold_ns=HOLD)
    assert len(flush(narrator, at(20), lambda _: Tally(targets=9, down=1))) == 1


def test_change_is_held_back_while_others_are_about_to_follow() -> None:
    """Until nobody is in doubt any more, and then it is one entry with all of them."""
    narrator = Narrator()
    narrator.note(went_down(make_target(1)), QUIET, hold_ns=HOLD)
    assert flush(narrator, at(20), lambda _: BUSY) == []
    assert narrator.next_flush() == at(25)
    narrator.note(went_down(make_target(2), end=21), QUIET, hold_ns=HOLD)
    assert narrator.next_flush() == at(25)
    (entry,) = flush(narrator, at(21), lambda _: Tally(targets=9, down=2))
    assert entry.fields["COUNT"] == "2"
    assert flush(narrator, at(22), lambda _: QUIET) == []


@pytest.mark.parametrize("transition", [went_down(make_target(1)), came_up(make_target(1))])
def test_change_is_told_when_its_hold_is_over(transition: Transition) -> None:
    """A node on which somebody always wavers does not keep its news for ever."""
    narrator = Narrator()
    narrator.note(transition, QUIET, hold_ns=HOLD)
    deadline = transition.at_ns / SECOND_NS - 1000 + 5
    assert flush(narrator, at(deadline - 0.001), lambda _: BUSY) == []
    assert len(flush(narrator, at(deadline), lambda _: BUSY)) == 1


def test_groups_are_one_for_each_node_and_direction() -> None:
    """What happens on two nodes, or in two directions, is not one event."""
    narrator = Narrator()
    for target in (make_target(1), make_target(2, node="node-c"), make_target(3, node=None)):
        narrator.note(went_down(target), QUIET, hold_ns=HOLD)
    narrator.note(came_up(make_target(4)), QUIET, hold_ns=HOLD)
    narrator.note(came_up(make_target(5), before=Health.OPENING), QUIET, hold_ns=HOLD)
    entries = flush(narrator, at(1000), lambda _: QUIET)
    assert [entry.fields["COUNT"] for entry in entries] == ["1"] * 5


def test_newcomers_that_never_answered_share_the_entry_of_the_others() -> None:
    """What is told is the same: the node's pods are down, whatever they were before."""
    newcomer = replace(went_down(make_target(1)), before=Health.OPENING)
    entry = told([newcomer, went_down(make_target(2))])
    assert (entry.kind, entry.fields["COUNT"]) == (EventKind.TARGET_DOWN, "2")


def test_group_waits_for_its_own_node_only() -> None:
    """Doubt on another node holds nothing back."""
    narrator = Narrator()
    for target in (make_target(1), make_target(2, node="node-c")):
        narrator.note(went_down(target), QUIET, hold_ns=HOLD)
    busy = NodeName("node-b")
    (entry,) = flush(narrator, at(20), lambda node: BUSY if node == busy else QUIET)
    assert entry.fields["NODE"] == "node-c"


def test_change_of_a_withdrawn_target_is_not_told() -> None:
    """A pod that fails because it is going away was never down, as far as the journal says."""
    narrator = Narrator()
    for number in (1, 2):
        narrator.note(went_down(make_target(number)), QUIET, hold_ns=HOLD)
    assert narrator.withdraw(make_target(1), record_of(make_target(1), Health.DOWN), at(21)) == []
    (entry,) = flush(narrator, at(30), lambda _: QUIET)
    assert entry.fields["POD"] == "pod-2"
    narrator.note(went_down(make_target(3)), QUIET, hold_ns=HOLD)
    assert narrator.withdraw(make_target(3), record_of(make_target(3), Health.DOWN), at(21)) == []
    assert narrator.next_flush() is None


def test_withdrawn_target_that_was_told_down_is_closed() -> None:
    """The journal's last word about a target that is gone is not that it is down."""
    narrator = Narrator()
    narrator.note(went_down(make_target(1)), QUIET, hold_ns=HOLD)
    flush(narrator, at(25), lambda _: QUIET)
    (entry,) = narrator.withdraw(make_target(1), record_of(make_target(1), Health.DOWN), at(65))
    assert (entry.kind, entry.level) == (EventKind.TARGET_WITHDRAWN, Level.INFO)
    assert entry.text == (
        "shop/pod-1 (10.0.0.1) on node-b is not poked any more; it was down for 45s"
    )
    assert entry.fields == WHO


@pytest.mark.parametrize("health", [Health.UP, Health.OPENING])
def test_withdrawn_target_that_was_not_down_is_no_news(health: Health) -> None:
    """Pods come and go."""
    target = make_target(1)
    assert Narrator().withdraw(target, record_of(target, health), at(65)) == []


@pytest.mark.parametrize(
    ("kind", "detail", "text", "outcome"),
    [
        (OutcomeKind.TIMED_OUT, "", "timed out", "timed out"),
        (
            OutcomeKind.SEND_FAILED,
            "ENETUNREACH",
            "this host could not send to it: ENETUNREACH",
            "ENETUNREACH",
        ),
        (
            OutcomeKind.REJECTED,
            "host prohibited",
            "host prohibited, said 10.9.9.9",
            "host prohibited",
        ),
    ],
)
def test_each_failure_has_its_line(kind: OutcomeKind, detail: str, text: str, outcome: str) -> None:
    """For ``log.failures = "each"``: who and what, and the same in fields."""
    entry = tell_failure(make_outcome(make_target(1), kind, detail=detail, reporter="10.9.9.9"))
    assert (entry.kind, entry.level) == (EventKind.POKE_FAILED, Level.INFO)
    assert entry.text == f"shop/pod-1 (10.0.0.1) on node-b: {text}"
    assert entry.fields == {**WHO, "OUTCOME": outcome}


def test_each_reply_has_its_line_for_debugging() -> None:
    """For ``log.level = "debug"``: with its round trip."""
    entry = tell_reply(make_outcome(make_target(1), OutcomeKind.REPLIED, lasted=0.0005))
    assert (entry.kind, entry.level) == (EventKind.POKE_ANSWERED, Level.DEBUG)
    assert entry.text == "shop/pod-1 (10.0.0.1) on node-b: replied, RTT 0.500 ms"
    assert entry.fields == {**WHO, "OUTCOME": "replied", "RTT_USEC": "500"}


@pytest.mark.parametrize("count", [1, 2, 30])
@pytest.mark.parametrize("node", ["node-b", None])
@pytest.mark.parametrize("counts", [QUIET, Tally(targets=1, down=1), Tally(targets=30, down=30)])
def test_texts_read_as_sentences(count: int, node: str | None, counts: Tally) -> None:
    """One line, no doubled or dangling punctuation, and the verb agrees with its subject."""
    targets = [make_target(n + 1, node=node) for n in range(count)]
    kinds = (
        [
            went_down(target, detail="host unreachable" if n % 2 else "")
            for n, target in enumerate(targets)
        ],
        [came_up(target) for target in targets],
        [came_up(target, before=Health.OPENING) for target in targets],
    )
    for transitions in kinds:
        entry = told(transitions, counts)
        assert not re.search(r"  | [,;.:]|[,;:]{2}|[,;: ]$|\n|None|[{}]", entry.text)
        assert (" is " in entry.text) == (count == 1) or counts.down
        assert f"{count} targets" in entry.text or count == 1
        assert entry.fields["COUNT"] == str(count)


def test_a_tunnel_s_failure_is_told_by_its_node() -> None:
    """With log.failures = "each", what is no pod has a layer, and no pod's name."""
    target = Target(
        id=TargetId("t"),
        name="tunl0",
        node=NodeName("node-b"),
        address="10.1.0.0",
        family=Family.V4,
        host="192.168.0.2",
        layer=Layer.TUNNEL,
    )
    fields = tell_failure(make_outcome(target)).fields
    assert {key: fields[key] for key in ("LAYER", "ADDRESS", "PEER", "NODE")} == {
        "LAYER": "tunnel",
        "ADDRESS": "10.1.0.0",
        "PEER": "192.168.0.2",
        "NODE": "node-b",
    }
    assert fields.keys().isdisjoint({"POD", "NAMESPACE", "POD_UID"})
