"""Checks what is held back of the news about peers, and for how long."""

import pytest

from pokepodsd.core.assessment import Assessment
from pokepodsd.core.bulletin import Bulletin
from pokepodsd.core.decisions import Decision
from pokepodsd.core.entries import Entry, EventKind
from pokepodsd.core.kernel import LinkChanged, LinkRemoved
from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.peernews import Opening
from pokepodsd.core.verdict import Verdict
from tests.core.assessed import make_stage, make_view, numbered
from tests.core.builders import at
from tests.core.kernelfacts import make_link

NOTHING = Assessment(make_view, at(0))
FILTERED = Verdict.UNDERLAY_FILTERED
ROUND = 300 * SECOND_NS


def flush(bulletin: Bulletin, seconds: float, *, round_ns: int | None = ROUND) -> list[Entry]:
    return bulletin.flush(NOTHING, at(seconds), round_ns=round_ns)


def decide(bulletin: Bulletin, seconds: float, *decisions: Decision) -> list[Entry]:
    """What is told when these are decided."""
    assessment = Assessment(make_view, at(0))
    assessment.decisions += decisions
    return bulletin.flush(assessment, at(seconds), round_ns=ROUND)


def decision(number: int, verdict: Verdict, before: Verdict = Verdict.OK) -> Decision:
    peer = numbered(number)
    return Decision(
        peer=peer,
        verdict=verdict,
        before=before,
        view=make_view(peer, since=1),
        since_ns=at(1),
        findings=(),
    )


def open_one(bulletin: Bulletin, number: int, seconds: float, *, is_told: bool = False) -> None:
    opening = Opening(
        peer=numbered(number), device="tunl0", pokes=2, took_ns=SECOND_NS, is_first=True
    )
    bulletin.note_opening(opening, at(seconds), is_told=is_told)


def test_tunnels_that_open_together_are_one_entry() -> None:
    """Those of three seconds from the first on; a later one is the next entry."""
    bulletin = Bulletin()
    for number, seconds in ((1, 10), (2, 11), (3, 12.9)):
        open_one(bulletin, number, seconds)
    assert flush(bulletin, 12.9) == []
    assert bulletin.next_due() == at(13)
    (entry,) = flush(bulletin, 13)
    assert (entry.kind, entry.fields["COUNT"]) == (EventKind.TUNNEL_OPENED, "3")
    assert (flush(bulletin, 14), bulletin.next_due()) == ([], None)
    open_one(bulletin, 4, 15)
    (entry,) = flush(bulletin, 18)
    assert entry.fields["COUNT"] == "1"


def test_opening_that_a_return_tells_is_counted_and_not_told() -> None:
    """That the peer is back says it."""
    bulletin = Bulletin()
    open_one(bulletin, 1, 10, is_told=True)
    open_one(bulletin, 2, 10, is_told=True)
    assert (flush(bulletin, 60), bulletin.opened) == ([], 2)


def test_peer_that_is_gone_is_told_after_its_grace() -> None:
    """A route that is laid anew is gone for a moment."""
    bulletin = Bulletin()
    bulletin.note_gone(numbered(1), at(10))
    bulletin.note_gone(numbered(2), at(12))
    assert bulletin.next_due() == at(20)
    assert flush(bulletin, 19.9) == []
    (entry,) = flush(bulletin, 22)
    assert (entry.kind, entry.fields["COUNT"]) == (EventKind.PEER_WITHDRAWN, "2")
    assert (flush(bulletin, 60), bulletin.next_due()) == ([], None)


def test_peer_that_returns_in_time_was_never_gone() -> None:
    """And if it goes again, its grace begins again."""
    bulletin = Bulletin()
    bulletin.note_gone(numbered(1), at(10))
    bulletin.note_back(numbered(1).id)
    bulletin.note_back(numbered(2).id)
    assert (flush(bulletin, 60), bulletin.next_due()) == ([], None)
    bulletin.note_gone(numbered(1), at(60))
    assert bulletin.next_due() == at(70)


def test_what_is_held_back_is_told_at_the_stop() -> None:
    """Whatever its time."""
    bulletin = Bulletin()
    open_one(bulletin, 1, 10)
    bulletin.note_gone(numbered(2), at(10))
    decide(bulletin, 10, decision(3, FILTERED))
    entries = flush(bulletin, 10.1, round_ns=None)
    assert {entry.kind for entry in entries} == {
        EventKind.UNDERLAY_FILTERED,
        EventKind.TUNNEL_OPENED,
        EventKind.PEER_WITHDRAWN,
    }


def test_filtered_underlays_of_a_round_are_one_entry() -> None:
    """The nodes' own addresses are asked in the course of minutes."""
    bulletin = Bulletin()
    for number in range(5):
        assert decide(bulletin, 10 + 50 * number, decision(number, FILTERED)) == []
    assert flush(bulletin, 309) == []
    (entry,) = flush(bulletin, 310)
    assert (entry.kind, entry.fields["COUNT"]) == (EventKind.UNDERLAY_FILTERED, "5")
    assert flush(bulletin, 1_000) == []


