"""What is believed of the API server, and what of it is worth a journal entry.

Owns that belief. A connection that comes back within `GRACE_NS` is not told; a refusal is told
once, with the missing right and the two ways to grant it.
"""

from enum import Enum
from typing import assert_never

from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.model import SECOND_NS, MonotonicNs, Scope
from pokepodsd.core.values import duration_text

GRACE_NS = 10 * SECOND_NS

_REFUSED = (
    "the API server refuses the pods of other nodes; only this node's own pods are learnt from "
    "it. Missing right: list and watch pods, for all namespaces. To grant it to every node: "
    "pokepodsd rbac --for nodes | kubectl apply -f -; to grant it to an identity of its own: "
    "pokepodsd rbac --for serviceaccount. It is noticed without a restart. The server said: "
)


class ApiState(Enum):
    """How it stands with the API server."""

    UNASKED = "unasked"
    WATCHING = "watching"
    OWN_PODS = "own-pods"
    LOST = "lost"


class ApiBelief:
    """Whether the API server answers, how much it lets us see, and since when."""

    def __init__(self, now: MonotonicNs) -> None:
        self._lost_since: MonotonicNs | None = now
        self._reason = ""
        self._is_told = False
        self._is_refused = False
        self._scope: Scope | None = None
        self._since_ns = now

    @property
    def has_listed(self) -> bool:
        """Whether a first list came to its end."""
        return self._scope is not None

    def watching(self, scope: Scope, now: MonotonicNs) -> list[Entry]:
        """It answers, and a watch is open."""
        entries = []
        if self._is_told and self._lost_since is not None:
            after = duration_text((now - self._lost_since) // SECOND_NS * SECOND_NS)
            text = f"the API server answers again after {after}"
            entries.append(Entry(kind=EventKind.API_BACK, level=Level.NOTICE, text=text))
        if self._is_refused and scope is Scope.CLUSTER:
            text = "the API server now lets this node see the pods of all nodes"
            entries.append(Entry(kind=EventKind.API_GRANTED, level=Level.NOTICE, text=text))
            self._is_refused = False
        if self._lost_since is not None or scope is not self._scope:
            self._since_ns = now
        self._lost_since = None
        self._is_told = False
        self._scope = scope
        return entries

    @property
    def state(self) -> ApiState:
        """How it stands with it."""
        if self._lost_since is not None:
            return ApiState.LOST if self._reason else ApiState.UNASKED
        return ApiState.OWN_PODS if self._scope is Scope.NODE else ApiState.WATCHING

    @property
    def since_ns(self) -> MonotonicNs:
        """Since when it stands so."""
        return self._since_ns

    @property
    def is_there(self) -> bool:
        """Whether it can be asked at the moment."""
        return self._lost_since is None

    def lost(self, reason: str, now: MonotonicNs) -> None:
        """It cannot be asked."""
        self._reason = reason
        if self._lost_since is None:
            self._lost_since = self._since_ns = now

    def refused(self, message: str) -> list[Entry]:
        """It answers, and refuses the cluster's pods."""
        if self._is_refused:
            return []
        self._is_refused = True
        return [Entry(kind=EventKind.API_REFUSED, level=Level.WARNING, text=_REFUSED + message)]

    def tick(self, now: MonotonicNs) -> list[Entry]:
        """Tell of a loss that lasts."""
        if self._is_told or self._lost_since is None or now - self._lost_since < GRACE_NS:
            return []
        self._is_told = True
        reason = self._reason or "no answer yet"
        text = (
            f"the API server cannot be asked: {reason}. The targets that are known stay, and are "
            "poked on"
        )
        return [Entry(kind=EventKind.API_LOST, level=Level.WARNING, text=text)]

    def next_due(self) -> MonotonicNs | None:
        """When `tick` has something to tell, at the earliest."""
        if self._is_told or self._lost_since is None:
            return None
        return MonotonicNs(self._lost_since + GRACE_NS)

    def __str__(self) -> str:
        match self.state:
            case ApiState.UNASKED:
                return "not answered yet"
            case ApiState.LOST:
                return f"lost ({self._reason})"
            case ApiState.OWN_PODS:
                return "this node's own pods only (cluster refused)"
            case ApiState.WATCHING:
                return "watching"
            case _:
                assert_never(self.state)
