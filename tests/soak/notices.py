"""Journal entries to what they say: which alarm about what, or which end of one.

Owns the reading of the structured fields; the messages are for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pokepodsd.core.entries import EventKind


class Says(Enum):
    """What an entry is to whoever reads it."""

    ALARM = "alarm"
    CLEAR = "clear"
    TROUBLE = "trouble"
    NEWS = "news"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One entry: ``subject`` is as an `Outage` has it, or `pods/NODE` for several at once."""

    at_ns: int
    daemon: str
    kind: EventKind
    says: Says
    subject: str = ""
    node: str = ""
    text: str = ""


_PEERS: Final = {
    EventKind.TUNNEL_BROKEN: Says.ALARM,
    EventKind.NODE_UNREACHABLE: Says.ALARM,
    EventKind.PEER_BACK: Says.CLEAR,
}
_PODS: Final = {
    EventKind.TARGET_DOWN: Says.ALARM,
    EventKind.TARGET_UP: Says.CLEAR,
    EventKind.TARGET_WITHDRAWN: Says.NEWS,
}
_SELF: Final = {EventKind.NODE_CUT_OFF: Says.ALARM, EventKind.NODE_BACK: Says.CLEAR}
_API: Final = {EventKind.API_LOST: Says.ALARM, EventKind.API_BACK: Says.CLEAR}
# What a well cluster makes a daemon say.
NEWS: Final = frozenset(
    {
        EventKind.STARTED,
        EventKind.TUNNELS_FOUND,
        EventKind.TUNNEL_OPENED,
        EventKind.TARGET_OPENED,
        EventKind.SUMMARY,
    }
)


def read(daemon: str, at_ns: int, entry: Mapping[str, str]) -> Notice:
    """One entry as the journal was given it."""
    kind = EventKind(entry["MESSAGE_ID"])
    says, subject = _meaning(kind, entry)
    return Notice(
        at_ns=at_ns,
        daemon=daemon,
        kind=kind,
        says=says,
        subject=subject,
        node=entry.get("POKEPODSD_NODE", ""),
        text=entry.get("MESSAGE", ""),
    )


def _meaning(kind: EventKind, entry: Mapping[str, str]) -> tuple[Says, str]:
    node = entry.get("POKEPODSD_NODE", "")
    if kind is EventKind.PEER_BACK and "POKEPODSD_LAYER" not in entry:
        # That a node's own address answers, too: no outage ends.
        return Says.NEWS, ""
    if kind in _PEERS:
        return _PEERS[kind], f"peer/{node}"
    if kind in _PODS:
        address = entry.get("POKEPODSD_ADDRESS", "")
        return _PODS[kind], f"pod/{address}" if address else f"pods/{node}"
    if kind in _SELF:
        return _SELF[kind], "self"
    if kind in _API:
        return _API[kind], "api"
    return (Says.NEWS if kind in NEWS else Says.TROUBLE), ""