def test_filtered_underlay_that_answers_before_it_was_told_is_no_news() -> None:
    """Neither that it was filtered nor that it answers; what was told is closed."""
    bulletin = Bulletin()
    decide(bulletin, 10, decision(1, FILTERED), decision(2, FILTERED))
    assert decide(bulletin, 20, decision(1, Verdict.OK, FILTERED)) == []
    (entry,) = flush(bulletin, 310)
    assert entry.fields["COUNT"] == "1"
    (entry,) = decide(bulletin, 400, decision(2, Verdict.OK, FILTERED))
    assert (entry.kind, entry.fields["PEER"]) == (EventKind.PEER_BACK, "10.9.1.2")


def test_one_that_is_well_again_leaves_the_next_one_filtered() -> None:
    """Both are decided at once."""
    bulletin = Bulletin()
    decide(bulletin, 10, decision(1, Verdict.OK, FILTERED), decision(2, FILTERED))
    (entry,) = [one for one in flush(bulletin, 400) if one.kind is EventKind.UNDERLAY_FILTERED]
    assert entry.fields["PEER"] == "10.9.1.2"


def test_filtered_underlay_that_breaks_or_goes_is_not_told_as_filtered() -> None:
    """The fault is told at once, and the peer that is gone is told as such."""
    bulletin = Bulletin()
    decide(bulletin, 10, decision(1, FILTERED), decision(2, FILTERED))
    (entry,) = decide(bulletin, 20, decision(1, Verdict.TUNNEL_BROKEN, FILTERED))
    assert entry.kind is EventKind.TUNNEL_BROKEN
    bulletin.note_gone(numbered(2), at(20))
    assert [entry.kind for entry in flush(bulletin, 400)] == [EventKind.PEER_WITHDRAWN]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_tunnels_found_are_told_once(number: int) -> None:
    """How many and through what; or that there are none, and what to do about it."""
    bulletin = Bulletin()
    peers = [numbered(one) for one in range(number)]
    (entry,) = bulletin.tunnels_found(peers)
    assert entry.kind is EventKind.TUNNELS_FOUND
    words = "behind tunl0 (ipip)" if number else "no tunnel to another node"
    assert words in entry.text
    assert ("tunnels.devices" in entry.text) == (number == 0)
    assert bulletin.tunnels_found(peers) == []


@pytest.mark.parametrize(
    ("name", "is_named"),
    [("lost", True), ("before", False), ("again", False), ("down", False), ("gone", False)],
)
def test_carrier_is_named_if_it_was_lost_just_now(name: str, is_named: bool) -> None:
    """Not one that was never there, that is back, or that is no more; one set down is called so."""
    bulletin = Bulletin()
    there, lost = make_link(2, "eth0", ""), make_link(2, "eth0", "", carrier=False)
    bulletin.take_link(LinkChanged(link=lost if name == "before" else there), at(0))
    bulletin.take_link(LinkChanged(link=lost), at(9))
    match name:
        case "again":
            bulletin.take_link(LinkChanged(link=there), at(9.5))
        case "down":
            down = make_link(2, "eth0", "", up=False, carrier=False)
            bulletin.take_link(LinkChanged(link=down), at(9.5))
        case "gone":
            bulletin.take_link(LinkRemoved(index=2), at(9.5))
    text = cut_off_text(bulletin, 16)
    assert ("eth0 has no carrier" in text) == is_named
    assert ("eth0 is set down: check this node's uplink" in text) == (name == "down")


def test_carrier_that_was_lost_long_ago_is_not_named() -> None:
    """It is not what cuts this node off now."""
    bulletin = Bulletin()
    bulletin.take_link(LinkChanged(link=make_link(2, "eth1", "")), at(0))
    bulletin.take_link(LinkChanged(link=make_link(2, "eth1", "", carrier=False)), at(1))
    assert "no carrier" not in cut_off_text(bulletin, 62)
    bulletin.take_link(LinkChanged(link=make_link(3, "eth0", "")), at(100))
    bulletin.take_link(LinkChanged(link=make_link(3, "eth0", "", carrier=False)), at(101))
    text = cut_off_text(bulletin, 102)
    assert "eth0 has no carrier" in text
    assert "eth1" not in text


def cut_off_text(bulletin: Bulletin, seconds: float) -> str:
    """What is said when all peers fail."""
    stage = make_stage(3)
    stage.fall(stage.peers)
    for _ in range(60):
        stage.assessment.tick(at(stage.now))
        stage.now += 0.1
        if stage.assessment.isolation.news:
            break
    entries = bulletin.flush(stage.assessment, at(seconds), round_ns=ROUND)
    assert bulletin.flush(stage.assessment, at(seconds), round_ns=ROUND) == []
    (entry,) = entries
    return entry.text


def test_a_link_that_comes_without_a_carrier_lost_none() -> None:
    """One that was there and is lost is noticed, also where it is the link that is set down."""
    bulletin = Bulletin()
    bulletin.take_link(LinkChanged(link=make_link(2, "eth0", "", carrier=False)), at(1))
    bulletin.take_link(LinkChanged(link=make_link(2, "eth0", "", carrier=False)), at(2))
    assert bulletin._carriers_lost == {}
    bulletin.take_link(LinkChanged(link=make_link(2, "eth0", "")), at(3))
    bulletin.take_link(LinkChanged(link=make_link(2, "eth0", "", up=False, carrier=False)), at(4))
    assert bulletin._carriers_lost == {2: at(4)}
