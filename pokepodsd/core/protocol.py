"""The vocabulary of list-then-watch: what `core.watch` asks for, and what it makes of the answers.

Owns these types and the protocol's timings; decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pokepodsd.core.answers import Object
from pokepodsd.core.model import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds, and the pods in a page (500, as client-go and kubectl ask for).

    ``silence`` is 1.5 times the minute in which a server sends a bookmark to a quiet watch.
    ``settled`` is how long a watch must have lived for its end to be no sign of trouble.
    """

    page_limit: int = 500
    watch: float = 300.0
    silence: float = 90.0
    answer: float = 30.0
    connect: float = 5.0
    first_delay: float = 1.0
    longest_delay: float = 60.0
    first_grant_check: float = 10.0
    longest_grant_check: float = 300.0
    longest_retry_after: float = 300.0
    settled: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """GET the pods with these query parameters."""

    parameters: Mapping[str, str]
    is_watch: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait so many seconds before the next step."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A full list starts, and voids one that had begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Objects of the list."""

    objects: tuple[Object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The list is complete."""

    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An object was added or modified."""

    object: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """An object is gone, or stopped matching."""

    object: Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A watch is open."""

    scope: Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """The server could not be asked; ``renew`` when the credentials are to be read again."""

    reason: str
    renew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """The cluster's pods are refused; the feed goes on with the node's own."""

    message: str


Event = Begun | Listed | Completed | Changed | Removed | Opened | Troubled | Forbidden
