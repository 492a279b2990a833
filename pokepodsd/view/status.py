"""The status document as an operator reads it: the verdict, a few facts, peers, targets.

Owns the order, the sentences and what they leave out. Takes a width in cells; returns lines that
are not wider, and hold no character that a terminal would obey.
"""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from pokepodsd.core.document import Counts, Document, Peer, Rtt, Target
from pokepodsd.core.escaping import escape
from pokepodsd.view import units
from pokepodsd.view.columns import Line, paragraph
from pokepodsd.view.peers import by_urgency, is_alarm, peer_table
from pokepodsd.view.targets import target_name, target_table

_LABEL = 12
# Instead of a longer one a command has the address.
_LONGEST_NAME = 40
_TAGS: Final = {
    "ok": ("OK", "bold green"),
    "starting": ("STARTING", "bold yellow"),
    "fault": ("FAULT", "bold red"),
    "cut-off": ("CUT OFF", "bold red"),
}
# How the daemon speaks of itself: here it has a name.
_SELF = "this node "
# What the daemon says of the API server in its one line is too short for a page, or lacks an end.
_API: Final = {"watching": "watching the pods of all nodes"}
_API_ENDS: Final = {
    "own-pods": "; pokepodsd rbac prints what grants the others",
    "lost": "; what is known is poked on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How it is to look: ``width`` in cells, ``zone`` of the clock (None: the local one).

    ``is_narrowed``: only some peers or targets were asked for, so the others are not spoken of.
    ``is_folded``: pods that the verdict on their node explains have one line for all of them.
    """

    width: int
    zone: tzinfo | None = None
    is_narrowed: bool = False
    is_folded: bool = True


def render(document: Document, look: Look) -> list[Line]:
    """The lines."""
    lines = [*_verdict(document, look.width)]
    for label, text in _facts(document):
        for number, line in enumerate(paragraph(text, look.width - _LABEL)):
            lines.append(Line(line, label=f"{'' if number else label:{_LABEL}}"))
    lines += [Line(), *peer_table(document, width=look.width, zone=look.zone)]
    lines += _folded(_other_peers(document, look), look.width)
    behind = _behind(document) if look.is_folded and not look.is_narrowed else []
    nodes = {peer["node"] for peer in behind} - {None}
    shown = [one for one in document["targets"] if not (_is_quiet(one) and one["node"] in nodes)]
    targets = [*target_table(document, shown, width=look.width, zone=look.zone)]
    if not look.is_narrowed:
        targets += _folded(_other_targets(document, shown, behind), look.width)
    return [*lines, Line(), *targets] if targets else lines


def _verdict(document: Document, width: int) -> Iterator[Line]:
    verdict, node = document["verdict"], document["node"]
    tag, style = _TAGS[verdict["state"]]
    name, text = node["name"] or node["host"], verdict["text"]
    sentence = f"{name} {text.removeprefix(_SELF)}" if text.startswith(_SELF) else f"{name}: {text}"
    since = ""
    if verdict["since"] is not None:
        since = f", for {units.between(verdict['since'], document['at'])}"
    for line in paragraph(f"{tag}: {escape(sentence)}{since}", width, indent=2):
        yield Line(line, style)


def _folded(sentences: Iterator[str], width: int) -> list[Line]:
    return [Line(line) for sentence in sentences for line in paragraph(sentence, width)]


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    api = document["api"]
    heard = ""
    if api["heard"] is not None:
        heard = f"; last heard {units.between(api['heard'], document['at'])} ago"
    if command := _next(document):
        yield "Next", command
    said = _API.get(api["state"], api["text"])
    yield "API", f"{escape(said)}{heard}{_API_ENDS.get(api['state'], '')}"
    running = units.between(document["started"], document["at"])
    late = units.lateness(document["loop"]["lag_seconds"])
    program = escape(document["program"])
    yield "Daemon", f"pokepodsd {program} runs for {running}; its pokes are at most {late} late"
    yield "Pokes", "; ".join(_pokes(document))
    yield "Targets", "; ".join(_targets(document))
    if (rtt := document["rtt"]) is not None:
        loss = document["loss"]
        yield "Round trip", f"{_rtt(rtt)}; lost in 1/5/15 min: {units.losses(loss)}"


def _next(document: Document) -> str:
    """What to do about what is not well; "" where all is."""
    state, peers = document["verdict"]["state"], by_urgency(document["peers"])
    down = [one for one in document["targets"] if (one["layer"], one["state"]) == ("pod", "down")]
    if state == "cut-off" and peers:
        trace = _trace(_called(peers[0]), peers[0]["address"])
        return f"look at this node's own network and firewall; {trace}"
    if peers and is_alarm(peers[0]):
        return _trace(_called(peers[0]), peers[0]["address"])
    if state == "fault" and down:
        return _trace(target_name(down[0]), down[0]["address"])
    return ""


def _called(peer: Peer) -> str:
    return escape(peer["node"] or peer["address"] or peer["id"])


def _trace(name: str, address: str | None) -> str:
    """A command that can be pasted: it is not cut, wherever the line ends."""
    known = name if address is None or len(name) <= _LONGEST_NAME else escape(address)
    return f"pokepodsd trace {shlex.quote(known)} says why, and what to do"


def _pokes(document: Document) -> Iterator[str]:
    pokes = document["pokes"]
    yield f"{pokes['sent']:,} sent, {pokes['received']:,} answers"
    yield (
        f"a tunnel every {_seconds(pokes['tunnel_interval_seconds'])}, "
        f"a pod every {_seconds(pokes['interval_seconds'])}"
    )
    if document["held"]:
        yield f"those to {units.count(document['held'], 'peer')} are held (pokepodsd need)"
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
            opened = f" ({document['tunnels_opened']:,} opened)" if name == "tunnels" else ""
            yield f"{name} {_states(counts)}{opened}"
    if document["pods_known"] != sum((layers["pod"]["up"], _not_up(layers["pod"]))):
        yield f"{units.count(document['pods_known'], 'pod')} known"


def _not_up(counts: Counts) -> int:
    return counts["down"] + counts["opening"]


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
    for peer in document["peers"]:
        if peer["excuse"]:
            yield f"{_called(peer)} is excused: {escape(peer['excuse'])}."
    if (well := left.get("ok", 0)) > 0:
        rtt = f", RTT {_rtt(document['rtt'])}" if document["rtt"] is not None else ""
        more = "more " if document["peers"] else ""
        verb = "is" if well == 1 else "are"
        yield f"{units.count(well, f'{more}peer')} {verb} well{rtt}."


def _behind(document: Document) -> list[Peer]:
    """The peers whose verdict, or this node's, explains why their pods do not answer."""
    is_cut_off = document["verdict"]["state"] == "cut-off"
    return [one for one in document["peers"] if one["is_fault"] or is_cut_off]


def _is_quiet(target: Target) -> bool:
    return target["layer"] == "pod" and target["state"] != "up"


def _other_targets(
    document: Document, shown: Sequence[Target], behind: Sequence[Peer]
) -> Iterator[str]:
    """How many pods that are not up have no row; for some of them a verdict says why."""
    silent = [one for one in behind if one["node"] is not None and _not_up(one["pods"])]
    explained = sum(_not_up(one["pods"]) for one in silent)
    if explained:
        where = _called(silent[0]) if len(silent) == 1 else f"{len(silent):,} nodes"
        verb = "is" if explained == 1 else "are"
        yield (
            f"{units.count(explained, 'pod')} on {where} {verb} not up, which the verdict "
            "explains. See them with --all or --peer."
        )
    left = _not_up(document["targets_by_layer"]["pod"]) - sum(map(_is_quiet, shown)) - explained
    if left > 0:
        yield f"{units.count(left, 'more pod')} not up. See them with --all or --namespace."
