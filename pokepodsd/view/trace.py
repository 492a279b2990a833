"""A trace as a person or a program reads it.

Owns the lines that are shown as things happen, and the document that `-o json` prints (version 1,
`packaging/schema/trace-1.json`). Names from outside are escaped by whoever shows the lines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pokepodsd import __version__
from pokepodsd.core.kernel import ConntrackEntry, Counters, Findings, RouteAnswer
from pokepodsd.core.model import SECOND_NS, Layer, MonotonicNs, OutcomeKind, Target, WallNs
from pokepodsd.core.moment import Moment
from pokepodsd.core.peers import Peer
from pokepodsd.core.reported import Belief
from pokepodsd.core.tracenews import Conclusion
from pokepodsd.core.tracing import Begun, Result, Step, Subject
from pokepodsd.core.volley import Poke
from pokepodsd.core.words import milliseconds
from pokepodsd.view.units import span

VERSION = 1
GOOD, BAD, QUIET, HEADING = "green", "bold red", "dim", "bold"


@dataclass(frozen=True, slots=True)
class Line:
    """A label and a text, in a style of rich's."""

    label: str
    text: str
    style: str = ""


def subject_lines(subject: Subject) -> Iterator[Line]:
    """Who is traced, and who could not be asked."""
    yield Line("target", str(subject), HEADING)
    yield Line("known by", subject.source.value)
    for note in subject.notes:
        yield Line("note", note, QUIET)


def event_lines(event: Begun | Poke | Result) -> Iterator[Line]:
    """What just happened."""
    match event:
        case Begun():
            yield Line("", "")
            yield Line(event.step.layer.value, _what(event.step), HEADING)
            yield Line("route", _route(event.before.route, event.step.target.address))
            if event.step.is_tracked:
                yield Line("conntrack", f"{_conntrack(event.before, event.step)}, before")
        case Poke():
            yield Line(f"poke {event.number}", _poke(event), "" if event.is_answered else BAD)
        case Result():
            yield from _after(event)


def conclusion_lines(conclusion: Conclusion, belief: Belief | None, at: WallNs) -> Iterator[Line]:
    """What it shows, and what the daemon believes, as of this time."""
    verdict = conclusion.verdict
    style = GOOD if conclusion.is_good else BAD
    yield Line("", "")
    yield Line("verdict", verdict.value if verdict is not None else "none", style)
    yield Line("", conclusion.text)
    if conclusion.reason:
        yield Line("reason", conclusion.reason)
    if belief is not None:
        yield Line("pokepodsd", _believed(belief, at))
        if conclusion.hint:
            yield Line("hint", conclusion.hint)


def document(
    subject: Subject, results: Sequence[Result], conclusion: Conclusion, at: WallNs
) -> dict[str, Any]:
    """All of it, as `packaging/schema/trace-1.json` describes it."""
    seen, verdict, belief = conclusion.sights, conclusion.verdict, subject.belief
    return {
        "version": VERSION,
        "program": __version__,
        "at": Moment(now=MonotonicNs(0), wall_ns=at).text(0),
        "target": subject.text,
        "known_by": subject.source.name.lower(),
        "notes": list(subject.notes),
        "peer": _peer_document(subject.peer),
        "pod": _end_document(subject.end),
        "steps": [_step_document(one) for one in results],
        "layers": {
            "underlay": seen.underlay.value,
            "tunnel": seen.tunnel.value,
            "pod": seen.pods.value,
        },
        "answers": conclusion.is_good,
        "verdict": verdict.value if verdict is not None else None,
        "text": conclusion.text,
        "reason": conclusion.reason,
        "daemon": _belief_document(belief) if belief is not None else None,
        "hint": conclusion.hint,
    }


def _what(step: Step) -> str:
    target, tunnel = step.target, step.tunnel
    through = f" through {tunnel.device} ({tunnel.kind})" if tunnel is not None else ""
    instead = ", asked instead" if step.is_second else ""
    match target.layer:
        case Layer.UNDERLAY:
            # That of a next hop is behind itself; the target itself is behind nothing.
            whose = "the next hop" if target.host else "the target itself"
            whose = "the node's own address" if step.node is not None else whose
            return f"{target.address}, {whose}"
        case Layer.TUNNEL:
            blocks = ", ".join(tunnel.blocks) if tunnel is not None else ""
            return f"{target.address}{through}{instead}, leads to {blocks}"
        case Layer.POD:
            name = f", {target.namespace}/{target.name}" if target.name else ""
            return f"{target.address}{through}{name}{instead}"


def _route(route: RouteAnswer | None, address: str) -> str:
    if route is None:
        return "the kernel does not say"
    if route.device is None:
        return f"none to {address} ({route.error})"
    kind = f" ({route.kind})" if route.kind else ""
    gateway = f" via {route.gateway}" if route.gateway else ""
    return f"{route.device}{kind}{gateway}" + (f", from {route.source}" if route.source else "")


