"""Checks the words about peers: which node, which layer, since when, and what to do."""

import re
from dataclasses import replace

import pytest

from pokepodsd.core.decisions import CutOff, Decision
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.kernel import ConntrackEntry, Counters, Findings, RouteAnswer
from pokepodsd.core.model import SECOND_NS, Layer
from pokepodsd.core.peernews import (
    Opening,
    tell,
    tell_cut_off,
    tell_filtered,
    tell_openings,
    tell_withdrawals,
)
from pokepodsd.core.peers import Peer
from pokepodsd.core.sights import View
from pokepodsd.core.verdict import Sight, Verdict
from tests.core.assessed import make_view, numbered
from tests.core.builders import at, make_target
from tests.core.kernelfacts import make_link
from tests.core.peerfacts import make_peer, make_tunnel

PEER = numbered(3)
SILENT, UNKNOWN, ANSWERS = Sight.SILENT, Sight.UNKNOWN, Sight.ANSWERS
THROUGH = RouteAnswer(device="tunl0", kind="ipip")


def decided(
    verdict: Verdict,
    peer: Peer = PEER,
    *findings: Findings,
    before: Verdict = Verdict.OK,
    underlay: Sight = ANSWERS,
) -> Decision:
    tunnel = SILENT if verdict.is_fault else ANSWERS
    return Decision(
        peer=peer,
        verdict=verdict,
        before=before,
        view=make_view(peer, tunnel, underlay, since=10),
        since_ns=at(10),
        findings=findings,
    )


def told(*decisions: Decision) -> Entry:
    (entry,) = tell(decisions, at(16))
    return entry


def test_broken_tunnel_names_layer_peer_device_since_and_remedy() -> None:
    """All that an operator needs, in the text and in fields."""
    findings = (
        Findings(route=THROUGH, counters=Counters(sent=10, received=3)),
        Findings(
            route=THROUGH,
            counters=Counters(sent=15, received=3),
            conntrack=ConntrackEntry(is_unreplied=True, seconds_left=597),
        ),
    )
    entry = told(decided(Verdict.TUNNEL_BROKEN, PEER, *findings))
    assert (entry.kind, entry.level) == (EventKind.TUNNEL_BROKEN, Level.WARNING)
    assert entry.text == (
        "the tunnel to node-03 (10.9.1.3) is broken for 6s: 10.244.3.0 through tunl0 (ipip) does "
        "not answer (timed out), 10.9.1.3 itself does; meanwhile tunl0 sent 5 packets and received "
        "0, of all peers; its conntrack entry for protocol 4 is UNREPLIED, 597 s left; nothing "
        "comes back from "
        "10.9.1.3 for IP protocol 4: allow protocol 4, not 94, between the nodes in its security "
        "group or firewall (Azure drops it always: use VXLAN there)"
    )
    assert entry.fields == {
        "LAYER": "tunnel",
        "PEER": "10.9.1.3",
        "NODE": "node-03",
        "VERDICT": "tunnel broken",
        "COUNT": "1",
        "ADDRESS": "10.244.3.0",
        "DEVICE": "tunl0",
        "KIND": "ipip",
    }


def test_broken_vxlan_promises_no_repair() -> None:
    """Pokes detect it, and cannot open it."""
    tunnel = make_tunnel(None, "10.244.5.0/24", device="flannel.1", kind="vxlan")
    peer = make_peer("node-v", "10.9.0.5", tunnel)
    entry = told(decided(Verdict.TUNNEL_BROKEN, peer))
    assert "through flannel.1 (vxlan)" in entry.text
    assert "cannot open it" in entry.text
    assert "protocol 4" not in entry.text


@pytest.mark.parametrize("underlay", [SILENT, UNKNOWN])
def test_broken_tunnel_of_a_node_that_is_not_heard_does_not_say_it_answers(
    underlay: Sight,
) -> None:
    """Whether the node itself is up is not known."""
    entry = told(decided(Verdict.TUNNEL_BROKEN, underlay=underlay))
    assert "whether the node itself is up is not known" in entry.text
    assert "itself does" not in entry.text


