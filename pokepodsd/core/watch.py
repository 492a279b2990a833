"""List-then-watch of the pods, sans I/O: answers and bytes in, events and the next question out.

Owns the protocol with the API server: bookmarks, what each failure means and how long to wait
after it, and falling back to the node's own pods where the cluster's are refused. How a list is
asked for is `core.listing`'s to say. Knows no socket, no clock and nothing of what a pod is.

The reader asks `PodFeed.next_step`, does it, and tells how it went: `page` for a whole answer,
`opened`, `chunk` and `ended` for a watch, `failed` for a connection. Each gives back events.
"""

from collections.abc import Callable, Iterator, Mapping

from pokepodsd.core.answers import (
    WatchError,
    ends_initial_events,
    explain,
    message_of,
    parse_event,
    parse_page,
)
from pokepodsd.core.backoff import Backoff
from pokepodsd.core.lines import LineBuffer
from pokepodsd.core.listing import Listing
from pokepodsd.core.model import Scope
from pokepodsd.core.protocol import (
    Ask,
    Begun,
    Changed,
    Completed,
    Event,
    Forbidden,
    Listed,
    Opened,
    Pause,
    Removed,
    Timings,
    Troubled,
)
from pokepodsd.errors import ApiError, GarbledError, SilentError, TooLargeError

# An object in etcd is at most 1.5 MiB (etcd --max-request-bytes); as JSON up to twice that.
LONGEST_LINE = 8 * 1024 * 1024
# After an API server restarts, RBAC is not read yet and answers 403 for some seconds
# (kubernetes/kubernetes#121635): a right that was there is asked for again before it is given up.
REFUSALS_BEFORE_NARROWING = 2
IN_STREAM_ERRORS_BEFORE_LIST = 3
# A server whose resourceVersion is behind the one that was asked for says nothing until it has
# passed that: for a moment where its cache lags, for weeks where its etcd was restored.
SILENCES_BEFORE_LIST = 2
# What is told together is taken by the daemon between two pokes: 15 ms, where a page takes 30.
TOLD_AT_ONCE = 250


