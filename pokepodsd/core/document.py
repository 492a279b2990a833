"""The status document, version 1: what it consists of, and how it is put together.

Owns its types, of which `packaging/schema/status-1.json` is the published form. All times are of
the wall clock, in UTC; all durations are seconds. Knows neither who says it nor how it is shown.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict

from pokepodsd.core.shape import ShapeError, Time, check_of
from pokepodsd.errors import DocumentError

VERSION = 1

State = Literal["up", "down", "opening"]
PeerVerdict = Literal[
    "ok",
    "opening",
    "tunnel broken",
    "node unreachable",
    "pod only",
    "ICMP filtered on the underlay",
]

Loss = TypedDict("Loss", {"1m": float | None, "5m": float | None, "15m": float | None})
"""The share of pokes that were lost, 0 to 1; None where none has ended."""


class Rtt(TypedDict):
    """Round trips of at most the last 15 minutes."""

    median_seconds: float
    worst_seconds: float


class Counts(TypedDict):
    """How many targets are in each state."""

    up: int
    down: int
    opening: int


class NodeFacts(TypedDict):
    """This node; ``name`` is None while the credentials have not told it."""

    name: str | None
    host: str
    addresses: list[str]


class NodeVerdict(TypedDict):
    """The verdict on this node, with one sentence that says it."""

    state: Literal["ok", "starting", "fault", "cut-off"]
    since: Time | None
    text: str


class Layers(TypedDict):
    """The targets of each layer."""

    underlay: Counts
    tunnel: Counts
    pod: Counts


class Api(TypedDict):
    """What is believed of the API server; ``heard`` is its last word."""

    state: Literal["unasked", "watching", "own-pods", "lost"]
    text: str
    since: Time | None
    heard: Time | None


class Pokes(TypedDict):
    """All pokes since the start; ``max_rate`` is packets a second."""

    sent: int
    received: int
    interval_seconds: float
    tunnel_interval_seconds: float
    max_rate: int
    strays: dict[str, int]
    send_errors: dict[str, int]


class Loop(TypedDict):
    """The worst lateness of the loop in the last minute."""

    lag_seconds: float


class Header(TypedDict):
    """The document without its peers and targets."""

    version: Literal[1]
    program: str
    at: Time
    started: Time
    node: NodeFacts
    verdict: NodeVerdict
    peers_total: int
    verdicts: dict[str, int]
    rtt: Rtt | None
    loss: Loss
    tunnels_opened: int
    held: int
    targets_by_layer: Layers
    pods_known: int
    api: Api
    pokes: Pokes
    loop: Loop


class Tunnel(TypedDict):
    """One tunnel to a peer; ``address`` is what is poked through it."""

    device: str
    kind: str
    gateway: str | None
    blocks: list[str]
    address: str | None
    state: Literal["up", "down", "opening", "not poked"]
    failure: str


class Underlay(TypedDict):
    """The peer's own address."""

    state: State
    failure: str


class Peer(TypedDict):
    """Another node; ``since`` is when its verdict began, a fault with the first lost poke."""

    id: str
    node: str | None
    address: str | None
    verdict: PeerVerdict
    is_fault: bool
    excuse: str
    is_held: bool
    since: Time
    rtt: Rtt | None
    loss: Loss
    opened: int
    tunnels: list[Tunnel]
    underlay: Underlay | None
    pods: Counts


class Target(TypedDict):
    """One address that is poked; ``failures`` are those in a row."""

    layer: Literal["pod", "tunnel", "underlay"]
    state: State
    since: Time
    namespace: str
    name: str
    uid: str
    node: str | None
    address: str
    failure: str
    failures: int
    sent: int


class Document(Header):
    """The whole."""

    peers: list[Peer]
    targets: list[Target]


def is_silent(peer: Mapping[str, Any]) -> bool:
    """Whether nothing behind a peer of a document answers, whatever its verdict.

    While a node is cut off it blames no peer: the verdicts on those that just fell silent stay.
    """
    tunnels = {tunnel["state"] for tunnel in peer["tunnels"]} - {"not poked"}
    if tunnels:
        return "down" in tunnels and "up" not in tunnels
    return bool(peer["pods"]["down"]) and not peer["pods"]["up"]


def assemble(lines: Iterable[Mapping[str, Any]]) -> Document:
    """Put the lines of the daemon's answer together, and check what came of it.

    Raises:
        DocumentError: it is not of version 1, lines are missing, or something is not of its shape.
    """
    return checked(joined(lines))


def joined(lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The lines of the daemon's answer as one value, for who passes it on or looks at it himself.

    Raises:
        DocumentError: lines are missing, or are none of an answer.
    """
    header: Mapping[str, Any] | None = None
    end: object = None
    peers: list[Any] = []
    targets: list[Any] = []
    for line in lines:
        match line:
            case {"status": dict() as first} if header is None:
                header = first
            case {"peer": peer} if header is not None:
                peers.append(peer)
            case {"target": target} if header is not None:
                targets.append(target)
            case {"end": counts}:
                end = counts
            case _:
                raise _garbled("an unexpected line")
    if header is None or end != {"peers": len(peers), "targets": len(targets)}:
        raise _garbled("lines are missing")
    return {**header, "peers": peers, "targets": targets}


def checked(value: Mapping[str, Any]) -> Document:
    """The value itself, which is a status document.

    Raises:
        DocumentError: it is not of version 1, or something is not of its shape.
    """
    version = value.get("version")
    if version != VERSION:
        raise DocumentError(
            f"the running pokepodsd tells its status in version {version!r:.20}, and this one "
            f"reads version {VERSION}: systemctl restart pokepodsd runs the one that is installed"
        )
    try:
        check_of(Document)(value)
    except ShapeError as error:
        raise _garbled(str(error)) from error
    # The check has just shown it.
    document: Any = value
    return document  # type: ignore[no-any-return]


def _garbled(what: str) -> DocumentError:
    return DocumentError(f"the running pokepodsd does not tell its status as it should: {what}")