def test_broken_peer_without_a_tunnel_is_told_by_a_pod() -> None:
    """Known by the API alone: the last pod that failed is the example."""
    view = replace(make_view(PEER, SILENT, since=10), record=None, example=make_target(7))
    bare = make_peer("node-b", "10.9.0.2")
    entry = told(replace(decided(Verdict.TUNNEL_BROKEN), peer=bare, view=view))
    assert (
        "node-b (10.9.0.2) is broken for 6s: its pods do not answer, 10.0.0.7 for one" in entry.text
    )
    assert (entry.fields["ADDRESS"], entry.fields["LAYER"]) == ("10.0.0.7", "tunnel")
    assert "DEVICE" not in entry.fields


def test_broken_peer_without_a_name_is_told_by_its_address() -> None:
    """No API: no NODE field, and nothing like None in the text."""
    nameless = make_peer(None, "10.9.1.3", *PEER.tunnels)
    entry = told(decided(Verdict.TUNNEL_BROKEN, nameless))
    assert entry.text.startswith("the tunnel to 10.9.1.3 is broken")
    assert entry.fields["PEER"] == "10.9.1.3"
    assert "NODE" not in entry.fields


def test_unreachable_node_is_told_as_the_underlay() -> None:
    """Neither layer answers: no tunnel is accused."""
    entry = told(decided(Verdict.NODE_UNREACHABLE, underlay=SILENT))
    assert (entry.kind, entry.level) == (EventKind.NODE_UNREACHABLE, Level.WARNING)
    assert entry.text.startswith("node-03 (10.9.1.3) is unreachable for 6s: neither its own")
    assert (entry.fields["LAYER"], entry.fields["NODE"]) == ("underlay", "node-03")


def test_excused_alarm_is_no_warning() -> None:
    """The API says that nothing else is to be expected of the node."""
    decision = replace(decided(Verdict.NODE_UNREACHABLE), excuse="it is being deleted")
    entry = told(decision)
    assert entry.level is Level.INFO
    assert entry.text.endswith(". No alarm: it is being deleted")


def test_return_says_how_long_it_was() -> None:
    """It is reachable again, and since when it was not."""
    for before in (Verdict.TUNNEL_BROKEN, Verdict.NODE_UNREACHABLE):
        entry = told(decided(Verdict.OK, before=before))
        assert (entry.kind, entry.level) == (EventKind.PEER_BACK, Level.NOTICE)
        assert entry.text == "node-03 (10.9.1.3) is reachable again after 6s"


def test_each_alarm_is_its_own_entry_and_what_is_none_is_one_for_all() -> None:
    """Broken ones are each to be looked at; those that answer pings again are one line."""
    peers = [numbered(number) for number in range(1, 7)]
    broken = [decided(Verdict.TUNNEL_BROKEN, peer) for peer in peers[:2]]
    answering = [decided(Verdict.OK, peer, before=Verdict.UNDERLAY_FILTERED) for peer in peers[2:]]
    entries = tell([*broken, *answering], at(16))
    assert [(entry.kind, entry.level) for entry in entries] == [
        (EventKind.TUNNEL_BROKEN, Level.WARNING),
        (EventKind.TUNNEL_BROKEN, Level.WARNING),
        (EventKind.PEER_BACK, Level.INFO),
    ]
    assert "now also answers pings" in entries[2].text


def test_filtered_nodes_are_one_entry_and_no_fault() -> None:
    """By the hundred they are one line, with some examples."""
    peers = [numbered(number) for number in range(1, 7)]
    entry = tell_filtered([decided(Verdict.UNDERLAY_FILTERED, peer) for peer in peers])
    assert (entry.kind, entry.level) == (EventKind.UNDERLAY_FILTERED, Level.INFO)
    assert (entry.fields["COUNT"], entry.fields["LAYER"]) == ("6", "underlay")
    assert "node-01 (10.9.1.1), node-02 (10.9.1.2), node-03 (10.9.1.3) (and 3 more peers)" in (
        entry.text
    )
    assert entry.text.endswith("ICMP is filtered on the underlay, which is no fault")


def cut_off(*views: View, is_over: bool = False, answering: int = 0) -> CutOff:
    failing = len(views)
    return CutOff(
        is_over=is_over,
        failing=failing,
        asked=failing + answering,
        since_ns=at(10),
        views=views,
    )


