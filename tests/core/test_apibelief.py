"""Checks what is believed of the API server, and what of it is told."""

import pytest

from pokepodsd.core.apibelief import GRACE_NS, ApiBelief
from pokepodsd.core.entries import EventKind, Level
from pokepodsd.core.model import MonotonicNs, Scope
from tests.core.builders import T0, at

GRACE = GRACE_NS / 1e9


def watching(scope: Scope = Scope.CLUSTER) -> ApiBelief:
    belief = ApiBelief(T0)
    belief.watching(scope, T0)
    return belief


def test_loss_within_the_grace_is_not_told() -> None:
    """A connection that comes back soon leaves no trace in the journal."""
    belief = watching()
    belief.lost("timed out", at(1))
    assert belief.tick(at(1 + GRACE - 0.001)) == []
    assert belief.watching(Scope.CLUSTER, at(1 + GRACE)) == []


def test_lasting_loss_is_told_once_and_so_is_its_end() -> None:
    """One entry for the loss, with its reason, and one for the return, with how long it took."""
    belief = watching()
    belief.lost("timed out", at(1))
    belief.lost("refused", at(5))
    (lost,) = belief.tick(at(1 + GRACE))
    assert (lost.kind, lost.level) == (EventKind.API_LOST, Level.WARNING)
    assert lost.text.startswith("the API server cannot be asked: refused. The targets")
    belief.lost("again", at(60))
    assert belief.tick(at(99)) == []
    (back,) = belief.watching(Scope.CLUSTER, at(126.7))
    assert (back.kind, back.level) == (EventKind.API_BACK, Level.NOTICE)
    assert back.text == "the API server answers again after 2m5s"
    assert belief.watching(Scope.CLUSTER, at(200)) == []
    belief.lost("once more", at(300))
    assert [entry.kind for entry in belief.tick(at(300 + GRACE))] == [EventKind.API_LOST]


def test_silence_since_the_start_is_told() -> None:
    """An API server that never answered is a loss too, from the start on."""
    belief = ApiBelief(T0)
    assert belief.next_due() == at(GRACE)
    (lost,) = belief.tick(at(GRACE))
    assert "no answer yet" in lost.text


def test_each_loss_has_its_own_grace() -> None:
    """The grace counts from the last answer, not from an earlier loss."""
    belief = watching()
    belief.lost("a", at(1))
    belief.watching(Scope.CLUSTER, at(2))
    belief.lost("b", at(100))
    assert belief.tick(at(100 + GRACE - 0.001)) == []
    assert len(belief.tick(at(100 + GRACE))) == 1


def test_next_due_is_when_tick_tells() -> None:
    """The loop is woken for the entry, and for nothing once it was told."""
    belief = watching()
    assert belief.next_due() is None
    belief.lost("a", at(1))
    due = belief.next_due()
    assert due is not None
    assert belief.tick(MonotonicNs(due - 1)) == []
    assert len(belief.tick(due)) == 1
    assert belief.next_due() is None


def test_refusal_is_told_once_with_the_right_and_the_remedies() -> None:
    """The warning names the missing right and both ways to grant it; it is not repeated."""
    belief = ApiBelief(T0)
    (refused,) = belief.refused("can only list own pods")
    assert (refused.kind, refused.level) == (EventKind.API_REFUSED, Level.WARNING)
    for part in (
        "list and watch pods",
        "rbac --for nodes",
        "rbac --for serviceaccount",
        "can only list own pods",
    ):
        assert part in refused.text
    assert belief.watching(Scope.NODE, at(1)) == []
    assert belief.refused("can only list own pods") == []


def test_grant_is_told_once_and_a_later_refusal_again() -> None:
    """A right that comes, goes, and comes again is three entries."""
    belief = ApiBelief(T0)
    belief.refused("no")
    belief.watching(Scope.NODE, at(1))
    (granted,) = belief.watching(Scope.CLUSTER, at(20))
    assert (granted.kind, granted.level) == (EventKind.API_GRANTED, Level.NOTICE)
    assert belief.watching(Scope.CLUSTER, at(30)) == []
    assert len(belief.refused("no")) == 1


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        (Scope.CLUSTER, "watching"),
        (Scope.NODE, "this node's own pods only (cluster refused)"),
    ],
)
def test_status_says_how_much_is_seen(scope: Scope, shown: str) -> None:
    """The status line tells a full view from a narrow one."""
    assert str(watching(scope)) == shown


def test_status_of_a_lost_server() -> None:
    """Not answered yet, lost with its reason, and watching again."""
    belief = ApiBelief(T0)
    assert str(belief) == "not answered yet"
    belief.lost("HTTP 503", at(1))
    assert str(belief) == "lost (HTTP 503)"
    belief.watching(Scope.CLUSTER, at(2))
    assert str(belief) == "watching"
