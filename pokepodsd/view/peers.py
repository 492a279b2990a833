"""The table of peers: those that are not well first.

Owns its columns, and which of them go where there is little room. Judges nothing: a verdict is
shown as the daemon says it, but that a node which is cut off has none on peers that fell silent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Final

from pokepodsd.core.document import Document, Loss, Peer, is_silent
from pokepodsd.core.escaping import escape
from pokepodsd.core.ordering import NaturalKey, natural_order
from pokepodsd.view import units
from pokepodsd.view.columns import Column, Line, fitting, table

_STYLES: Final = {
    "ok": "",
    "opening": "yellow",
    "tunnel broken": "bold red",
    "node unreachable": "bold red",
    "pod only": "yellow",
    "ICMP filtered on the underlay": "yellow",
}
_SHORT: Final = {"ICMP filtered on the underlay": "ICMP filtered"}
_UNJUDGED: Final = "not judged"


def peer_table(document: Document, *, width: int, zone: tzinfo | None) -> Iterator[Line]:
    """A line for the headings and one for each peer of the document."""
    peers = by_urgency(document["peers"])
    if not peers:
        return
    columns = _columns(document, peers, width, zone)
    yield from table(columns, width, [_STYLES[peer["verdict"]] for peer in peers])


def by_urgency(peers: Iterable[Peer]) -> list[Peer]:
    """Faults first, then what else is not well; each by name, node-2 before node-10."""
    return sorted(peers, key=_urgency)


def is_alarm(peer: Peer) -> bool:
    """Whether it is cut off, and nothing excuses it."""
    return peer["is_fault"] and not peer["excuse"]


def _urgency(peer: Peer) -> tuple[int, NaturalKey]:
    rank = 0 if is_alarm(peer) else 2 if peer["verdict"] == "ok" else 1
    return rank, natural_order(peer["node"] or peer["id"])


def _columns(
    document: Document, peers: Sequence[Peer], width: int, zone: tzinfo | None
) -> Sequence[Column]:
    now = document["at"]
    judged = [_is_judged(peer, document) for peer in peers]
    sinces = [
        peer["since"] if is_judged else document["verdict"]["since"] or now
        for peer, is_judged in zip(peers, judged, strict=True)
    ]
    spans = [units.between(since, now) for since in sinces]
    clocks = [
        f"{units.clock(since, now, zone)} ({said})"
        for since, said in zip(sinces, spans, strict=True)
    ]
    verdicts, short = (
        Column("VERDICT", [_verdict(*one, names) for one in zip(peers, judged, strict=True)])
        for names in ({}, _SHORT)
    )
    full = {
        "peer": _column("PEER", [peer["node"] or peer["id"] for peer in peers]),
        "address": _column("ADDRESS", [peer["address"] or "" for peer in peers]),
        "verdict": verdicts,
        "since": Column("SINCE", clocks),
        "rtt": _number("RTT", [_rtt(peer, "median_seconds") for peer in peers]),
        "worst": _number("WORST", [_rtt(peer, "worst_seconds") for peer in peers]),
        "loss": _number("LOSS 1m", [_loss(peer["loss"], "1m") for peer in peers]),
        "loss 5m": _number("5m", [_loss(peer["loss"], "5m") for peer in peers]),
        "loss 15m": _number("15m", [_loss(peer["loss"], "15m") for peer in peers]),
        "opened": _number("OPENED", [f"{peer['opened']}" for peer in peers]),
        "tunnel": _column("TUNNEL", [_tunnels(peer) for peer in peers]),
        "failure": _column("FAILURE", [_failures(peer) for peer in peers], is_flexible=True),
    }
    joined = _number("LOSS 1/5/15m", [units.losses(peer["loss"]) for peer in peers])
    reductions: list[dict[str, Column | None]] = [
        {"tunnel": None},
        {"address": None},
        {"since": Column("SINCE", spans)},
        {"failure": None},
        {"loss": joined, "loss 5m": None, "loss 15m": None},
        {"verdict": short},
        {"opened": None},
        {"worst": None},
        {"loss": None},
        {"rtt": None},
    ]
    return fitting(full, reductions, width)


def _column(heading: str, texts: Sequence[str], *, is_flexible: bool = False) -> Column:
    return Column(heading, [escape(text) for text in texts], is_flexible=is_flexible)


def _number(heading: str, texts: Sequence[str]) -> Column:
    return Column(heading, texts, is_number=True)


def _is_judged(peer: Peer, document: Document) -> bool:
    """Whether its verdict is one: a node that is cut off leaves its peers' as they were."""
    is_left = document["verdict"]["state"] == "cut-off" and peer["verdict"] == "ok"
    return not (is_left and is_silent(peer))


def _verdict(peer: Peer, is_judged: bool, names: Mapping[str, str]) -> str:
    name = names.get(peer["verdict"], peer["verdict"]) if is_judged else _UNJUDGED
    notes = {"held": peer["is_held"], "excused": bool(peer["excuse"])}
    return ", ".join((name, *(note for note, holds in notes.items() if holds)))


def _rtt(peer: Peer, which: str) -> str:
    rtt = peer["rtt"]
    if rtt is None:
        return units.NOTHING
    return units.milliseconds(
        rtt["median_seconds"] if which == "median_seconds" else rtt["worst_seconds"]
    )


def _loss(loss: Loss, minutes: str) -> str:
    shares = {"1m": loss["1m"], "5m": loss["5m"], "15m": loss["15m"]}
    said = units.percent(shares[minutes])
    return said if said == units.NOTHING else f"{said} %"


def _tunnels(peer: Peer) -> str:
    return ", ".join(dict.fromkeys(tunnel["device"] for tunnel in peer["tunnels"]))


def _failures(peer: Peer) -> str:
    failures = [
        f"{tunnel['device']}: {tunnel['failure']}"
        for tunnel in peer["tunnels"]
        if tunnel["failure"]
    ]
    if peer["underlay"] is not None and peer["underlay"]["failure"]:
        failures.append(f"{peer['address'] or 'the node'}: {peer['underlay']['failure']}")
    return "; ".join(failures)