def views(underlay: Sight = SILENT, failure: str = "timed out") -> list[View]:
    return [make_view(numbered(one), SILENT, underlay, since=10, failure=failure) for one in (1, 2)]


def test_cut_off_says_it_is_not_the_peers() -> None:
    """How many of how many, for how long, and to look at this node."""
    entry = tell_cut_off(cut_off(*views(), answering=1), [], at(16))
    assert (entry.kind, entry.level) == (EventKind.NODE_CUT_OFF, Level.ERROR)
    assert entry.text == (
        "this node is cut off for 6s, it is not its peers: 2 of the 3 that were asked do not "
        "answer; check this node's uplink, its firewall and its security group"
    )
    assert entry.fields == {"VERDICT": "self", "LAYER": "underlay", "COUNT": "2"}


def test_cut_off_by_a_carrier_names_the_device() -> None:
    """Where the link says it itself."""
    entry = tell_cut_off(cut_off(*views()), [make_link(2, "eth0", "", carrier=False)], at(16))
    assert entry.text.endswith("; eth0 has no carrier: check this node's uplink")


def test_cut_off_by_this_hosts_own_firewall_says_so() -> None:
    """EPERM on all; a carrier or a tunnel is not accused then."""
    link = make_link(2, "eth0", "", carrier=False)
    entry = tell_cut_off(cut_off(*views(ANSWERS, "EPERM")), [link], at(16))
    assert entry.text.endswith("this host does not send (EPERM): check its firewall and its routes")
    mixed = [*views(ANSWERS, "EPERM"), *views(ANSWERS)]
    assert "does not send" not in tell_cut_off(cut_off(*mixed), [], at(16)).text


def test_cut_off_of_the_tunnels_alone_is_on_their_layer() -> None:
    """The nodes answer: it is the tunnel device, or what is filtered here."""
    entry = tell_cut_off(cut_off(*views(ANSWERS)), [], at(16))
    assert entry.fields["LAYER"] == Layer.TUNNEL.value
    assert "their nodes' own addresses answer: check this node's tunnel device" in entry.text


def test_end_of_a_cut_off_says_who_answers() -> None:
    """And how long it was."""
    news = cut_off(*views()[:1], is_over=True, answering=2)
    entry = tell_cut_off(news, [], at(70))
    assert (entry.kind, entry.level) == (EventKind.NODE_BACK, Level.NOTICE)
    assert entry.text == (
        "this node reaches its peers again after 1m: 2 of the 3 that were asked answer"
    )


def opening(number: int, *, pokes: int = 3, is_first: bool = True) -> Opening:
    return Opening(
        peer=numbered(number),
        device="tunl0",
        pokes=pokes,
        took_ns=pokes * SECOND_NS,
        is_first=is_first,
    )


def test_opening_says_what_it_took() -> None:
    """What this program did for the operator; the first time it is worth more notice."""
    entry = tell_openings([opening(3)])
    assert (entry.kind, entry.level) == (EventKind.TUNNEL_OPENED, Level.NOTICE)
    assert entry.text == (
        "the tunnel to node-03 (10.9.1.3) through tunl0 is open: answered after 3 lost pokes in 3s"
    )
    assert entry.fields["NODE"] == "node-03"
    assert tell_openings([opening(3, is_first=False)]).level is Level.INFO


def test_openings_together_are_one_entry() -> None:
    """With an example and the most that one took."""
    entry = tell_openings([opening(1, pokes=2, is_first=False), opening(2, pokes=4)])
    assert entry.level is Level.NOTICE
    assert entry.text.startswith("2 tunnels are open, for example to node-01 (10.9.1.1)")
    assert entry.text.endswith("after at most 4 lost pokes in 4s")
    assert (entry.fields["COUNT"], "NODE" in entry.fields) == ("2", False)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_withdrawal_counts_those_that_went_together(number: int) -> None:
    """One example, and how many more."""
    entry = tell_withdrawals([numbered(one) for one in range(number)])
    assert (entry.kind, entry.fields["COUNT"]) == (EventKind.PEER_WITHDRAWN, str(number))
    assert ("more peer" in entry.text) == (number > 1)
    assert not re.search(r"  |None|[{}]", entry.text)
