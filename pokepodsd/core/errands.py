"""What the daemon has the reader do, and how it is written on the pipe.

Owns the errands (a lookup of a Node, and two kinds of reports) and their line format: one JSON
array a line, the errand's name first. The reader takes nothing on trust either: a line that is not
exactly one of these is nothing.
"""

import json
import re
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final, assert_never

from pokepodsd.core.model import NodeName, WallNs
from pokepodsd.errors import GarbledError

# What events.k8s.io/v1 allows a note (NoteLengthLimit of pkg/apis/core/validation/events.go).
LONGEST_TEXT = 1024
# A text whose every byte is escaped is six times as long, and the rest is some 300 bytes.
LONGEST_ERRAND = 8 * 1024
# A DNS subdomain of RFC 1123, which a Node's name is. It becomes a part of a URL: without a name
# that would be the URL of all Nodes.
_NODE_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
# A word in CamelCase, as api-conventions.md wants a reason; at most ReasonLengthLimit long.
_REASON: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,127}")
_MOST: Final = 2**63


class Status(Enum):
    """The status of a condition (core/v1, ConditionStatus)."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Read one Node object."""

    node: NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class EventReport:
    """Write an Event about this node; ``text`` is at most `LONGEST_TEXT` bytes.

    ``first_ns`` names the Event, and no two have the same. One that is not new has been written
    before, and only its ``count`` and ``last_ns`` are different now.
    """

    reason: str
    text: str
    is_warning: bool
    is_new: bool
    count: int
    first_ns: WallNs
    last_ns: WallNs


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionReport:
    """Write this node's condition; it has this status since ``since_ns``."""

    status: Status
    reason: str
    text: str
    since_ns: WallNs


Report = EventReport | ConditionReport
Errand = Lookup | Report


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text as UTF-8 that is at most so many bytes, with an ellipsis where it was cut."""
    data = text.encode(errors="replace")
    if len(data) <= longest:
        return data.decode()
    return data[: longest - 3].decode(errors="ignore") + "..."


def encode_errand(errand: Errand) -> bytes:
    """One line, with its newline."""
    match errand:
        case Lookup():
            body: list[Any] = ["look-up", errand.node]
        case EventReport():
            body = ["event", asdict(errand)]
        case ConditionReport():
            body = ["condition", {**asdict(errand), "status": errand.status.value}]
        case _:
            assert_never(errand)
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def decode_errand(line: bytes) -> Errand:
    """Read one line back.

    Raises:
        GarbledError: it is not exactly what `encode_errand` writes.
    """
    try:
        match json.loads(line):
            case ["look-up", body]:
                return Lookup(node=_node(body))
            case ["event", body]:
                return _event(**body)
            case ["condition", body]:
                return _condition(**body)
    except (ValueError, TypeError, RecursionError) as error:
        raise GarbledError(f"not an errand: {error!r:.100}") from error
    raise GarbledError(f"no errand: {line!r:.100}")


def _node(value: object) -> NodeName:
    if not (isinstance(value, str) and _NODE_NAME.fullmatch(value)):
        raise ValueError(f"not the name of a node: {value!r:.100}")
    return NodeName(value)


def _event(**values: Any) -> EventReport:
    event = EventReport(**values)
    _check_words(event)
    for flag in (event.is_warning, event.is_new):
        if not isinstance(flag, bool):
            raise TypeError("a flag that is not true or false")
    _check_number(event.count, least=1)
    for number in (event.first_ns, event.last_ns):
        _check_number(number)
    return event


def _condition(**values: Any) -> ConditionReport:
    condition = ConditionReport(**{**values, "status": Status(values.get("status"))})
    _check_words(condition)
    _check_number(condition.since_ns)
    return condition


def _check_words(report: Report) -> None:
    if not (isinstance(report.reason, str) and _REASON.fullmatch(report.reason)):
        raise ValueError("a reason that is not one word")
    if not isinstance(report.text, str) or len(report.text.encode()) > LONGEST_TEXT:
        raise ValueError("a text that is none, or too long")


def _check_number(value: object, *, least: int = 0) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < _MOST:
        raise ValueError("a number that is none, or out of range")
