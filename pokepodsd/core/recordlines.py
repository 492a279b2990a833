"""A record to one line and back: a JSON array in ASCII, the record's name first.

The daemon takes nothing on trust that comes out of the pipe: a line that is not exactly what
`encode` writes is an error, and the reader that wrote it is replaced.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from pokepodsd.core.model import Pod, Scope
from pokepodsd.core.records import (
    Alive,
    Asked,
    Fate,
    Identified,
    ListBegun,
    ListEnded,
    Lost,
    NodeGone,
    NodeSeen,
    NodesRefused,
    PodChanged,
    PodIgnored,
    PodRemoved,
    PodsListed,
    Record,
    Refused,
    ReportEnded,
    Watching,
)
from pokepodsd.core.requests import Request, Result
from pokepodsd.errors import GarbledError

# 250 pods, told at once, are about 75 kB. Where each has 15 texts of 253 bytes, of which each is
# escaped with six, they are 6 MB.
LONGEST_RECORD = 8 * 1024 * 1024

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
            told = {"report": record.report, "text": _whole(record.text)}
            body = ["report-ended", {**told, "fate": record.fate.value}]
        case _:
            texts = {name: _whole(text) for name, text in asdict(record).items()}
            body = [_PLAIN_NAMES[type(record)], texts]
    return _ENCODER.encode(body).encode() + b"\n"


def decode(line: bytes) -> Record:
    """Read one line back.

    Raises:
        GarbledError: it is not exactly what `encode` writes.
    """
    try:
        name, body = _list(_parse(line))
        if name in _SHAPED:
            return _SHAPED[name](body)
        return _PLAIN[name](**_texts(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise GarbledError(f"not a record: {error!r:.100}") from error


def _whole(text: str) -> str:
    """What an API server said may hold half a pair, which is no character."""
    return text.encode(errors="backslashreplace").decode()


def _parse(line: bytes) -> object:
    # Of bytes that are no ASCII, `json` itself would make halves of pairs.
    body = json.loads(line.decode("ascii"))
    if b"\\ud" in line or b"\\uD" in line:
        # Half a pair cannot be written anywhere: this raises UnicodeEncodeError.
        json.dumps(body, ensure_ascii=False).encode()
    return body


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
