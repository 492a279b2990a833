"""The status documents of several nodes to one matrix.

Owns what of a status document (version 1, `pokepodsd status --all -o json`) the matrix is made of,
and what makes a document unusable. Reads nothing: the documents are handed in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from pokepodsd.core.document import is_silent
from pokepodsd.core.matching import Register
from pokepodsd.core.matrix import END_OF_TIME_SECONDS, Cell, Matrix, Node, Report, State
from pokepodsd.core.matrixrows import silent_row, told_row
from pokepodsd.core.verdict import Verdict
from pokepodsd.core.words import count
from pokepodsd.errors import SourceError

VERSION: Final = 1
_STALE_SECONDS: Final = 300
_VERDICTS: Final = {verdict.value: State(verdict.value) for verdict in Verdict}
_NO_DOCUMENT: Final = "no status of this node was given"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerStatus:
    """What a node says of one peer."""

    identity: str
    name: str | None
    address: str | None
    cell: Cell
    is_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStatus:
    """What is read of one status document."""

    name: str
    host: str
    addresses: tuple[str, ...]
    at_seconds: float
    is_cut_off: bool
    since_seconds: float | None
    peers: tuple[PeerStatus, ...]
    peers_total: int
    peers_well: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A source that could not be read: what its node is called as far as that is known, and why."""

    name: str
    why: str


