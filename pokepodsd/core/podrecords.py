"""Pod objects of the API server to the records that tell of them.

Owns which change of a pod is told at all: most say what a container did, and nothing that matters
here. Decides nothing about targets. What was told is remembered of a bounded number of pods: of
another one, a change is told though it may be none.
"""

from collections.abc import Iterable

from pokepodsd.core.answers import Object
from pokepodsd.core.model import Pod, Uid
from pokepodsd.core.pods import pod_from_object, uid_of
from pokepodsd.core.records import PodChanged, PodIgnored, PodRemoved, PodsListed, Record
from pokepodsd.errors import GarbledError

# Those that change are few at a time, and change several times in a row. 0.2 kB each.
MOST_REMEMBERED = 4_096


class PodRecords:
    """What is told of pods; ``tells_ready`` is whether it matters that a pod is ready."""

    def __init__(self, *, tells_ready: bool) -> None:
        self._tells_ready = tells_ready
        self._told: dict[Uid, int] = {}

    def listed(self, objects: Iterable[Object]) -> list[Record]:
        """A part of a list."""
        pods, ignored = [], list[Record]()
        for obj in objects:
            try:
                pods.append(pod_from_object(obj))
            except GarbledError as error:
                ignored.append(PodIgnored(reason=str(error)))
        return [PodsListed(pods=tuple(pods)), *ignored]

    def changed(self, obj: Object) -> list[Record]:
        """An object that was added or modified; nothing where nothing that matters is new."""
        try:
            pod = pod_from_object(obj)
        except GarbledError as error:
            return [PodIgnored(reason=str(error))]
        return [PodChanged(pod=pod)] if self._is_news(pod) else []

    def removed(self, obj: Object) -> Record:
        """An object that is gone."""
        try:
            uid = uid_of(obj)
        except GarbledError as error:
            return PodIgnored(reason=str(error))
        self._told.pop(uid, None)
        return PodRemoved(uid=uid)

    def begin(self) -> None:
        """A list begins: what it names is told anew."""
        self._told.clear()

    def _is_news(self, pod: Pod) -> bool:
        # The rest of it never changes while a pod has its uid.
        seen = hash(
            (
                *(pod.node, pod.host, pod.addresses, pod.phase, pod.terminating),
                *(pod.host_network, pod.ready and self._tells_ready),
            )
        )
        known = self._told.pop(pod.uid, None)
        if len(self._told) >= MOST_REMEMBERED:
            del self._told[next(iter(self._told))]
        self._told[pod.uid] = seen
        return seen != known
