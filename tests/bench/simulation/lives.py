"""A pod's life as the API server tells it: the stages, the lines of a watch, and their sizes.

Owns how large things are: as large as the objects of an API server (`tests.apiserver.podfactory`,
made after recordings). What a simulated daemon reads is leaner, and holds what the daemon looks at.
"""

import gzip
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial

from tests.apiserver.podfactory import pod
from tests.apiserver.responses import GZIP_LEVEL
from tests.apiserver.status import Json
from tests.apiserver.store import serialize
from tests.core.nodes import name_of, own_address, pod_address

CREATED = "2026-01-01T00:00:00Z"
DELETED = "2026-01-01T05:00:00Z"
NAMESPACE = "shop"
# As many pods as a page of a list has, so that gzip finds in them what it finds in a real one.
_PAGE = 500


class Stage(Enum):
    """What a pod goes through; each is one event.

    Nine in all: five updates over the start and two over the end, as a recorded server and kubelet
    made them (scene 21 of `tests/recordings`), and Calico's annotation besides.
    """

    CREATED = "ADDED"
    SCHEDULED = "MODIFIED scheduled"
    ANNOTATED = "MODIFIED by the network plugin"
    CREATING = "MODIFIED container creating"
    RUNNING = "MODIFIED running"
    READY = "MODIFIED ready"
    TERMINATING = "MODIFIED deleted with grace"
    STOPPED = "MODIFIED container ended"
    GONE = "DELETED"


START = (
    Stage.CREATED,
    Stage.SCHEDULED,
    Stage.ANNOTATED,
    Stage.CREATING,
    Stage.RUNNING,
    Stage.READY,
)
END = (Stage.TERMINATING, Stage.STOPPED, Stage.GONE)
_ENDING = frozenset(END)


@dataclass(frozen=True, slots=True)
class Life:
    """One pod: the number of its node, its place there, and how many there were before it."""

    node: int
    index: int
    generation: int = 0

    @property
    def name(self) -> str:
        """The pod's name; all have one owner, as the pods that were measured before."""
        return f"app-{self.node:04}{self.index:03}{self.generation:03}"


def lean_object(life: Life, stage: Stage, version: int) -> Json:
    """What the daemon looks at of the Pod object at this stage."""
    metadata = {"uid": f"uid-{life.name}", "namespace": NAMESPACE, "name": life.name}
    metadata |= {"creationTimestamp": CREATED, "resourceVersion": str(version)}
    if stage in _ENDING:
        metadata["deletionTimestamp"] = DELETED
    spec: Json = {}
    status: Json = {"phase": "Pending"}
    if stage is not Stage.CREATED:
        spec["nodeName"] = name_of(life.node)
    if stage in _ENDING or stage in {Stage.RUNNING, Stage.READY}:
        is_ready = stage in {Stage.READY, Stage.TERMINATING}
        status = {"phase": "Running", "hostIP": own_address(life.node)}
        status["podIPs"] = [{"ip": pod_address(life.node, life.index)}]
        status["conditions"] = [{"type": "Ready", "status": str(is_ready)}]
    return {"metadata": metadata, "spec": spec, "status": status}


def line(kind: str, obj: Json) -> bytes:
    """One line of a watch."""
    return serialize({"type": kind, "object": obj}) + b"\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes: of a watch's line at each stage, of a bookmark, and of one pod of a list."""

    lines: dict[Stage, int]
    bookmark: int
    listed: float
    zipped: float


@cache
def sizes() -> Sizes:
    """The sizes of real objects; gzip as the API server does it, a page at a time."""
    page = [_full(Life(number % 20, number // 20), Stage.READY) for number in range(_PAGE)]
    body = b",".join(map(serialize, page))
    return Sizes(
        lines={stage: _line_size(stage) for stage in Stage},
        bookmark=len(line("BOOKMARK", _typed(bookmark(1_000_000)))),
        listed=len(body) / _PAGE,
        zipped=len(gzip.compress(body, GZIP_LEVEL, mtime=0)) / _PAGE,
    )


def bookmark(version: int, *, ends_list: bool = False) -> Json:
    """The object of a BOOKMARK line."""
    metadata: Json = {"resourceVersion": str(version), "creationTimestamp": None}
    if ends_list:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return {"metadata": metadata, "spec": {"containers": None}, "status": {}}


def _line_size(stage: Stage) -> int:
    kind = stage.value.split()[0]
    return len(line(kind, _typed(_full(Life(1, 1), stage))))


def _typed(obj: Json) -> Json:
    return {"kind": "Pod", "apiVersion": "v1", **obj}


def _full(life: Life, stage: Stage) -> Json:
    """The whole object at this stage."""
    make = partial(pod, life.name, NAMESPACE, created=CREATED)
    on_node = partial(make, node=name_of(life.node), host_address=own_address(life.node))
    running = partial(on_node, addresses=[pod_address(life.node, life.index)])
    match stage:
        case Stage.CREATED | Stage.SCHEDULED | Stage.ANNOTATED:
            made = make(node=None, phase="Pending", ready=False)
        case Stage.CREATING:
            made = on_node(phase="Pending", ready=False)
        case Stage.RUNNING | Stage.READY:
            made = running(ready=stage is Stage.READY)
        case Stage.TERMINATING | Stage.STOPPED | Stage.GONE:
            made = running(ready=stage is Stage.TERMINATING, deletion=DELETED)
    if stage in {Stage.SCHEDULED, Stage.ANNOTATED}:
        made["spec"]["nodeName"] = name_of(life.node)
    if stage in {Stage.ANNOTATED, Stage.CREATING}:
        made["metadata"]["annotations"] = running()["metadata"]["annotations"]
    made["metadata"]["resourceVersion"] = "1000000"
    return made