class PodFeed:
    """The state of one list-then-watch.

    ``selectors`` gives the query's selectors for a scope, and for servers that know fewer field
    labels (``portable``).
    """

    def __init__(
        self,
        *,
        selectors: Callable[[Scope, bool], Mapping[str, str]],
        timings: Timings,
        roll: Callable[[], float],
    ) -> None:
        self._selectors = selectors
        self._timings = timings
        self._roll = roll
        # Lists cost the server far more than watches: what comes between two of them shortens the
        # delay of the next watch, and not that of the next list.
        self._delays, self._list_delays = (
            Backoff(first=timings.first_delay, longest=timings.longest_delay, roll=roll)
            for _ in range(2)
        )
        self._grant_checks = Backoff(
            first=timings.first_grant_check, longest=timings.longest_grant_check, roll=roll
        )
        self._scope = Scope.CLUSTER
        self._was_granted = False
        self._refusals = 0
        self._portable = False
        self._grant_check_after = 0.0
        self._watched_unasked = 0.0
        self._own_node_version: str | None = None
        self._in_stream_errors = 0
        self._silences = 0
        self._pause = 0.0
        self._version: str | None = None
        self._list = Listing(page_limit=timings.page_limit)
        self._listing = False
        self._lines = LineBuffer(longest=LONGEST_LINE)

    def next_step(self) -> Ask | Pause:
        """What to do next."""
        if self._pause > 0:
            seconds, self._pause = self._pause, 0.0
            return Pause(seconds=seconds)
        self._lines = LineBuffer(longest=LONGEST_LINE)
        selectors = self._selectors(self._scope, self._portable)
        if self._version is None:
            asked = self._list.parameters()
            if not self._list.is_streamed:
                return Ask(parameters={**asked, **selectors}, is_watch=False)
        else:
            asked = {"resourceVersion": self._version}
        common = {"watch": "1", "allowWatchBookmarks": "true", "timeoutSeconds": self._seconds()}
        return Ask(parameters={**common, **asked, **selectors}, is_watch=True)

    def page(self, status: int, body: bytes, retry_after: float | None = None) -> list[Event]:
        """A whole answer: a page of the list, or a refusal of any question."""
        if status != 200:
            return self._refused(status, message_of(body), retry_after)
        try:
            items, version, token = parse_page(body)
        except GarbledError as error:
            return self.failed(error)
        events: list[Event] = [] if self._list.token else [Begun()]
        # An empty page is one, too.
        parts = range(0, max(1, len(items)), TOLD_AT_ONCE)
        events += (Listed(objects=items[first : first + TOLD_AT_ONCE]) for first in parts)
        self._list.take(token)
        if not token:
            events.append(self._complete(version))
        return events

    def opened(self) -> list[Event]:
        """A watch was answered with 200."""
        self._listing = self._version is None
        return [Begun()] if self._listing else [Opened(scope=self._scope)]

    def chunk(self, data: bytes) -> Iterator[Event]:
        """Bytes of the open watch; lazy, so that what came before an error is not lost with it.

        Raises:
            GarbledError: after it, `failed` is to be called with it.
            WatchError: the server ended the watch with an ERROR event; the same.
        """
        for line in self._lines.feed(data):
            yield from self._line(line)

    def ended(self, lived: float) -> list[Event]:
        """The server closed the watch in order, after so many seconds."""
        if not self._lines.is_empty:
            return self.failed(ApiError("the watch ended in the middle of a line"), lived)
        if self._listing:
            # A server that knows nothing of sendInitialEvents ignores it and never says when
            # the initial events are over.
            self._list.give_up_streams()
            return self.failed(ApiError("the streaming list ended before it was complete"), lived)
        if not self._note_life(lived) and lived < self._timings.settled:
            self._pause = self._delays.next()
        return []

    def interrupted(self) -> None:
        """The connection was ended on this side, for new credentials: nobody is to blame."""
        if self._listing or self._list.token:
            self._start_over()
        self._leave_grant_check()

    def failed(self, error: ApiError, lived: float = 0.0) -> list[Event]:
        """Nothing of use came; a page of pods that are too large is asked for in parts, at once."""
        if isinstance(error, TooLargeError) and self._list.ask_for_less():
            self._start_over()
            return []
        code = error.code if isinstance(error, WatchError) else None
        if code not in {None, 410}:
            self._in_stream_errors += 1
        if isinstance(error, SilentError) and lived >= self._timings.silence:
            self._silences += 1
        if self._listing:
            self._list.note_stream(is_complete=False)
        again = self._in_stream_errors >= IN_STREAM_ERRORS_BEFORE_LIST
        again = again or self._silences >= SILENCES_BEFORE_LIST or isinstance(error, GarbledError)
        if code == 410 or again or self._listing or self._list.token:
            self._start_over()
        if not self._leave_grant_check():
            self._note_life(lived)
        self._pause = self._next_delay()
        return [Troubled(reason=str(error), renew=code == 401)]

    def _refused(self, status: int, message: str, retry_after: float | None) -> list[Event]:
        unknown_field = "field label not supported" in message and not self._portable
        streaming = self._version is None and self._list.is_streamed
        if status in {400, 422} and (unknown_field or streaming):
            # Before 1.28 spec.hostNetwork is no field label, before 1.32 (or with the WatchList
            # feature gate off) sendInitialEvents is invalid: ask in the older way, at once.
            self._portable = self._portable or unknown_field
            if not unknown_field:
                self._list.give_up_streams()
            return []
        if status == 403:
            return self._forbidden(message)
        has_expired = bool(self._list.token) and status in {400, 410}
        if status == 410 or has_expired:
            # Of the list, the token for the next page is no good any more.
            self._start_over()
        if has_expired:
            self._list.prefer_stream()
        if not self._leave_grant_check() and has_expired and self._list.can_stream:
            # A stream needs no token: at once, before anything else expires.
            return []
        wait = min(retry_after or 0.0, self._timings.longest_retry_after)
        self._pause = max(wait, self._next_delay())
        return [Troubled(reason=explain(status, message), renew=status == 401)]

    def _forbidden(self, message: str) -> list[Event]:
        self._start_over()
        if self._scope is Scope.NODE:
            self._scope = Scope.CLUSTER
            self._pause = self._grant_checks.next()
            return [Troubled(reason=explain(403, message))]
        if self._was_granted and self._refusals < REFUSALS_BEFORE_NARROWING:
            self._refusals += 1
            self._pause = self._delays.next()
            return [Troubled(reason=explain(403, message))]
        self._was_granted = False
        self._grant_check_after = self._grant_checks.next()
        self._watched_unasked = 0.0
        self._scope = Scope.NODE
        self._leave_grant_check()
        return [Forbidden(message=message)]

    def _line(self, line: bytes) -> Iterator[Event]:
        kind, obj = parse_event(line)
        self._silences = 0
        version = obj["metadata"]["resourceVersion"]
        if not self._listing:
            self._version = version
            self._delays.reset()
            self._in_stream_errors = 0
        match kind:
            case "BOOKMARK":
                if self._listing and ends_initial_events(obj):
                    self._list.note_stream(is_complete=True)
                    self._listing = False
                    yield self._complete(version)
                    yield Opened(scope=self._scope)
            case "DELETED":
                yield Removed(object=obj)
            case _:
                yield Listed(objects=(obj,)) if self._listing else Changed(object=obj)

    def _complete(self, version: str) -> Completed:
        self._version = version
        self._list.token = ""
        if self._scope is Scope.CLUSTER:
            self._was_granted = True
            self._refusals = 0
            self._own_node_version = None
            self._grant_checks.reset()
        return Completed(scope=self._scope)

    def _start_over(self) -> None:
        self._version = None
        self._list.token = ""
        self._listing = False
        self._in_stream_errors = 0
        self._silences = 0

    def _next_delay(self) -> float:
        """How long to wait after a failure: longer where what is next is a list once more."""
        delay = self._delays.next()
        return delay if self._version is not None else max(delay, self._list_delays.next())

    def _note_life(self, lived: float) -> bool:
        """A watch that lived proves the server; one of the node's own pods leads to a grant check.

        The check is the list of the cluster itself: refused, it costs next to nothing, and the
        watch of the node's own pods goes on from where it was. Returns whether a check is next.
        """
        if lived >= self._timings.settled:
            self._delays.reset()
            self._list_delays.reset()
        if self._scope is Scope.CLUSTER or self._version is None:
            return False
        self._watched_unasked += lived
        # The server may close a little before the seconds it was asked for are over.
        if self._watched_unasked < 0.9 * self._grant_check_after:
            return False
        self._own_node_version, self._version = self._version, None
        self._scope = Scope.CLUSTER
        return True

    def _leave_grant_check(self) -> bool:
        """Go back to the watch of the node's own pods, if this was a check for a grant."""
        if self._own_node_version is None:
            return False
        self._scope = Scope.NODE
        self._version, self._own_node_version = self._own_node_version, None
        self._list.token = ""
        self._listing = False
        self._watched_unasked = 0.0
        return True

    def _seconds(self) -> str:
        if self._scope is Scope.NODE:
            return str(max(1, round(self._grant_check_after - self._watched_unasked)))
        return str(max(1, round(self._timings.watch * (0.8 + 0.4 * self._roll()))))
