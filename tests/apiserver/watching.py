"""Watches of pods: initial events, changes, bookmarks, the end, and faults of streams.

Owns: the order and the framing of events. Refuses: to decide who may watch.
"""

import asyncio
import random
from collections import deque
from dataclasses import dataclass

from aiohttp import web

from tests.apiserver.cluster import Cluster
from tests.apiserver.faults import Fault, FaultKind
from tests.apiserver.options import ListOptions
from tests.apiserver.responses import (
    ENTRY,
    FAULT,
    begin,
    cut,
    hang,
    make_headers,
    reset,
    with_wrong_version,
    write_endlessly,
    write_slowly,
    write_widened,
)
from tests.apiserver.status import Json, too_old
from tests.apiserver.store import Event, Record, event_line, serialize

# endpoints/handlers/get.go: minRequestTimeout of half an hour, randomized up to twice that.
MINIMUM_TIMEOUT_SECONDS = 1800.0
# Whether the object matched before, whether it does now: cacher.go, convertToWatchEvent.
EVENT_TYPES = {(True, True): "MODIFIED", (False, True): "ADDED", (True, False): "DELETED"}
# Of a flood, so many are written at once.
PAIRS = 1_000
GARBAGE = b"\x00garbage, not JSON\n"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a watch with what the log says of it."""

    data: bytes
    type: str
    version: str
    name: str = ""
    namespace: str = ""


class Watch:
    """One open watch; `push` takes changes as they happen, `run` writes them."""

    def __init__(self, cluster: Cluster, options: ListOptions, request: web.Request) -> None:
        self._cluster = cluster
        self._options = options
        self._request = request
        self._response = web.StreamResponse(headers=make_headers())
        self._response.enable_chunked_encoding()
        self._fault: Fault | None = request.get(FAULT)
        self._pending: deque[Line] = deque()
        self._wake = asyncio.Event()
        self._is_ending = False
        self._written = 0
        self._trickle_seconds: float | None = None
        self._start = 0

    async def run(self) -> web.StreamResponse:
        self._start = start = self._options.version_number
        wants_state = self._wants_initial_state(start)
        if start and start < self._cluster.store.floor and not wants_state:
            return await self._send_too_old(start)
        # Nothing may happen between reading the state and subscribing to what follows it.
        self._prepare_pending(start, wants_state=wants_state)
        self._cluster.store.subscribers.add(self.push)
        self._cluster.watches.add(self)
        try:
            await begin(self._request, self._response)
            self._cluster.served.notify()
            await self._stream()
            await self._response.write_eof()
        finally:
            self._cluster.store.subscribers.discard(self.push)
            self._cluster.watches.discard(self)
        return self._response

    def push(self, event: Event) -> None:
        # cacher/cache_watcher.go, process: nothing that is not newer than what was asked for, as
        # where another server, which is behind, was asked before this one.
        line = self._see(event) if event.record.version > self._start else None
        if line is not None:
            self._pending.append(line)
            self._wake.set()

    def end(self) -> None:
        """Properly, as at the timeout."""
        self._is_ending = True
        self._wake.set()

    def abort(self) -> None:
        reset(self._request)

    def _wants_initial_state(self, start: int) -> bool:
        if self._options.send_initial_events is None:
            return start == 0
        return self._options.send_initial_events

    def _prepare_pending(self, start: int, *, wants_state: bool) -> None:
        store = self._cluster.store
        if not wants_state:
            if start:
                self._pending.extend(filter(None, map(self._see, store.events_after(start))))
            return
        for record in store.pods():
            if self._matches(record):
                self._pending.append(_line("ADDED", record, event_line("ADDED", record)))
        if self._options.send_initial_events and self._options.allow_bookmarks:
            self._pending.append(_bookmark(store.version, is_initial_end=True))

    def _matches(self, record: Record | None) -> bool:
        if record is None:
            return False
        namespace = self._options.namespace
        is_within = not namespace or record.namespace == namespace
        return is_within and self._options.selector.matches(record)

    def _see(self, event: Event) -> Line | None:
        """The event as this watch's selector shows it; None where it shows nothing."""
        was = self._matches(event.previous)
        is_now = event.type != "DELETED" and self._matches(event.record)
        if not was and not is_now:
            return None
        type_ = EVENT_TYPES[was, is_now]
        data = event.line(type_, is_previous=not is_now)
        return _line(type_, event.record, data)

    async def _stream(self) -> None:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._timeout_seconds()
        next_bookmark = self._next_bookmark(clock(), deadline)
        if self._fault is not None and self._fault.fault is FaultKind.SILENT:
            await hang()
        while await self._write_pending() and not self._is_ending and clock() < deadline:
            if clock() >= next_bookmark:
                if self._options.allow_bookmarks and self._cluster.store.version >= self._start:
                    self._pending.append(_bookmark(self._cluster.store.version))
                next_bookmark = self._next_bookmark(clock(), deadline)
                continue
            await self._wait(min(deadline, next_bookmark) - clock())

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            # A bookmark or the end is due: the caller looks which.
            return
        self._wake.clear()

    def _timeout_seconds(self) -> float:
        if self._options.timeout_seconds:
            return float(self._options.timeout_seconds)
        default = self._cluster.settings.default_timeout_seconds
        return default or MINIMUM_TIMEOUT_SECONDS * (1 + random.random())

    def _next_bookmark(self, now: float, deadline: float) -> float:
        """Periodic, and once shortly before the end; a very short watch gets none (scene 22)."""
        settings = self._cluster.settings
        periodic = now + settings.bookmark_interval_seconds
        before_end = deadline - settings.bookmark_before_end_seconds
        is_long = before_end - now > settings.bookmark_before_end_seconds
        return min(periodic, before_end) if is_long else periodic

    async def _write_pending(self) -> bool:
        """Whether the stream goes on."""
        while True:
            if self._fault is not None and self._written >= self._fault.after:
                fault, self._fault = self._fault, None
                if not await self._act(fault):
                    return False
            if not self._pending:
                return True
            await self._write(self._pending.popleft())

    async def _write(self, line: Line) -> None:
        served = self._cluster.served
        index = self._request[ENTRY].index
        served.note_event(line.version, line.type, line.name, line.namespace, index)
        self._written += 1
        if self._trickle_seconds is None:
            await self._response.write(line.data)
        else:
            await write_slowly(self._response, line.data, self._trickle_seconds)

    async def _act(self, fault: Fault) -> bool:
        """Carries a fault out; whether the stream goes on after it."""
        line = self._next_line().data
        match fault.fault:
            case FaultKind.DROP_MIDWAY:
                await self._response.write(line[: len(line) // 2])
                cut(self._request)
                await hang()
            case FaultKind.TRUNCATED_LINE:
                await self._response.write(line[: len(line) // 2])
            case FaultKind.ERROR_EVENT:
                await self._response.write(_error_line(fault.failure().body()))
            case FaultKind.ENDLESS_LINE:
                await write_endlessly(self._response)
            case _:
                await self._spoil_line(fault, line)
                return True
        return False

    async def _spoil_line(self, fault: Fault, line: bytes) -> None:
        """Faults that a stream survives."""
        match fault.fault:
            case FaultKind.GARBAGE_LINE:
                await self._response.write(GARBAGE)
            case FaultKind.HUGE_LINE:
                if self._pending:
                    self._pending.popleft()
                self._written += 1
                await write_widened(self._response, line, fault.size)
            case FaultKind.WRONG_RESOURCE_VERSION:
                await self._write_instead(with_wrong_version(line, fault.resource_version))
            case FaultKind.FLOOD:
                await self._flood(line, fault)
            case FaultKind.TRICKLE:
                self._trickle_seconds = fault.interval_seconds
            case _:
                raise AssertionError(f"{fault.fault} is no fault of a stream")

    async def _write_instead(self, spoiled: bytes) -> None:
        if self._pending:
            self._pending.popleft()
        self._written += 1
        await self._response.write(spoiled)

    async def _flood(self, line: bytes, fault: Fault) -> None:
        """As fast as ordered, or as fast as it is taken."""
        _, comma, rest = line.partition(b",")
        both = b'{"type":"DELETED"' + comma + rest + b'{"type":"ADDED"' + comma + rest
        clock = asyncio.get_running_loop().time
        begun = clock()
        for number in range(fault.size // PAIRS):
            await self._response.write(both * PAIRS)
            await asyncio.sleep(max(0.0, begun + (number + 1) * fault.interval_seconds - clock()))

    def _next_line(self) -> Line:
        """What a fault spoils: the event to come, else one about a pod, else a bookmark."""
        if self._pending:
            return self._pending[0]
        for record in self._cluster.store.pods():
            if self._matches(record):
                return _line("MODIFIED", record, event_line("MODIFIED", record))
        return _bookmark(self._cluster.store.version)

    async def _send_too_old(self, start: int) -> web.StreamResponse:
        await begin(self._request, self._response)
        failure = too_old(start, self._cluster.store.floor)
        await self._response.write(_error_line(failure.body()))
        await self._response.write_eof()
        return self._response


def _line(type_: str, record: Record, data: bytes) -> Line:
    return Line(data, type_, str(record.version), record.name, record.namespace)


def _error_line(status: Json) -> bytes:
    return serialize({"type": "ERROR", "object": status}) + b"\n"


def _bookmark(version: int, *, is_initial_end: bool = False) -> Line:
    metadata: Json = {"resourceVersion": str(version)}
    if is_initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    pod: Json = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}
    pod |= {"spec": {"containers": None}, "status": {}}
    data = serialize({"type": "BOOKMARK", "object": pod}) + b"\n"
    return Line(data, "BOOKMARK", str(version))
