"""The reader of one simulated node: the daemon's `PodFeed`, asking a simulated API server.

Owns the connection: when what arrives, and what it costs. What is asked and what an answer means is
the feed's; the records that come of it are the reader's own.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import assert_never

from pokepodsd.core import protocol
from pokepodsd.core.config import KubernetesConfig
from pokepodsd.core.model import SECOND_NS, NodeName, Scope
from pokepodsd.core.pods import pod_from_object, uid_of
from pokepodsd.core.protocol import Timings
from pokepodsd.core.records import (
    Identified,
    ListBegun,
    ListEnded,
    Lost,
    PodChanged,
    PodRemoved,
    PodsListed,
    Record,
    Refused,
    Watching,
)
from pokepodsd.core.selection import field_selector
from pokepodsd.core.watch import PodFeed
from tests.bench.simulation.churn import Change
from tests.bench.simulation.lives import bookmark, line, sizes
from tests.bench.simulation.server import Body, Server, Stream
from tests.core.nodes import name_of

# kube-apiserver sends one a minute, and one 2 s before the end (cacher/cache_watcher.go).
_BOOKMARK_EVERY_NS = 60 * SECOND_NS
_BEFORE_END_NS = 2 * SECOND_NS


@dataclass(slots=True)
class Usage:
    """What the API server was asked for and sent; bytes as on the wire, before TLS."""

    requests: int = 0
    refused: int = 0
    list_bytes: int = 0
    watch_bytes: int = 0
    events: int = 0

    def less(self, before: "Usage") -> "Usage":
        """What was added since then."""
        names = [field.name for field in fields(self)]
        return Usage(**{name: getattr(self, name) - getattr(before, name) for name in names})


class _Open:
    """An open watch: what is still to come of it."""

    def __init__(self, stream: Stream, changes: Iterator[Change], now_ns: int) -> None:
        self.stream = stream
        self.changes = changes
        self.opened_ns = now_ns
        self.ends_ns = now_ns + round(stream.seconds * SECOND_NS)
        self.next_bookmark_ns = 0
        self.plan_bookmark(now_ns)

    def plan_bookmark(self, now_ns: int) -> None:
        before_end = self.ends_ns - _BEFORE_END_NS
        periodic = now_ns + _BOOKMARK_EVERY_NS
        self.next_bookmark_ns = min(periodic, before_end) if before_end > now_ns else self.ends_ns


class Reader:
    """One node's; ``usage`` grows as virtual time passes in `turn`."""

    def __init__(
        self, server: Server, node: int, config: KubernetesConfig, roll: Callable[[], float]
    ) -> None:
        self._server = server
        self._node = node
        self._config = config
        self._feed = PodFeed(selectors=self._selectors, timings=Timings(), roll=roll)
        self._open: _Open | None = None
        self._next_change: Change | None = None
        self._paused_until_ns = 0
        self._is_identified = False
        self.usage = Usage()

    def turn(self, now_ns: int) -> Iterator[Record]:
        """Everything that is due by now, ``now_ns`` after the beginning."""
        if not self._is_identified:
            self._is_identified = True
            yield Identified(node=NodeName(name_of(self._node)), source="the simulation")
        while now_ns >= self.next_due():
            if self._open is not None:
                yield from self._hear(self._open, now_ns)
                continue
            match self._feed.next_step():
                case protocol.Pause(seconds=seconds):
                    self._paused_until_ns = now_ns + round(seconds * SECOND_NS)
                case protocol.Ask(parameters=parameters):
                    yield from self._ask(parameters, now_ns)

    def run(self, until_ns: int) -> None:
        """Let time pass up to then, with nobody who takes what it learns."""
        while (due := self.next_due()) <= until_ns:
            deque(self.turn(due), maxlen=0)

    def next_due(self) -> int:
        """When `turn` has something to do."""
        if self._open is None:
            return self._paused_until_ns
        due = min(self._open.ends_ns, self._open.next_bookmark_ns)
        return min(due, self._next_change.at_ns) if self._next_change else due

    def _ask(self, parameters: Mapping[str, str], now_ns: int) -> Iterator[Record]:
        self.usage.requests += 1
        answer = self._server.answer(parameters, self._node, now_ns)
        if isinstance(answer, Body):
            self.usage.refused += answer.status == 403
            self.usage.list_bytes += answer.size
            yield from self._records(self._feed.page(answer.status, answer.data))
            return
        yield from self._records(self._feed.opened())
        for data, size in answer.initial:
            self.usage.list_bytes += size
            yield from self._records(self._feed.chunk(data))
        self._open = _Open(answer, self._changes(answer), now_ns)
        self._next_change = next(self._open.changes, None)

    def _hear(self, watch: _Open, now_ns: int) -> Iterator[Record]:
        change = self._next_change
        if change is not None and change.at_ns <= min(now_ns, watch.ends_ns):
            self.usage.events += 1
            self.usage.watch_bytes += change.size
            self._next_change = next(watch.changes, None)
            text = change.line(for_own_node=watch.stream.for_own_node)
            yield from self._records(self._feed.chunk(text))
        elif watch.next_bookmark_ns <= now_ns and watch.next_bookmark_ns < watch.ends_ns:
            self.usage.watch_bytes += sizes().bookmark
            version = self._server.version_at(watch.next_bookmark_ns)
            watch.plan_bookmark(watch.next_bookmark_ns)
            yield from self._records(self._feed.chunk(line("BOOKMARK", bookmark(version))))
        else:
            self._open = self._next_change = None
            lived = (watch.ends_ns - watch.opened_ns) / SECOND_NS
            yield from self._records(self._feed.ended(lived))

    def _changes(self, stream: Stream) -> Iterator[Change]:
        own = stream.for_own_node
        changes = self._server.changes_of(self._node) if own else self._server.changes
        first = bisect_right(changes, stream.version, key=lambda change: change.version)
        later = (changes[number] for number in range(first, len(changes)))
        return (change for change in later if change.is_seen(for_own_node=own))

    def _records(self, events: Iterable[protocol.Event]) -> Iterator[Record]:
        for event in events:
            yield _record(event)

    def _selectors(self, scope: Scope, portable: bool) -> Mapping[str, str]:
        node = NodeName(name_of(self._node))
        return {"fieldSelector": field_selector(self._config, scope, node, portable=portable)}


def _record(event: protocol.Event) -> Record:  # noqa: PLR0911 - a closed set, a line each
    """What the reader makes of an event of the feed, as `pokepodsd.asker` does."""
    match event:
        case protocol.Begun():
            return ListBegun()
        case protocol.Listed(objects=objects):
            return PodsListed(pods=tuple(map(pod_from_object, objects)))
        case protocol.Completed(scope=scope):
            return ListEnded(scope=scope)
        case protocol.Changed(object=obj):
            return PodChanged(pod=pod_from_object(obj))
        case protocol.Removed(object=obj):
            return PodRemoved(uid=uid_of(obj))
        case protocol.Opened(scope=scope):
            return Watching(scope=scope)
        case protocol.Troubled(reason=reason):
            return Lost(reason=reason)
        case protocol.Forbidden(message=message):
            return Refused(message=message)
        case _:
            assert_never(event)
