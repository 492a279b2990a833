"""A report to the request that writes it, and what the API server's answer means.

Owns how an Event and a Node's condition look in the API, with the sources of both. Decides nothing
of what is reported, nor of when it is tried again.

- An Event is about this node's Node object as the kubelet's own are: its uid is the node's name
  and its involvedObject has no namespace (``nodeRef`` of pkg/kubelet/kubelet.go), so that
  ``kubectl describe node`` shows both. It lies in the namespace "default", which is the one that an
  Event about an object without a namespace may lie in (pkg/apis/core/validation/events.go).
- A condition is merged into the others by its type (``patchMergeKey`` of NodeStatus, in
  api/core/v1/types.go). The kubelet keeps it: it sends the difference between the status that it
  read and the same with its own conditions set (tryUpdateNodeStatus, PatchNodeStatus).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from pokepodsd.core.errands import EventReport, Report, cut
from pokepodsd.core.model import SECOND_NS, NodeName, WallNs
from pokepodsd.core.records import Fate, ReportEnded

CONDITION = "PokePodsTunnelsReady"
EVENTS = "/api/v1/namespaces/default/events"
_COMPONENT = "pokepodsd"
# What is left of the 253 characters of an object's name beside a point and 64 bits in hex digits.
_LONGEST_NODE = 253 - 17
# Nothing about the report itself: credentials that are being renewed, a conflict, a Node that is
# not registered yet, load, trouble of the server.
_PASSING = frozenset({401, 404, 408, 409, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One request; ``path`` is below the server's URL, ``body`` is JSON."""

    method: str
    path: str
    content_type: str
    body: Mapping[str, Any]


def write_of(report: Report, node: NodeName, now: WallNs) -> Write:
    """The request that writes this report; ``now`` becomes the condition's heartbeat."""
    if isinstance(report, EventReport):
        return _creation(report, node) if report.is_new else _recount(report, node)
    condition = {
        "type": CONDITION,
        "status": report.status.value,
        "reason": report.reason,
        "message": report.text,
        "lastTransitionTime": _time(report.since_ns),
        "lastHeartbeatTime": _time(now),
    }
    return Write(
        method="PATCH",
        path=f"/api/v1/nodes/{quote(node, safe='')}/status",
        content_type="application/strategic-merge-patch+json",
        body={"status": {"conditions": [condition]}},
    )


def judge_write(
    report: Report, node: NodeName, method: str, status: int, body: bytes
) -> ReportEnded | Write | None:
    """What became of it, what to write instead, or None: try again later."""
    is_event = isinstance(report, EventReport)
    name = "event" if is_event else "condition"
    if status in {200, 201}:
        return ReportEnded(report=name, fate=Fate.WRITTEN, text=_status_text(report))
    if is_event and method == "POST" and status == 409:
        # It is there: the answer to an earlier attempt was lost.
        return ReportEnded(report=name, fate=Fate.WRITTEN, text="")
    if isinstance(report, EventReport) and method == "PATCH" and status == 404:
        # It expired, by default after an hour, or it was never written.
        return _creation(report, node)
    if status in _PASSING or status >= 500 or status < 400:
        return None
    return ReportEnded(report=name, fate=Fate.REFUSED, text=f"HTTP {status}: {_message(body)}")


def _creation(report: EventReport, node: NodeName) -> Write:
    body = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": _name(report, node), "namespace": "default"},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": node, "uid": node},
        "reason": report.reason,
        "message": report.text,
        "type": "Warning" if report.is_warning else "Normal",
        "count": report.count,
        "firstTimestamp": _time(report.first_ns),
        "lastTimestamp": _time(report.last_ns),
        "source": {"component": _COMPONENT, "host": node},
        "reportingComponent": _COMPONENT,
        "reportingInstance": node,
    }
    return Write(method="POST", path=EVENTS, content_type="application/json", body=body)


def _recount(report: EventReport, node: NodeName) -> Write:
    return Write(
        method="PATCH",
        path=f"{EVENTS}/{quote(_name(report, node), safe='')}",
        content_type="application/merge-patch+json",
        body={"count": report.count, "lastTimestamp": _time(report.last_ns)},
    )


def _name(report: EventReport, node: NodeName) -> str:
    """As client-go names an Event (tools/record/event.go): the object, and the time in hex."""
    return f"{node[:_LONGEST_NODE].rstrip('-.')}.{report.first_ns:x}"


def _time(at_ns: WallNs) -> str:
    """RFC 3339 to the second, as metav1.Time is."""
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _status_text(report: Report) -> str:
    return "" if isinstance(report, EventReport) else report.status.value


def _message(body: bytes) -> str:
    """What the server said, in one line."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    message = said.get("message") if isinstance(said, dict) else None
    return cut(" ".join(str(message or "no reason given").split()), 500)
