"""What the cluster holds: one resourceVersion counter, pods with their history, other objects.

Owns: storage semantics (new versions, events, compaction, snapshots for paging). Refuses: HTTP,
users and selectors.

A pod is kept as its serialized bytes and the few fields that selectors read: parsed, 150,000 pods
would need several gigabytes.
"""

import json
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.apiserver.status import Json, expired_continue, not_found

FIRST_VERSION = 10_000
HISTORY_EVENTS = 200_000
# 20 million references are 160 MB: 130 snapshots of 150,000 pods, thousands of 5,000.
SNAPSHOT_REFERENCES = 20_000_000


def serialize(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def timestamp(seconds_from_now: float = 0.0) -> str:
    at = datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds_from_now, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Record:
    """One pod at one resourceVersion; `data` has neither kind nor apiVersion, as in a list."""

    namespace: str
    name: str
    version: int
    labels: dict[str, str]
    node: str
    host_network: bool
    phase: str
    data: bytes

    @property
    def key(self) -> str:
        return f"/{self.namespace}/{self.name}"

    def field(self, name: str) -> str:
        match name:
            case "metadata.name":
                return self.name
            case "metadata.namespace":
                return self.namespace
            case "spec.nodeName":
                return self.node
            case "spec.hostNetwork":
                return "true" if self.host_network else "false"
            case "status.phase":
                return self.phase
        raise KeyError(name)

    def has_uid(self, uid: str) -> bool:
        return b'"uid":"%s"' % uid.encode() in self.data

    def parse(self) -> Json:
        parsed: Json = json.loads(self.data)
        return parsed

    def typed_data(self) -> bytes:
        return b'{"kind":"Pod","apiVersion":"v1",' + self.data[1:]


@dataclass(slots=True)
class Event:
    """A change. `record` carries the new version; for DELETED it is the last state."""

    type: str
    record: Record
    previous: Record | None
    lines: dict[tuple[str, bool], bytes] | None = None

    def line(self, type_: str, *, is_previous: bool) -> bytes:
        """The line of a watch, made once for all watches."""
        if self.lines is None:
            self.lines = {}
        found = self.lines.get((type_, is_previous))
        if found is None:
            found = event_line(type_, self.seen_record(is_previous=is_previous))
            self.lines[type_, is_previous] = found
        return found

    def seen_record(self, *, is_previous: bool) -> Record:
        """An object that stops matching is shown as it last matched, with the new version."""
        if is_previous and self.previous is not None:
            return with_version(self.previous, self.record.version)
        return self.record


def event_line(type_: str, record: Record) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (type_.encode(), record.typed_data())


def with_version(record: Record, version: int) -> Record:
    old = b'"resourceVersion":"%d"' % record.version
    new = b'"resourceVersion":"%d"' % version
    return _copy(record, version, record.data.replace(old, new, 1))


def _copy(record: Record, version: int, data: bytes) -> Record:
    return Record(
        record.namespace,
        record.name,
        version,
        record.labels,
        record.node,
        record.host_network,
        record.phase,
        data,
    )


def make_record(pod: Json, version: int) -> Record:
    metadata, spec, status = pod["metadata"], pod.get("spec", {}), pod.get("status", {})
    return Record(
        metadata["namespace"],
        metadata["name"],
        version,
        metadata.get("labels", {}),
        spec.get("nodeName", ""),
        bool(spec.get("hostNetwork", False)),
        status.get("phase", ""),
        serialize(pod),
    )


class Store:
    """Objects and their history; every write makes one new version."""

    def __init__(self, version: int = FIRST_VERSION) -> None:
        self.version = version
        self.floor = version
        self.history: deque[Event] = deque()
        self.subscribers: set[Callable[[Event], None]] = set()
        self.collections: dict[str, dict[str, Json]] = {}
        self._pods: dict[str, Record] = {}
        self._snapshots: OrderedDict[int, Sequence[Record]] = OrderedDict()
        self._is_snapshot_current = False

    def next_version(self) -> int:
        self.version += 1
        self._is_snapshot_current = False
        return self.version

    def bump(self, count: int) -> None:
        """Lets versions pass without an event on pods, as writes to other resources do."""
        self.version += count
        self._is_snapshot_current = False

    def compact(self) -> None:
        """Forgets history: older watches and older continue tokens are expired from now on."""
        self.history.clear()
        self.floor = self.version
        self._snapshots.clear()
        self._is_snapshot_current = False

    def events_after(self, version: int) -> list[Event]:
        newer: list[Event] = []
        for event in reversed(self.history):
            if event.record.version <= version:
                break
            newer.append(event)
        newer.reverse()
        return newer

    def pods(self) -> Sequence[Record]:
        """All pods in the order of their keys; the same object until something changes."""
        if not self._is_snapshot_current:
            ordered = sorted(self._pods.values(), key=lambda record: record.key)
            self._snapshots[self.version] = ordered
            self._is_snapshot_current = True
            most = 1 + SNAPSHOT_REFERENCES // (len(ordered) + 1_000)
            while len(self._snapshots) > most:
                self._snapshots.popitem(last=False)
        return self._snapshots[self.version]

    def pods_at(self, version: int, token_to_go_on: str) -> Sequence[Record]:
        if version == self.version:
            return self.pods()
        if version not in self._snapshots:
            raise expired_continue(token_to_go_on)
        return self._snapshots[version]

    def find_pod(self, namespace: str, name: str) -> Record | None:
        return self._pods.get(f"/{namespace}/{name}")

    def pod(self, namespace: str, name: str) -> Record:
        found = self.find_pod(namespace, name)
        if found is None:
            raise not_found("pods", name)
        return found

    def put_pod(self, pod: Json) -> Record:
        """Creates or replaces; a pod that would not change keeps its version, as in Kubernetes."""
        metadata = pod.setdefault("metadata", {})
        pod.pop("kind", None)
        pod.pop("apiVersion", None)
        metadata.setdefault("namespace", "default")
        previous = self.find_pod(metadata["namespace"], metadata["name"])
        if previous is not None and "uid" in metadata and not previous.has_uid(metadata["uid"]):
            self.remove_pod(previous.namespace, previous.name)
            previous = None
        self._stamp(metadata, previous)
        if previous is not None:
            metadata["resourceVersion"] = str(previous.version)
            if serialize(pod) == previous.data:
                return previous
        metadata["resourceVersion"] = str(self.next_version())
        record = make_record(pod, self.version)
        self._pods[record.key] = record
        self._publish(Event("MODIFIED" if previous else "ADDED", record, previous))
        return record

    def plant(self, namespace: str, name: str, pod: Json) -> None:
        """Has an object for this pod that a real server would refuse, whatever it holds."""
        version = self.next_version()
        if isinstance(metadata := pod.get("metadata"), dict):
            metadata["resourceVersion"] = str(version)
        # Half a pair of surrogates has no UTF-8.
        data = json.dumps(pod, separators=(",", ":")).encode()
        record = Record(namespace, name, version, {}, "", False, "", data)
        self._pods[record.key] = record
        self._publish(Event("ADDED", record, None))

    def remove_pod(self, namespace: str, name: str) -> Record:
        previous = self.pod(namespace, name)
        del self._pods[previous.key]
        record = with_version(previous, self.next_version())
        self._publish(Event("DELETED", record, previous))
        return record

    def replace_pods(self, pods: Iterable[Json]) -> None:
        """Makes `pods` the whole content: deletes what is missing, leaves what is equal."""
        kept = {self.put_pod(pod).key for pod in pods}
        for record in [record for key, record in self._pods.items() if key not in kept]:
            self.remove_pod(record.namespace, record.name)

    def stamp_object(self, value: Json) -> Json:
        metadata = value.setdefault("metadata", {})
        self._stamp(metadata, None)
        metadata["resourceVersion"] = str(self.next_version())
        return value

    def load_pods(self, serialized: Iterable[bytes]) -> None:
        """Takes pods over as another run of the server left them, without events."""
        for data in serialized:
            pod: Json = json.loads(data)
            version = int(pod["metadata"]["resourceVersion"])
            record = make_record(pod, version)
            self._pods[record.key] = record
        self._is_snapshot_current = False

    def take_records(self, records: Iterable[Record]) -> None:
        """Takes pods with versions from the next one on, as if they had been there for long.

        Without events: a watch that began before is too old.
        """
        for record in records:
            self._pods[record.key] = record
            self.version = record.version
        self.compact()

    def _stamp(self, metadata: Json, previous: Record | None) -> None:
        # Placeholder first, so that the key has its usual place in the serialized object.
        metadata.setdefault("resourceVersion", "")
        if "uid" not in metadata or "creationTimestamp" not in metadata:
            known = previous.parse()["metadata"] if previous else {}
            metadata.setdefault("uid", known.get("uid") or str(uuid.uuid4()))
            metadata.setdefault("creationTimestamp", known.get("creationTimestamp") or timestamp())

    def _publish(self, event: Event) -> None:
        self.history.append(event)
        if len(self.history) > HISTORY_EVENTS:
            self.floor = self.history.popleft().record.version
        for deliver in tuple(self.subscribers):
            deliver(event)
