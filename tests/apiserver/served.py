"""What the server did: requests served and watch events written, with monotonic times.

Owns: the two logs and waiting for them to change. Refuses: to influence an answer.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

from tests.apiserver.status import Json

LOGGED_REQUESTS = 500_000
LOGGED_EVENTS = 2_000_000


@dataclass(slots=True)
class Request:
    """One request; `status` and `ended_ns` of None: not answered yet, still open.

    `kind` is list or watch (of pods), report (an event or a node's status is written), or any.
    `bytes` counts the answer with its head and its framing, above TLS, and is known at its end.
    """

    index: int
    at_ns: int
    method: str
    path: str
    kind: str
    user_agent: str
    user: str = ""
    serial: str | None = None
    status: int | None = None
    fault: str | None = None
    bytes: int = 0
    ended_ns: int | None = None


# Index, resourceVersion, type, name, namespace, at_ns, index of the request that it was written to.
WrittenEvent = tuple[int, str, str, str, str, int, int]


class Served:
    """The logs of requests and of watch events."""

    def __init__(self) -> None:
        self.requests: deque[Request] = deque(maxlen=LOGGED_REQUESTS)
        self.events: deque[WrittenEvent] = deque(maxlen=LOGGED_EVENTS)
        self._request_count = 0
        self._event_count = 0
        self._changed = asyncio.Event()

    def begin(self, method: str, path: str, kind: str, user_agent: str) -> Request:
        entry = Request(self._request_count, time.monotonic_ns(), method, path, kind, user_agent)
        self._request_count += 1
        self.requests.append(entry)
        self.notify()
        return entry

    def end(self, entry: Request) -> None:
        entry.ended_ns = time.monotonic_ns()
        self.notify()

    def note_event(self, version: str, type_: str, name: str, namespace: str, to: int) -> None:
        """Called right before the bytes go to the transport."""
        written = (self._event_count, version, type_, name, namespace, time.monotonic_ns(), to)
        self._event_count += 1
        self.events.append(written)
        self.notify()

    def clear(self) -> None:
        self.requests.clear()
        self.events.clear()

    def describe_requests(self, since: int) -> list[Json]:
        return [asdict(entry) for entry in self.requests if entry.index >= since]

    def notify(self) -> None:
        if not self._changed.is_set():
            self._changed.set()

    async def wait_until(self, is_reached: Callable[[], bool], timeout_seconds: float) -> bool:
        """Waits for a change that makes `is_reached` true; says whether it came in time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not is_reached():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return is_reached()
        return True
