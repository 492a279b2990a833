"""The synchronous client of the control socket.

Owns: one typed method for each thing that the socket can do. Refuses: the Kubernetes API.
"""

import http.client
import json
import socket
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from tests.apiserver.cluster import Settings
from tests.apiserver.faults import Fault, FaultKind, FaultMatch
from tests.apiserver.keywords import FaultDetails, SettingsChanges
from tests.apiserver.podfactory import PodArguments
from tests.apiserver.served import Request
from tests.apiserver.stamping import Stamp
from tests.apiserver.status import Json

TIMEOUT_SECONDS = 600.0


class ControlError(AssertionError):
    """The control socket refused an order."""


class NotReachedError(AssertionError):
    """What was waited for did not come in time."""


@dataclass(frozen=True, slots=True)
class EventWritten:
    """One line of a watch; `request` is the index of the request that it was written to."""

    index: int
    resource_version: str
    type: str
    name: str
    namespace: str
    at_ns: int
    request: int


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Control:
    """What a test may order and read back."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set_pods(self, pods: Iterable[Json], *, replace: bool = False) -> int:
        """Creates or modifies; with `replace`, deletes what is not named. Gives the new version."""
        answer = self._call("POST", "/pods", {"pods": list(pods), "replace": replace})
        return int(answer["resourceVersion"])

    def plant_pods(self, pods: Mapping[str, Json]) -> int:
        """Objects by what the server calls them, that no server would take, whatever they hold."""
        return int(self._call("POST", "/pods", {"planted": dict(pods)})["resourceVersion"])

    def make_pods(self, arguments: Iterable[PodArguments], *, replace: bool = False) -> int:
        """As `set_pods`, but the server calls `podfactory.pod`: for thousands at a time."""
        answer = self._call("POST", "/pods", {"made": list(arguments), "replace": replace})
        return int(answer["resourceVersion"])

    def stamp_pods(self, namespace: str, stamps: Iterable[Stamp]) -> int:
        """Pods by the hundred thousand, alike but for their stamps, as if there for long."""
        answer = self._call("POST", "/stamped", {"namespace": namespace, "stamps": list(stamps)})
        return int(answer["resourceVersion"])

    def make_pod(self, **arguments: Unpack[PodArguments]) -> int:
        return self.make_pods([arguments])

    def patch_pod(self, namespace: str, name: str, patch: Json) -> Json:
        """A merge patch of anything, status and spec included."""
        return self._object("PATCH", f"/pods/{namespace}/{name}", patch)

    def delete_pod(self, namespace: str, name: str) -> Json:
        """Gone at once, without the graceful part."""
        return self._object("DELETE", f"/pods/{namespace}/{name}")

    def set_token(self, token: str, user: str, groups: Iterable[str] = ()) -> None:
        self._call("POST", "/tokens", {"token": token, "user": user, "groups": list(groups)})

    def delete_token(self, token: str) -> None:
        self._call("DELETE", "/tokens/" + urllib.parse.quote(token, safe=""))

    def requests(self, since: int = 0) -> list[Request]:
        """In the order of their arrival, open ones included, from index `since` on."""
        return [Request(**entry) for entry in self._call("GET", f"/requests?since={since}")]

    def events(self, since: int = 0) -> list[EventWritten]:
        """Watch events in the order of writing, from index `since` on."""
        return [EventWritten(*entry) for entry in self._call("GET", f"/events?since={since}")]

    def clear_log(self) -> None:
        """Forgets requests and events; indexes go on."""
        self._call("DELETE", "/log")

    def state(self) -> Json:
        """resource_version, oldest_resource_version, pods, watches, settings."""
        return self._object("GET", "/state")

    def resource_version(self) -> int:
        return int(self.state()["resource_version"])

    def compact(self) -> int:
        """Expires every older resourceVersion and continue token."""
        return int(self._call("POST", "/compact")["resourceVersion"])

    def bump(self, count: int = 1) -> int:
        return int(self._call("POST", "/bump", {"count": count})["resourceVersion"])

    def change_settings(self, **changes: Unpack[SettingsChanges]) -> Settings:
        return Settings(**self._call("PATCH", "/settings", dict(changes)))

    def add_fault(
        self,
        fault: FaultKind | str,
        match: FaultMatch | str = FaultMatch.ANY,
        count: int | None = 1,
        **details: Unpack[FaultDetails],
    ) -> None:
        """`count` of None: for ever. The details are the fields of `faults.Fault`."""
        self._call("POST", "/faults", {"fault": fault, "match": match, "count": count, **details})

    def faults(self) -> list[Fault]:
        """Orders not used up yet."""
        return [Fault(**order) for order in self._call("GET", "/faults")]

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def break_watches(self) -> int:
        """Resets the connections of all open watches now; gives their number."""
        return int(self._call("POST", "/watches/break")["watches"])

    def end_watches(self) -> int:
        """Ends all open watches properly now; gives their number."""
        return int(self._call("POST", "/watches/end")["watches"])

    def wait_watches(self, at_least: int = 1, timeout_seconds: float = 5.0) -> None:
        self._wait("watches", at_least, timeout_seconds)

    def wait_watches_gone(self, at_most: int = 0, timeout_seconds: float = 5.0) -> None:
        self._wait("no_watches", at_most, timeout_seconds)

    def wait_events(self, at_least: int, timeout_seconds: float = 5.0) -> None:
        """Counted since the start or the last `clear_log`."""
        self._wait("events", at_least, timeout_seconds)

    def wait_requests(
        self,
        at_least: int,
        kind: str | None = None,
        *,
        ended: bool = False,
        timeout_seconds: float = 5.0,
    ) -> None:
        """`kind`: list, watch, any (other requests); None counts all that arrived.

        `ended` counts only requests of that kind that were answered to the end.
        """
        if kind is None and ended:
            raise ValueError("ended needs a kind")
        what = "requests" if kind is None else kind + (".ended" if ended else "")
        self._wait(what, at_least, timeout_seconds)

    def reset(self) -> None:
        """Empties the cluster, faults, tokens and logs, and puts settings back; ends watches."""
        self._call("POST", "/reset")

    def save(self) -> None:
        """Keeps objects, tokens and settings for the next start in the same directory."""
        self._call("POST", "/save")

    def _wait(self, what: str, count: int, timeout_seconds: float) -> None:
        query = urllib.parse.urlencode({"for": what, "count": count, "timeout": timeout_seconds})
        if not self._call("GET", f"/wait?{query}")["reached"]:
            raise NotReachedError(f"{what}: not {count} after {timeout_seconds} s")

    def _object(self, method: str, path: str, body: Json | None = None) -> Json:
        answer: Json = self._call(method, path, body)
        return answer

    def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        connection = _UnixConnection(self._path)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise ControlError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text)
