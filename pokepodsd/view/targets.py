"""The table of targets, as a rule of those that are not up.

Owns its columns, and which of them go where there is little room.
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo
from typing import Final

from pokepodsd.core.document import Document, Target
from pokepodsd.core.escaping import escape
from pokepodsd.core.shape import Time
from pokepodsd.view import units
from pokepodsd.view.columns import Column, Line, fitting, table

_STYLES: Final = {"up": "", "opening": "yellow", "down": "bold red"}
_ORDER: Final = {"down": 0, "opening": 1, "up": 2}


def target_table(
    document: Document, shown: Sequence[Target], *, width: int, zone: tzinfo | None
) -> Iterator[Line]:
    """A line for the headings and one for each of these targets of the document."""
    targets = sorted(shown, key=_urgency)
    if not targets:
        return
    columns = _columns(targets, document["at"], width, zone)
    yield from table(columns, width, [_STYLES[target["state"]] for target in targets])


def target_name(target: Target) -> str:
    """A pod by its namespace and name; a tunnel by its device, a node by its own name."""
    match target["layer"]:
        case "pod":
            return escape(f"{target['namespace']}/{target['name']}")
        case "tunnel":
            return escape(target["name"])
        case "underlay":
            return escape(target["name"] or target["node"] or target["address"])


def _urgency(target: Target) -> tuple[int, str, str, str]:
    return _ORDER[target["state"]], target["namespace"], target["name"], target["address"]


def _columns(
    targets: Sequence[Target], now: Time, width: int, zone: tzinfo | None
) -> Sequence[Column]:
    spans = [units.between(target["since"], now) for target in targets]
    clocks = [
        f"{units.clock(target['since'], now, zone)} ({said})"
        for target, said in zip(targets, spans, strict=True)
    ]
    is_mixed = any(target["layer"] != "pod" for target in targets)
    full: dict[str, Column | None] = {
        "target": Column(
            "TARGET" if is_mixed else "POD", [target_name(target) for target in targets]
        ),
        "layer": Column("LAYER", [target["layer"] for target in targets]) if is_mixed else None,
        "node": Column("NODE", [escape(target["node"] or "") for target in targets]),
        "address": Column("ADDRESS", [escape(target["address"]) for target in targets]),
        "state": Column("STATE", [target["state"] for target in targets]),
        "since": Column("SINCE", clocks),
        "row": Column("IN A ROW", [f"{one['failures']}" for one in targets], is_number=True),
        "sent": Column("SENT", [f"{one['sent']}" for one in targets], is_number=True),
        "failure": Column("FAILURE", [escape(one["failure"]) for one in targets], is_flexible=True),
    }
    reductions: list[dict[str, Column | None]] = [
        {"sent": None},
        {"row": None},
        {"since": Column("SINCE", spans)},
        {"node": None},
        {"failure": None},
        {"layer": None},
        {"address": None},
    ]
    return fitting(full, reductions, width)
