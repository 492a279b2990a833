"""The status document as an operator reads it: the verdict, a few facts, peers, targets.

Owns the order, the sentences and what they leave out. Takes a width in cells; returns lines that
are not wider, and hold no character that a terminal would obey.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from rich.text import Text

from pokepodsd.core.document import Counts, Document, Rtt
from pokepodsd.core.escaping import escape
from pokepodsd.view import units
from pokepodsd.view.columns import paragraph
from pokepodsd.view.peers import peer_table
from pokepodsd.view.targets import target_table

_LABEL = 12
_TAGS: Final = {
    "ok": ("OK", "bold green"),
    "starting": ("STARTING", "bold yellow"),
    "fault": ("FAULT", "bold red"),
    "cut-off": ("CUT OFF", "bold red"),
}
# How the daemon speaks of itself: here it has a name.
_SELF = "this node "


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How it is to look: ``width`` in cells, ``zone`` of the clock (None: the local one).

    ``is_narrowed``: only some peers or targets were asked for, so the others are not spoken of.
    """

    width: int
    zone: tzinfo | None = None
    is_narrowed: bool = False


def render(document: Document, look: Look) -> list[Text]:
    """The lines."""
    lines = [*_verdict(document, look.width)]
    for label, text in _facts(document):
        for number, line in enumerate(paragraph(text, look.width - _LABEL)):
            lines.append(Text.assemble((f"{'' if number else label:{_LABEL}}", "bold"), line))
    lines += [Text(), *peer_table(document, width=look.width, zone=look.zone)]
    lines += _folded(_other_peers(document, look), look.width)
    if document["targets"]:
        lines += [Text(), *target_table(document, width=look.width, zone=look.zone)]
        lines += _folded(_other_targets(document, look), look.width)
    return lines


def _verdict(document: Document, width: int) -> Iterator[Text]:
    verdict, node = document["verdict"], document["node"]
    tag, style = _TAGS[verdict["state"]]
    name, text = node["name"] or node["host"], verdict["text"]
    sentence = f"{name} {text.removeprefix(_SELF)}" if text.startswith(_SELF) else f"{name}: {text}"
    since = ""
    if verdict["since"] is not None:
        since = f", for {units.between(verdict['since'], document['at'])}"
    for line in paragraph(f"{tag}: {escape(sentence)}{since}", width, indent=2):
        yield Text(line, style=style)


def _folded(sentences: Iterator[str], width: int) -> list[Text]:
    return [Text(line) for sentence in sentences for line in paragraph(sentence, width)]


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    api = document["api"]
    heard = ""
    if api["heard"] is not None:
        heard = f"; last heard {units.between(api['heard'], document['at'])} ago"
    yield "API", f"{escape(api['text'])}{heard}"
    yield "Pokes", "; ".join(_pokes(document))
    opened = f"{document['tunnels_opened']:,} opened"
    if document["held"]:
        opened += f"; pokes to {units.count(document['held'], 'peer')} are held (pokepodsd need)"
    running = units.between(document["started"], document["at"])
    yield "Tunnels", f"{opened}; pokepodsd {escape(document['program'])} runs for {running}"
    yield "Targets", "; ".join(_targets(document))
    if (rtt := document["rtt"]) is not None:
        loss = document["loss"]
        yield "Round trip", f"{_rtt(rtt)}; lost in 1/5/15 min: {units.losses(loss)}"


def _pokes(document: Document) -> Iterator[str]:
    pokes = document["pokes"]
    yield f"{pokes['sent']:,} sent, {pokes['received']:,} answers"
    yield (
        f"a tunnel every {_seconds(pokes['tunnel_interval_seconds'])}, "
        f"a pod every {_seconds(pokes['interval_seconds'])}"
    )
    yield f"late by at most {units.milliseconds(document['loop']['lag_seconds'])}"
    if pokes["send_errors"]:
        yield f"not sent: {_tally(pokes['send_errors'])}"
    if pokes["strays"]:
        yield f"answers that did not count: {_tally(pokes['strays'])}"


def _seconds(seconds: float) -> str:
    """A setting, or what it was stretched to."""
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{escape(name)} {number:,}" for name, number in counts.items())


def _targets(document: Document) -> Iterator[str]:
    layers = document["targets_by_layer"]
    by_name = {"tunnels": layers["tunnel"], "nodes": layers["underlay"], "pods": layers["pod"]}
    for name, counts in by_name.items():
        if any((counts["up"], counts["down"], counts["opening"])):
            yield f"{name} {_states(counts)}"
    yield f"{units.count(document['pods_known'], 'pod')} known"


def _states(counts: Counts) -> str:
    states = {"up": counts["up"], "down": counts["down"], "opening": counts["opening"]}
    return ", ".join(f"{number:,} {state}" for state, number in states.items() if number)


def _rtt(rtt: Rtt) -> str:
    median, worst = rtt["median_seconds"], rtt["worst_seconds"]
    return f"median {units.milliseconds(median)}, worst {units.milliseconds(worst)}"


def _other_peers(document: Document, look: Look) -> Iterator[str]:
    """What is to be said of the peers that have no row."""
    if look.is_narrowed:
        return
    if not document["peers_total"]:
        yield (
            "No peers: no route of the kernel leads through a tunnel to another node, and no pods "
            "on other nodes are known (tunnels.devices names what is missed)."
        )
    shown: dict[str, int] = {}
    for peer in document["peers"]:
        shown[peer["verdict"]] = shown.get(peer["verdict"], 0) + 1
    left = {name: n - shown.get(name, 0) for name, n in document["verdicts"].items()}
    unwell = ", ".join(f"{n:,} {name}" for name, n in left.items() if n > 0 and name != "ok")
    if unwell:
        yield f"And, not shown: {unwell}. See them with --all or --peer."
    if (well := left.get("ok", 0)) > 0:
        rtt = f", RTT {_rtt(document['rtt'])}" if document["rtt"] is not None else ""
        more = "more " if document["peers"] else ""
        verb = "is" if well == 1 else "are"
        yield f"{units.count(well, f'{more}peer')} {verb} well{rtt}."


def _other_targets(document: Document, look: Look) -> Iterator[str]:
    """How many pods that are not up have no row."""
    pods = document["targets_by_layer"]["pod"]
    shown = sum(one["layer"] == "pod" and one["state"] != "up" for one in document["targets"])
    left = pods["down"] + pods["opening"] - shown
    if left > 0 and not look.is_narrowed:
        yield f"{units.count(left, 'more pod')} not up. See them with --all or --namespace."
