"""Checks what is poked on the way to a target, and the verdict that comes of the answers."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from pokepodsd.core.kernel import Findings, RouteAnswer
from pokepodsd.core.model import Family, Layer, OutcomeKind
from pokepodsd.core.peers import Peer
from pokepodsd.core.reported import Belief
from pokepodsd.core.tracenews import Conclusion, conclude
from pokepodsd.core.tracing import Result, Source, Step, Subject, end_of, next_step, underlay_of
from pokepodsd.core.verdict import Verdict
from pokepodsd.core.volley import Poke
from tests.core.builders import BOTH, make_outcome
from tests.core.peerfacts import ADDRESS_B, BLOCK_B, make_peer, make_tunnel, pod_on

TUNNEL = make_tunnel(ADDRESS_B, BLOCK_B)
POD, NEXT, LAST = (pod_on("node-b", number, f"10.244.2.{number}") for number in (7, 8, 9))
BARE = make_peer("node-b", ADDRESS_B)
WITH_TUNNEL = make_peer("node-b", ADDRESS_B, TUNNEL)
DEVICES = {Layer.UNDERLAY: "eth0", Layer.TUNNEL: "tunl0", Layer.POD: "tunl0"}


def subject_of(peer: Peer | None = WITH_TUNNEL, **parts: Any) -> Subject:
    return replace(Subject(text="t", source=Source.ROUTES, peer=peer), **parts)


def answer(step: Step, kind: OutcomeKind, detail: str = "", reporter: str = "") -> Result:
    """One poke that ended so."""
    outcome = make_outcome(step.target, kind, detail=detail, reporter=reporter)
    device = DEVICES[step.layer] if step.tunnel or step.layer is Layer.UNDERLAY else "eth0"
    route = RouteAnswer(device=device, kind="ipip" if device == "tunl0" else "", source="10.9.0.1")
    seen = Findings(route=route)
    poke = Poke(number=1, outcome=outcome)
    return Result(step=step, device=device, before=seen, after=seen, pokes=(poke,))


def trace(
    subject: Subject,
    answering: Collection[str],
    failure: tuple[OutcomeKind, str] = (OutcomeKind.TIMED_OUT, ""),
) -> tuple[list[str], Conclusion]:
    """The addresses that are poked where only these answer, and what is concluded."""
    results: list[Result] = []
    while (step := next_step(subject, results, BOTH)) is not None:
        assert step not in [one.step for one in results]
        replied = step.target.address in answering
        kind, detail = (OutcomeKind.REPLIED, "") if replied else failure
        results.append(answer(step, kind, detail))
    return [one.step.target.address for one in results], conclude(subject, results)


TUNNEL_ADDRESS = TUNNEL.addresses[0]
WELL = (ADDRESS_B, TUNNEL_ADDRESS)
CASES = {
    # What is asked, who answers, who is poked in which order, and the verdict.
    "a peer": (subject_of(), WELL, WELL, Verdict.OK),
    "a pod": (subject_of(end=POD), (*WELL, POD.address), (*WELL, POD.address), Verdict.OK),
    "a dead pod": (
        subject_of(end=POD, others=(NEXT,)),
        WELL,
        (*WELL, POD.address),
        Verdict.POD_ONLY,
    ),
    "a broken tunnel": (
        subject_of(end=POD, others=(NEXT, LAST)),
        (ADDRESS_B,),
        (*WELL, POD.address, NEXT.address, LAST.address),
        Verdict.TUNNEL_BROKEN,
    ),
    "a pod shows that the tunnel passes": (
        subject_of(others=(NEXT, LAST)),
        (ADDRESS_B, NEXT.address),
        (*WELL, NEXT.address),
        Verdict.OK,
    ),
    "a dead node": (subject_of(), (), WELL, Verdict.NODE_UNREACHABLE),
    "a filtered underlay": (subject_of(), (TUNNEL_ADDRESS,), WELL, Verdict.UNDERLAY_FILTERED),
    "pods without a tunnel": (
        subject_of(BARE, others=(NEXT, LAST)),
        (ADDRESS_B,),
        (ADDRESS_B, NEXT.address, LAST.address),
        Verdict.TUNNEL_BROKEN,
    ),
    "a single pod without a tunnel": (
        subject_of(BARE, others=(NEXT,)),
        (ADDRESS_B,),
        (ADDRESS_B, NEXT.address),
        None,
    ),
    "a pod beside one that answers": (
        subject_of(BARE, end=POD, others=(NEXT,)),
        (ADDRESS_B, NEXT.address),
        (ADDRESS_B, POD.address, NEXT.address),
        Verdict.POD_ONLY,
    ),
    "a node of which nothing else is known": (subject_of(BARE), (), (ADDRESS_B,), None),
    "an address on the link": (
        subject_of(None, end=end_of("10.9.0.77", Layer.UNDERLAY)),
        (),
        ("10.9.0.77",),
        None,
    ),
    "an address behind a next hop": (
        subject_of(None, end=end_of("10.5.0.1", Layer.POD), hop=underlay_of("10.9.0.254")),
        ("10.9.0.254",),
        ("10.9.0.254", "10.5.0.1"),
        None,
    ),
    "nothing behind a dead next hop": (
        subject_of(None, end=end_of("10.5.0.1", Layer.POD), hop=underlay_of("10.9.0.254")),
        (),
        ("10.9.0.254", "10.5.0.1"),
        Verdict.NODE_UNREACHABLE,
    ),
}


@pytest.mark.parametrize(
    ("subject", "answering", "poked", "verdict"), CASES.values(), ids=CASES.keys()
)
def test_the_way_and_its_verdict(
    subject: Subject, answering: tuple[str, ...], poked: tuple[str, ...], verdict: Verdict | None
) -> None:
    """The layers in their order; others instead only where it says more; one sentence."""
    asked, conclusion = trace(subject, answering)
    assert (tuple(asked), conclusion.verdict) == (poked, verdict)
    assert conclusion.text
    is_well = verdict in {Verdict.OK}
    assert (conclusion.is_good, conclusion.reason == "") == (is_well, is_well)


def test_another_address_of_the_tunnel_is_asked() -> None:
    """A block's first address need not be anybody's."""
    tunnel = replace(TUNNEL, addresses=("10.244.2.0", "10.244.2.1"))
    asked, conclusion = trace(
        subject_of(make_peer("node-b", ADDRESS_B, tunnel)), (ADDRESS_B, "10.244.2.1")
    )
    assert asked == [ADDRESS_B, "10.244.2.0", "10.244.2.1"]
    assert conclusion.is_good
    assert "10.244.2.0 does not answer" in conclusion.text


def test_of_several_devices_each_must_pass() -> None:
    """One that is silent breaks the peer, whatever the other does."""
    other = make_tunnel(ADDRESS_B, "10.245.2.0/26", device="tun-1")
    peer = make_peer("node-b", ADDRESS_B, TUNNEL, other)
    _, conclusion = trace(subject_of(peer), WELL)
    assert conclusion.verdict is Verdict.TUNNEL_BROKEN
    assert "through tun-1" in conclusion.text


def test_a_family_without_a_socket_is_not_asked() -> None:
    """IPv6 alone: nothing of an IPv4 peer can be poked."""
    assert next_step(subject_of(), [], frozenset({Family.V6})) is None


def test_a_host_that_does_not_send_blames_nobody() -> None:
    """The errno, and no verdict; where one layer alone is kept back, it is the same remedy."""
    _, conclusion = trace(subject_of(), (), failure=(OutcomeKind.SEND_FAILED, "EPERM"))
    assert (conclusion.verdict, conclusion.is_good) == (None, False)
    assert "this host does not send (EPERM)" in conclusion.reason
    _, conclusion = trace(subject_of(), (ADDRESS_B,), failure=(OutcomeKind.SEND_FAILED, "EPERM"))
    assert conclusion.verdict is Verdict.TUNNEL_BROKEN
    assert "this host does not send (EPERM)" in conclusion.reason
    assert "protocol 4" not in conclusion.reason


def test_of_a_pod_alone_that_was_not_asked_nothing_is_guessed() -> None:
    """The node answers, and what was to show the tunnel did not leave this host."""
    failure = (OutcomeKind.SEND_FAILED, "EPERM")
    _, conclusion = trace(subject_of(BARE, others=(NEXT,)), (ADDRESS_B,), failure=failure)
    assert conclusion.verdict is None
    assert "this host does not send (EPERM)" in conclusion.reason
    assert "this address alone" not in conclusion.reason


def test_an_address_without_a_route_is_told_as_that() -> None:
    """With what the kernel says of it."""
    end = end_of("10.5.0.1", Layer.POD)
    seen = Findings(route=RouteAnswer(device=None, error="ENETUNREACH"))
    kept = answer(Step(target=end, node=None), OutcomeKind.SEND_FAILED, "ENETUNREACH")
    conclusion = conclude(subject_of(None, end=end), [replace(kept, before=seen, after=seen)])
    assert conclusion.reason == "this host has no route to 10.5.0.1 (ENETUNREACH)"


@pytest.mark.parametrize(
    ("reporter", "words"),
    [
        ("10.9.0.254", "come as far as 10.9.0.254, which reports host unreachable"),
        ("10.9.0.1", "this host itself reports host unreachable: nobody answers on eth0"),
    ],
)
def test_an_icmp_error_tells_how_far_packets_come(reporter: str, words: str) -> None:
    """A router's, or this host's own: nobody answers for the next hop."""
    step = Step(target=underlay_of(ADDRESS_B), node=ADDRESS_B)
    result = answer(step, OutcomeKind.REJECTED, "host unreachable", reporter)
    assert words in conclude(subject_of(BARE), [result]).reason


HINTS = [
    # What the daemon believes, who answers, and a word of the hint.
    (Belief(verdict="ok"), WELL, ""),
    (Belief(verdict="tunnel broken"), (ADDRESS_B,), ""),
    (Belief(verdict="ok"), (ADDRESS_B,), "its first lost poke"),
    (Belief(verdict="tunnel broken"), WELL, "came back meanwhile"),
    (Belief(verdict="node unreachable"), (ADDRESS_B,), "what fails has changed"),
    (Belief(verdict="opening"), WELL, "no answer yet"),
    (Belief(verdict="ok", is_held=True), WELL, "are held"),
    (Belief(verdict="ok", node="cut off"), WELL, "within seconds"),
    (Belief(verdict="ok", node="cut off"), (), ""),
    (Belief(), (), ""),
    (Belief(verdict="a word of a later version"), (), ""),
]


@pytest.mark.parametrize(("belief", "answering", "words"), HINTS)
def test_where_the_daemon_differs_it_says_why(
    belief: Belief, answering: tuple[str, ...], words: str
) -> None:
    """A hint where the two differ, and none where they do not."""
    _, conclusion = trace(subject_of(belief=belief), answering)
    assert words in conclusion.hint
    assert bool(words) == bool(conclusion.hint)


def test_what_is_traced_has_a_name() -> None:
    """A peer, a pod, an address behind a peer, or an address alone."""
    bare = replace(POD, name="", namespace="")
    assert str(subject_of()) == str(WITH_TUNNEL)
    assert str(subject_of(end=POD)) == str(POD)
    assert str(subject_of(end=bare)) == f"10.244.2.7 behind {WITH_TUNNEL}"
    assert str(subject_of(None, end=bare)) == "10.244.2.7"


def test_a_poke_is_tracked_where_it_may_be_ip_in_ip() -> None:
    """Not through a tunnel of another protocol, nor without a node that is known."""
    step = Step(target=POD, tunnel=TUNNEL, node=ADDRESS_B)
    assert step.is_tracked
    assert not replace(step, tunnel=None).is_tracked
    assert not replace(step, node=None).is_tracked
    assert not replace(step, tunnel=replace(TUNNEL, kind="vxlan")).is_tracked
    assert replace(step, tunnel=replace(TUNNEL, kind="tun")).is_tracked