def _conntrack(findings: Findings, step: Step) -> str:
    entry = findings.conntrack
    if entry is None:
        return f"no entry of protocol 4 to {step.node} to be seen"
    flag = "UNREPLIED" if entry.is_unreplied else "replied"
    return f"protocol 4 to {step.node}: {flag}, {entry.seconds_left} s left"


def _poke(poke: Poke) -> str:
    outcome = poke.outcome
    match outcome.kind:
        case OutcomeKind.REPLIED:
            ttl = f", TTL {poke.ttl}" if poke.ttl is not None else ""
            return f"replied in {milliseconds(outcome.rtt_ns or 0)}{ttl}"
        case OutcomeKind.TIMED_OUT:
            return "timed out"
        case OutcomeKind.REJECTED:
            return f"{outcome.detail}, reported by {outcome.reporter}"
        case OutcomeKind.SEND_FAILED:
            return f"not sent: {outcome.detail}"


def _after(result: Result) -> Iterator[Line]:
    step = result.step
    if step.is_tracked:
        yield Line("conntrack", f"{_conntrack(result.after, step)}, after")
    before, after = result.before.counters, result.after.counters
    if before is not None and after is not None:
        sent, received = after.sent - before.sent, after.received - before.received
        text = (
            f"sent {sent} ({before.sent} to {after.sent}), "
            f"received {received} ({before.received} to {after.received}), of all peers"
        )
        yield Line(result.device, text)
    times = [poke.outcome.rtt_ns for poke in result.pokes if poke.outcome.rtt_ns is not None]
    text = f"{len(times)} of {len(result.pokes)} replied"
    if times:
        yield Line("answers", f"{text}, the quickest in {milliseconds(min(times))}", GOOD)
    else:
        yield Line("silent", text, BAD)


def _believed(belief: Belief, now: WallNs) -> str:
    if not belief.verdict:
        parts = ["knows no peer there"]
    else:
        parts = [f"believes: {belief.verdict}{_since(belief.since, now)}"]
    if belief.pod:
        parts.append(f"the pod: {belief.pod}{_since(belief.pod_since, now)}")
    return "; ".join([*parts, *([belief.node] if belief.node else [])])


def _since(since: str, now: WallNs) -> str:
    """In UTC, since it is for a ticket, too."""
    try:
        then = datetime.fromisoformat(since).astimezone(UTC)
    except ValueError:
        return ""
    lasted = span(max(0, int(now / SECOND_NS - then.timestamp())))
    return f", since {then:%Y-%m-%d %H:%M:%S} UTC ({lasted})"


def _peer_document(peer: Peer | None) -> dict[str, Any] | None:
    if peer is None:
        return None
    return {"id": peer.id, "node": peer.node, "address": peer.address}


def _end_document(end: Target | None) -> dict[str, Any] | None:
    if end is None:
        return None
    return {
        "namespace": end.namespace or None,
        "name": end.name or None,
        "node": end.node,
        "address": end.address,
    }


def _step_document(result: Result) -> dict[str, Any]:
    step, tunnel = result.step, result.step.tunnel
    return {
        "layer": step.layer.value,
        "address": step.target.address,
        "is_second": step.is_second,
        "tunnel": None
        if tunnel is None
        else {
            "device": tunnel.device,
            "kind": tunnel.kind,
            "gateway": tunnel.gateway,
            "blocks": list(tunnel.blocks),
        },
        "device": result.device or None,
        "before": _findings_document(result.before),
        "after": _findings_document(result.after),
        "pokes": [_poke_document(poke) for poke in result.pokes],
        "answers": result.is_answered,
    }


def _findings_document(findings: Findings) -> dict[str, Any]:
    return {
        "route": _route_document(findings.route),
        "counters": _counters_document(findings.counters),
        "conntrack": _conntrack_document(findings.conntrack),
    }


def _route_document(route: RouteAnswer | None) -> dict[str, Any] | None:
    if route is None:
        return None
    return {
        "device": route.device,
        "kind": route.kind or None,
        "gateway": route.gateway,
        "source": route.source,
        "error": route.error or None,
    }


def _counters_document(counters: Counters | None) -> dict[str, Any] | None:
    return None if counters is None else {"sent": counters.sent, "received": counters.received}


def _conntrack_document(entry: ConntrackEntry | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    return {"is_unreplied": entry.is_unreplied, "seconds_left": entry.seconds_left}


def _poke_document(poke: Poke) -> dict[str, Any]:
    outcome = poke.outcome
    return {
        "number": poke.number,
        "outcome": outcome.kind.value,
        "rtt_seconds": outcome.rtt_ns / SECOND_NS if outcome.rtt_ns is not None else None,
        "ttl": poke.ttl,
        "error": outcome.detail or None,
        "reporter": outcome.reporter or None,
    }


def _belief_document(belief: Belief) -> dict[str, Any]:
    return {
        "verdict": belief.verdict or None,
        "since": belief.since or None,
        "is_held": belief.is_held,
        "pod": belief.pod or None,
        "pod_since": belief.pod_since or None,
        "cut_off": belief.node or None,
    }