def parse(document: Any, *, source: str) -> NodeStatus:
    """What a status document says; ``source`` is where it was read, for the error.

    Raises:
        SourceError: it is none, or of another version.
    """
    try:
        return _parsed(document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise SourceError(
            f"{source} holds no status of pokepodsd ({reason:.200}): give what `pokepodsd status "
            "--all -o json` of this version printed"
        ) from error


def status_matrix(
    statuses: Sequence[NodeStatus], unread: Sequence[Unread], *, now_seconds: float
) -> Matrix:
    """One matrix of all; of two documents of one node the newer one counts.

    ``now_seconds`` is the picture's time where no document was read.
    """
    newest = _newest(statuses)
    register = Register()
    pokers = {
        register.add(one.name, one.addresses, other_name=one.host): one for one in newest.values()
    }
    _meet(register, newest.values())
    missing = {register.meet(one.name, one.name, one.name): one.why for one in unread}
    at = max((one.at_seconds for one in pokers.values()), default=now_seconds)
    reporting = [number in pokers for number in range(len(register.nodes))]
    rows, nodes = [], []
    for number, known in enumerate(register.nodes):
        status = pokers.get(number)
        why = missing.get(number, _NO_DOCUMENT)
        row = silent_row(number, len(reporting), why)
        if status is not None:
            row = _row(register, number, status, reporting)
        rows.append(row)
        nodes.append(
            Node(
                name=known.name,
                addresses=tuple(known.addresses),
                report=_report(status),
                note=why if status is None else _staleness(status, at),
            )
        )
    return Matrix(
        at_seconds=at,
        source=f"the status of {count(len(pokers), 'node')}",
        nodes=tuple(nodes),
        rows=tuple(rows),
    )


def _newest(statuses: Iterable[NodeStatus]) -> dict[str, NodeStatus]:
    newest: dict[str, NodeStatus] = {}
    for one in statuses:
        if one.name not in newest or newest[one.name].at_seconds < one.at_seconds:
            newest[one.name] = one
    return newest


def _meet(register: Register, statuses: Iterable[NodeStatus]) -> None:
    """Make every peer known; those with names first, since they tell whose an address is."""
    peers = [peer for one in statuses for peer in one.peers]
    for peer in sorted(peers, key=lambda peer: (peer.name is None, peer.address is None)):
        register.meet(peer.name, peer.address, peer.identity)


def _row(
    register: Register, number: int, status: NodeStatus, reporting: Sequence[bool]
) -> tuple[Cell, ...]:
    told: dict[int, Cell] = {}
    for peer in status.peers:
        cell = peer.cell
        if status.is_cut_off and cell.state.is_failing:
            cell = replace(cell, state=State.CUT_OFF)
        elif status.is_cut_off and peer.is_silent:
            cell = replace(cell, state=State.CUT_OFF, since_seconds=status.since_seconds)
        told.setdefault(register.meet(peer.name, peer.address, peer.identity), cell)
    named_well = sum(peer.cell.state is State.OK for peer in status.peers)
    unnamed = max(0, status.peers_total - len(status.peers))
    well = min(unnamed, max(0, status.peers_well - named_well))
    return told_row(
        told,
        poker=number,
        reporting=reporting,
        well_unnamed=well,
        unwell_unnamed=unnamed - well,
    )


def _report(status: NodeStatus | None) -> Report:
    if status is None:
        return Report.MISSING
    return Report.CUT_OFF if status.is_cut_off else Report.REPORTING


def _staleness(status: NodeStatus, at_seconds: float) -> str:
    older = at_seconds - status.at_seconds
    if older <= _STALE_SECONDS:
        return ""
    return f"its status is {older / 60:.0f} minutes older than the newest"


def _parsed(document: Any) -> NodeStatus:
    version = document["version"]
    if version != VERSION:
        raise ValueError(f"version {version!r:.20}, not {VERSION}")
    node, verdict = document["node"], document["verdict"]
    host = _text(node["host"])
    peers = tuple(_peer(peer) for peer in document["peers"])
    return NodeStatus(
        name=_optional(node["name"]) or host,
        host=host,
        addresses=tuple(_text(address) for address in node["addresses"]),
        at_seconds=_seconds(document["at"]),
        is_cut_off=verdict["state"] == "cut-off",
        since_seconds=None if verdict["since"] is None else _seconds(verdict["since"]),
        peers=peers,
        peers_total=int(document["peers_total"]),
        peers_well=int(document["verdicts"].get(State.OK.value, 0)),
    )


def _peer(peer: Mapping[str, Any]) -> PeerStatus:
    rtt = peer["rtt"] or {"median_seconds": None, "worst_seconds": None}
    cell = Cell(
        state=_VERDICTS[_text(peer["verdict"])],
        since_seconds=_seconds(peer["since"]),
        rtt_seconds=_duration(rtt["median_seconds"]),
        worst_rtt_seconds=_duration(rtt["worst_seconds"]),
        text="; ".join(_failures(peer)),
    )
    return PeerStatus(
        identity=_text(peer["id"]),
        name=_optional(peer["node"]),
        address=_optional(peer["address"]),
        cell=cell,
        is_silent=is_silent(peer),
    )


def _failures(peer: Mapping[str, Any]) -> Iterator[str]:
    for tunnel in peer["tunnels"]:
        if tunnel["failure"]:
            yield f"{_text(tunnel['device'])}: {_text(tunnel['failure'])}"
    underlay = peer["underlay"]
    if underlay is not None and underlay["failure"]:
        yield f"its own address: {_text(underlay['failure'])}"
    if down := int(peer["pods"]["down"]):
        yield f"{down} {'pod does' if down == 1 else 'pods do'} not answer"
    if peer["is_held"]:
        yield "its pokes are held (pokepodsd need)"


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r:.40} where there must be a text")
    return value


def _optional(value: Any) -> str | None:
    return None if value is None or value == "" else _text(value)


def _seconds(value: Any) -> float:
    """Seconds since 1970 of an RFC 3339 text."""
    parsed = datetime.fromisoformat(_text(value))
    seconds = parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp()
    if not 0 <= seconds < END_OF_TIME_SECONDS:
        raise ValueError(f"{value:.40} where there must be a time")
    return seconds


def _duration(value: Any) -> float | None:
    if value is None:
        return None
    seconds = float(value)
    if not isfinite(seconds) or seconds < 0:
        raise ValueError(f"{seconds} where there must be a duration")
    return seconds
