"""Decisions about peers to journal entries.

Owns the words: which node, which layer, since when, and what to do.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from pokepodsd.core.decisions import CutOff, Decision
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.kernel import Link
from pokepodsd.core.model import Layer, MonotonicNs
from pokepodsd.core.peers import Peer
from pokepodsd.core.remedies import CHECK_NODE, not_sent, reason
from pokepodsd.core.sights import View
from pokepodsd.core.verdict import Sight, Verdict
from pokepodsd.core.words import count, span

# Examples in an entry about many peers.
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A tunnel that answered after it had been shut."""

    peer: Peer
    device: str
    pokes: int
    took_ns: int
    is_first: bool


def tell(decisions: Sequence[Decision], now: MonotonicNs) -> list[Entry]:
    """An entry for each; those that are no alarm, in one for all of a kind."""
    entries = []
    answering = [one for one in decisions if _is_unfiltered(one)]
    for decision in decisions:
        match decision.verdict:
            case Verdict.TUNNEL_BROKEN:
                entries.append(_broken(decision, now))
            case Verdict.NODE_UNREACHABLE:
                entries.append(_unreachable(decision, now))
            case _ if decision.before.is_fault:
                entries.append(_back(decision, now))
            case _:
                pass
    if answering:
        text = f"{_examples(answering)} now also answers pings to the node's own address"
        entries.append(_entry(EventKind.PEER_BACK, Level.INFO, text, answering))
    return entries


def tell_cut_off(news: CutOff, links: Sequence[Link], now: MonotonicNs) -> Entry:
    """This node is cut off, or it is no longer; ``links`` are those that have no carrier."""
    took = span(now - news.since_ns)
    fields = {"VERDICT": "self", "LAYER": _self_layer(news.views).value}
    if news.is_over:
        text = (
            f"this node reaches its peers again after {took}: {news.asked - news.failing} of the "
            f"{news.asked} that were asked answer"
        )
        return Entry(kind=EventKind.NODE_BACK, level=Level.NOTICE, text=text, fields=fields)
    text = (
        f"this node is cut off for {took}, it is not its peers: {news.failing} of the "
        f"{news.asked} that were asked do not answer; {_self_remedy(news.views, links)}"
    )
    fields["COUNT"] = str(news.failing)
    return Entry(kind=EventKind.NODE_CUT_OFF, level=Level.ERROR, text=text, fields=fields)


def tell_filtered(decisions: Sequence[Decision]) -> Entry:
    """Nodes whose own addresses do not answer pings, which is no fault."""
    text = (
        f"{_examples(decisions)} does not answer pings to the node's own address, while the tunnel "
        "to it passes: ICMP is filtered on the underlay, which is no fault"
    )
    entry = _entry(EventKind.UNDERLAY_FILTERED, Level.INFO, text, decisions)
    return _with(entry, {"LAYER": Layer.UNDERLAY.value})


def tell_openings(openings: Sequence[Opening]) -> Entry:
    """Tunnels that answered after having been shut: what this program did for the operator."""
    first = openings[0]
    level = Level.NOTICE if any(one.is_first for one in openings) else Level.INFO
    pokes, took_ns = max(one.pokes for one in openings), max(one.took_ns for one in openings)
    how = f"{count(pokes, 'lost poke')} in {span(took_ns)}"
    if len(openings) == 1:
        text = f"the tunnel to {first.peer} through {first.device} is open: answered after {how}"
    else:
        text = (
            f"{count(len(openings), 'tunnel')} are open, for example to {first.peer} through "
            f"{first.device}: answered after at most {how}"
        )
    fields = {"LAYER": Layer.TUNNEL.value, "COUNT": str(len(openings)), "DEVICE": first.device}
    if len(openings) == 1:
        fields |= _who(first.peer)
    return Entry(kind=EventKind.TUNNEL_OPENED, level=level, text=text, fields=fields)


def tell_withdrawals(peers: Sequence[Peer]) -> Entry:
    """Peers that are gone."""
    first = peers[0]
    if len(peers) == 1:
        text = f"{first} is gone, with its routes and its pods; it is not poked any more"
    else:
        text = (
            f"{first} and {count(len(peers) - 1, 'more peer')} are gone, with their routes and "
            "their pods; they are not poked any more"
        )
    fields = {**_who(first), "COUNT": str(len(peers))}
    return Entry(kind=EventKind.PEER_WITHDRAWN, level=Level.INFO, text=text, fields=fields)


def _is_unfiltered(decision: Decision) -> bool:
    return decision.before is Verdict.UNDERLAY_FILTERED and not decision.verdict.is_fault


