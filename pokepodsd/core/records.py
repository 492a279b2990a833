"""What crosses the pipe from the reader to the daemon; `core.recordlines` writes and reads it.

What goes the other way is `core.errands`.
"""

from dataclasses import dataclass
from enum import Enum

from pokepodsd.core.model import NodeName, Pod, Scope, Uid
from pokepodsd.core.requests import Request, Result


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
