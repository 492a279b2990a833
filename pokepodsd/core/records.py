"""What crosses the pipe between the reader and the daemon, and how it is written there.

Owns the records and their line format: one JSON array a line, the record's name first. The daemon
takes nothing on trust that comes out of the pipe: a line that is not exactly one of these is an
error, and the reader that wrote it is replaced. What goes the other way is `core.errands`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import Enum
from typing import Any, Final

from pokepodsd.core.model import NodeName, Pod, Scope, Uid
from pokepodsd.core.requests import Request, Result
from pokepodsd.errors import GarbledError

# 250 pods, told at once, are about 75 kB. Where each has 15 texts of 253 bytes, of which each is
# escaped with six, they are 6 MB.
LONGEST_RECORD = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The reader turns; sent every few seconds.

    ``received`` counts the bytes of all answers to this reader, after decompression; ``heard_ns``
    is when the last of them came (monotonic, which all processes share), 0 for never.
    """

    received: int = 0
    heard_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to the API server was answered, or came to nothing."""

    request: Request
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """The node's own name, and where it was learnt."""

    node: NodeName
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListBegun:
    """A full list starts; a list that had begun before is void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsListed:
    """A part of the list."""

    pods: tuple[Pod, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEnded:
    """The list is complete: what is not in it does not exist any more, as far as may be seen."""

    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class PodChanged:
    """A pod was added, or is different now."""

    pod: Pod


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRemoved:
    """A pod is gone, or no longer matches what was asked for."""

    uid: Uid


@dataclass(frozen=True, slots=True, kw_only=True)
class PodIgnored:
    """A pod object that could not be read; the others are not affected."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """The API server answers, and changes will be told as they happen."""

    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The API server cannot be asked at the moment; what is known stays as it is."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The credentials may not read the cluster's pods; ``message`` is the server's own."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSeen:
    """What a lookup found of a Node: ``unschedulable`` is cordoned, ``created`` as in `Pod`."""

    node: NodeName
    unschedulable: bool
    ready: bool
    deleting: bool
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeGone:
    """There is no Node of this name."""

    node: NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesRefused:
    """The credentials may not read Nodes; said once, while lookups come to nothing for a time."""


class Fate(Enum):
    """What became of a report."""

    WRITTEN = "written"
    REFUSED = "refused"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEnded:
    """A report ("event" or "condition") is done with.

    ``text`` is the status of a condition that was written, or why it was not.
    """

    report: str
    fate: Fate
    text: str


Record = (
    Alive
    | Asked
    | Identified
    | ListBegun
    | PodsListed
    | ListEnded
    | PodChanged
    | PodRemoved
    | PodIgnored
    | Watching
    | Lost
    | Refused
    | NodeSeen
    | NodeGone
    | NodesRefused
    | ReportEnded
)

_Plain = Identified | ListBegun | PodRemoved | PodIgnored | Lost | Refused | NodeGone | NodesRefused
_PLAIN: Final[dict[str, type[_Plain]]] = {
    "identified": Identified,
    "list-begun": ListBegun,
    "pod-removed": PodRemoved,
    "pod-ignored": PodIgnored,
    "lost": Lost,
    "refused": Refused,
    "node-gone": NodeGone,
    "nodes-refused": NodesRefused,
}
_PLAIN_NAMES: Final = {kind: name for name, kind in _PLAIN.items()}
_POD_FIELDS: Final = tuple(field.name for field in fields(Pod))
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_NODE_FLAGS: Final = ("unschedulable", "ready", "deleting")


def encode(record: Record) -> bytes:
    """One line, with its newline."""
    match record:
        case PodsListed():
            body: list[Any] = ["pods-listed", [_pod_row(pod) for pod in record.pods]]
        case PodChanged():
            body = ["pod-changed", _pod_row(record.pod)]
        case ListEnded():
            body = ["list-ended", record.scope.value]
        case Watching():
            body = ["watching", record.scope.value]
        case NodeSeen():
            body = ["node-seen", asdict(record)]
        case Alive():
            body = ["alive", [record.received, record.heard_ns]]
        case Asked():
            body = ["asked", [record.request.value, record.result.value]]
        case ReportEnded():
            body = ["report-ended", {**asdict(record), "fate": record.fate.value}]
        case _:
            body = [_PLAIN_NAMES[type(record)], asdict(record)]
    return _ENCODER.encode(body).encode() + b"\n"


def decode(line: bytes) -> Record:
    """Read one line back.

    Raises:
        GarbledError: it is not exactly what `encode` writes.
    """
    try:
        name, body = _list(json.loads(line))
        if name in _SHAPED:
            return _SHAPED[name](body)
        return _PLAIN[name](**_texts(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise GarbledError(f"not a record: {error!r:.100}") from error


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    if not all(isinstance(value, str) for value in values.values()):
        raise TypeError("a field that is not text")
    return values


def _node_seen(values: dict[str, Any]) -> NodeSeen:
    flags = {name: values.pop(name) for name in _NODE_FLAGS}
    _check_flags(flags)
    return NodeSeen(**flags, **_texts(values))


def _alive(numbers: object) -> Alive:
    received, heard_ns = _list(numbers)
    for number in (received, heard_ns):
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise TypeError("a count that is none")
    return Alive(received=received, heard_ns=heard_ns)


def _asked(names: object) -> Asked:
    request, result = _list(names)
    return Asked(request=Request(request), result=Result(result))


def _report_ended(values: dict[str, Any]) -> ReportEnded:
    fate = Fate(values.pop("fate"))
    return ReportEnded(fate=fate, **_texts(values))


def _check_flags(flags: Mapping[str, Any]) -> None:
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise TypeError("a flag that is not true or false")


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list where one belongs")
    return value


def _pod_row(pod: Pod) -> list[Any]:
    return [getattr(pod, name) for name in _POD_FIELDS]


def _pod(row: list[Any]) -> Pod:
    values = dict(zip(_POD_FIELDS, _list(row), strict=True))
    addresses = _list(values.pop("addresses"))
    flags = {name: values.pop(name) for name in ("ready", "terminating", "host_network")}
    node = values.pop("node")
    texts = [*values.values(), *addresses, *([] if node is None else [node])]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a pod with a field that is not text")
    _check_flags(flags)
    return Pod(addresses=tuple(addresses), node=node, **flags, **values)


_SHAPED: Final[dict[str, Callable[[Any], Record]]] = {
    "alive": _alive,
    "asked": _asked,
    "list-ended": lambda scope: ListEnded(scope=Scope(scope)),
    "node-seen": _node_seen,
    "pod-changed": lambda row: PodChanged(pod=_pod(row)),
    "report-ended": _report_ended,
    "pods-listed": lambda rows: PodsListed(pods=tuple(_pod(row) for row in _list(rows))),
    "watching": lambda scope: Watching(scope=Scope(scope)),
}
