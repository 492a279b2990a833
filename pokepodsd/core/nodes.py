"""One Node object of the Kubernetes API to what an alarm about that node wants to know.

Owns the knowledge of where a Node object keeps what, of what an answer to the question for one
Node means, and of how long a refusal stands. Decides nothing about alarms.
"""

import json
from collections.abc import Mapping
from typing import Any

from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName
from pokepodsd.core.objects import UNREADABLE, is_ready, object_of, text_of, trouble
from pokepodsd.core.records import NodeGone, NodeSeen, NodesRefused
from pokepodsd.errors import GarbledError

# Long enough to cost the API server nothing, short enough for a right that is granted while
# somebody looks into an alarm.
REFUSAL_STANDS_NS = 600 * SECOND_NS


class Permit:
    """Whether Nodes may be asked for with one set of credentials."""

    def __init__(self) -> None:
        self._refused: MonotonicNs | None = None

    def is_given(self, now: MonotonicNs) -> bool:
        """Whether no refusal stands."""
        return self._refused is None or now - self._refused >= REFUSAL_STANDS_NS

    def refuse(self, now: MonotonicNs) -> None:
        """The API server refused a Node."""
        self._refused = now


def read_answer(node: NodeName, status: int, body: bytes) -> NodeSeen | NodeGone | NodesRefused:
    """What the answer to a GET of this Node says.

    Raises:
        GarbledError: it says nothing about this Node.
    """
    match status:
        case 200:
            seen = node_from_object(_parse(body))
            if seen.node != node:
                raise GarbledError(f"asked for the node {node}, and got {seen.node!r:.100}")
            return seen
        case 403:
            return NodesRefused()
        case 404 if _is_not_found(_parse(body), node):
            return NodeGone(node=node)
        case _:
            raise GarbledError(f"HTTP {status} says nothing about a node")


def node_from_object(obj: Mapping[str, Any]) -> NodeSeen:
    """Read a core/v1 Node as `json.loads` gives it.

    Raises:
        GarbledError: it has no name, or a part is not of its documented type.
    """
    try:
        metadata = object_of(obj["metadata"], "metadata")
        spec = object_of(obj.get("spec") or {}, "spec")
        status = object_of(obj.get("status") or {}, "status")
        return NodeSeen(
            node=NodeName(text_of(metadata["name"], "name")),
            unschedulable=spec.get("unschedulable") is True,
            ready=is_ready(status),
            deleting=metadata.get("deletionTimestamp") is not None,
            created=text_of(metadata.get("creationTimestamp") or "", "creationTimestamp"),
        )
    except UNREADABLE as error:
        raise GarbledError(f"a node object of an unknown shape: {trouble(error)}") from error


def _parse(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise GarbledError(f"no JSON where a node belongs: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise GarbledError("no object where a node belongs")
    return document


def _is_not_found(status: Mapping[str, Any], node: NodeName) -> bool:
    """Whether this is the API server's own word on this Node, and not a 404 of some proxy."""
    details = status.get("details")
    return (
        status.get("kind") == "Status"
        and status.get("reason") == "NotFound"
        and isinstance(details, dict)
        and (details.get("kind"), details.get("name")) == ("nodes", node)
    )
