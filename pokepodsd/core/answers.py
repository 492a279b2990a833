"""What the API server's bodies say: pages, watch events, and the Status of a refusal.

Owns their parsing, and the words in which a refusal is told to an operator. Holds no state: what
follows from an answer is `core.watch`'s to decide.
"""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from pokepodsd.errors import ApiError, GarbledError

Object = Mapping[str, Any]

_EVENT_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK"})
# A third of a pod's JSON is its managedFields, and more of its tokens. Go writes them as the last
# field of the metadata, before the spec. Neither text can be a part of what a user wrote: inside a
# JSON string a quote is escaped.
_MANAGED_FIELDS = b'"managedFields":['
_AFTER_MANAGED_FIELDS = b']},"spec":{'
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"
_LONGEST_MESSAGE = 300
_ADVICE = {
    400: "a setting such as kubernetes.label_selector may be wrong",
    401: "the credentials are not accepted",
    403: "the credentials may not read these pods",
    410: "the resource version has expired",
    429: "it has too much to do",
}


class WatchError(ApiError):
    """The server ended a watch with an ERROR event; ``code`` is its Status code."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(f"the watch ended: {explain(code, message)}")


def parse_page(body: bytes) -> tuple[tuple[Object, ...], str, str]:
    """A page of a PodList: its objects, the list's resourceVersion, the continue token or "".

    Raises:
        GarbledError: it is not a list of objects with a resourceVersion.
    """
    try:
        document = _parse(body)
        metadata = document["metadata"]
        kind, items = document["kind"], document["items"] or ()
        version, token = metadata["resourceVersion"], metadata.get("continue") or ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise GarbledError(f"the list is no PodList: {type(error).__name__}") from error
    if kind != "PodList":
        # Of a Table or of one object, an empty list of pods could be read as well.
        raise GarbledError(f"the list is a {kind!r:.40}, not a PodList")
    if not (isinstance(version, str) and version and isinstance(token, str)):
        raise GarbledError("the list has no resourceVersion")
    if not (isinstance(items, list | tuple) and all(isinstance(item, dict) for item in items)):
        raise GarbledError("the list holds an item that is no object")
    return tuple(items), version, token


def parse_event(line: bytes) -> tuple[str, Object]:
    """One line of a watch: its type and its object, whose resourceVersion is there.

    Raises:
        GarbledError: it is not a watch event.
        WatchError: it is one of type ERROR.
    """
    try:
        event = _parse(line)
        kind, obj = event["type"], event["object"]
        if kind == "ERROR":
            code, message = obj.get("code"), str(obj.get("message") or "no message")
        else:
            version = obj["metadata"]["resourceVersion"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = type(error).__name__
        raise GarbledError(f"the watch sent a line that is no event: {reason}") from error
    if kind == "ERROR":
        raise WatchError(code if isinstance(code, int) else 500, message[:_LONGEST_MESSAGE])
    is_known = isinstance(kind, str) and kind in _EVENT_TYPES
    if not is_known or not (isinstance(version, str) and version):
        raise GarbledError(f"the watch sent an event of an unknown kind: {kind!r:.40}")
    return kind, obj


def _parse(body: bytes) -> Any:
    """The document, without its managedFields where they stand as the API server writes them.

    Raises:
        ValueError, RecursionError: it is not JSON.
    """
    shorter = _without_managed_fields(body)
    if shorter is not body:
        # What another writer's order makes of it is no JSON, or lacks no field that is read.
        with contextlib.suppress(ValueError):
            return json.loads(shorter)
    return json.loads(body)


def _without_managed_fields(body: bytes) -> bytes:
    """The body with every array of managedFields empty: half the time and memory to parse.

    The body itself where there are none, or one does not end as expected.
    """
    kept: list[bytes] = []
    end = 0
    while (start := body.find(_MANAGED_FIELDS, end)) >= 0:
        start += len(_MANAGED_FIELDS)
        kept.append(body[end:start])
        end = body.find(_AFTER_MANAGED_FIELDS, start)
        if end < 0:
            return body
    kept.append(body[end:])
    return b"".join(kept) if len(kept) > 1 else body


def ends_initial_events(bookmark: Object) -> bool:
    """Whether this bookmark ends the initial events of a streaming list (KEP-3157)."""
    annotations = bookmark["metadata"].get("annotations")
    return isinstance(annotations, dict) and annotations.get(_INITIAL_EVENTS_END) == "true"


def message_of(body: bytes) -> str:
    """The message of a Status body; "" for anything else, such as a proxy's HTML."""
    try:
        message = json.loads(body)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
    return str(message)[:_LONGEST_MESSAGE]


def explain(status: int, message: str) -> str:
    """One clause for an operator: what was answered, what the server said, what it means."""
    if 300 <= status < 400:
        advice = "a proxy or load balancer stands where the kubeconfig's server should be"
    else:
        advice = _ADVICE.get(status, "")
    said = f": {message}" if message else ""
    return f"HTTP {status}{said}" + (f" ({advice})" if advice else "")