def _broken(decision: Decision, now: MonotonicNs) -> Entry:
    peer, view = decision.peer, decision.view
    example = view.example
    tunnel = next((one for one in peer.tunnels if example and one.device == example.name), None)
    device = tunnel.device if tunnel is not None else ""
    kind = tunnel.kind if tunnel is not None else ""
    address = example.address if example is not None else ""
    failure = view.record.failure if view.record is not None else ""
    how = f" ({failure})" if failure else ""
    if device:
        silence = f"{address} through {device} ({kind}) does not answer{how}"
    else:
        silence = f"its pods do not answer, {address} for one"
    own = (
        f"{peer.address} itself does"
        if view.underlay is Sight.ANSWERS
        else ("whether the node itself is up is not known")
    )
    why = reason(kind, device, peer.address, address, decision.findings)
    text = (
        f"the tunnel to {peer} is broken for {span(now - decision.since_ns)}: {silence}, {own}; "
        f"{why}"
    )
    fields = {"LAYER": Layer.TUNNEL.value, "ADDRESS": address, "DEVICE": device, "KIND": kind}
    entry = _alarm(EventKind.TUNNEL_BROKEN, text, decision)
    return _with(entry, {name: value for name, value in fields.items() if value})


def _unreachable(decision: Decision, now: MonotonicNs) -> Entry:
    failures = {decision.view.underlay_failure}
    # What this host did not send, the node could not answer.
    remedy = not_sent(failures) if _are_errnos(failures) else CHECK_NODE
    text = (
        f"{decision.peer} is unreachable for {span(now - decision.since_ns)}: neither its own "
        f"address nor anything behind its tunnel answers; {remedy}"
    )
    entry = _alarm(EventKind.NODE_UNREACHABLE, text, decision)
    return _with(entry, {"LAYER": Layer.UNDERLAY.value})


def _back(decision: Decision, now: MonotonicNs) -> Entry:
    text = f"{decision.peer} is reachable again after {span(now - decision.since_ns)}"
    level = Level.INFO if decision.is_quiet else Level.NOTICE
    entry = _entry(EventKind.PEER_BACK, level, text, [decision])
    return _with(entry, {"LAYER": Layer.TUNNEL.value, "VERDICT": Verdict.OK.value})


def _examples(decisions: Sequence[Decision]) -> str:
    shown = ", ".join(str(one.peer) for one in decisions[:_EXAMPLES])
    left = len(decisions) - _EXAMPLES
    return shown if left <= 0 else f"{shown} (and {count(left, 'more peer')})"


def _are_errnos(failures: Set[str]) -> bool:
    """Whether this host sent nothing: names of errnos are all that is known."""
    return bool(failures) and all(name.startswith("E") for name in failures)


def _self_layer(views: Sequence[View]) -> Layer:
    answering = sum(view.underlay is Sight.ANSWERS for view in views)
    return Layer.TUNNEL if 2 * answering > len(views) else Layer.UNDERLAY


def _self_remedy(views: Sequence[View], links: Sequence[Link]) -> str:
    failures = {view.record.failure for view in views if view.record is not None}
    if _are_errnos(failures):
        return not_sent(failures)
    for what, found in (
        ("is set down", [link.name for link in links if not link.is_up]),
        ("has no carrier", [link.name for link in links if link.is_up]),
    ):
        if found:
            return f"{', '.join(found)} {what}: check this node's uplink"
    if _self_layer(views) is Layer.TUNNEL:
        return (
            "their nodes' own addresses answer: check this node's tunnel device, its firewall and "
            "its security group (IP protocol 4, or the tunnel's UDP port)"
        )
    return "check this node's uplink, its firewall and its security group"


def _who(peer: Peer) -> dict[str, str]:
    fields = {"PEER": peer.address or str(peer.id)}
    return {**fields, "NODE": peer.node} if peer.node is not None else fields


def _alarm(kind: EventKind, text: str, decision: Decision) -> Entry:
    """A warning, unless the API says that nothing else is to be expected of the node."""
    if decision.excuse:
        return _entry(kind, Level.INFO, f"{text}. No alarm: {decision.excuse}", [decision])
    return _entry(kind, Level.WARNING, text, [decision])


def _entry(kind: EventKind, level: Level, text: str, decisions: Sequence[Decision]) -> Entry:
    fields = {"VERDICT": decisions[0].verdict.value, "COUNT": str(len(decisions))}
    if len(decisions) == 1:
        fields |= _who(decisions[0].peer)
    return Entry(kind=kind, level=level, text=text, fields=fields)


def _with(entry: Entry, fields: dict[str, str]) -> Entry:
    return Entry(
        kind=entry.kind, level=entry.level, text=entry.text, fields={**entry.fields, **fields}
    )
