"""Which of the known targets are poked: all of them, some of each node, or none.

Owns the choice, as changes of it, and not whose turn it is. Among the pods of a node it is made
by rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates"):
each slot takes the pod of the highest weight that no slot before it has. It hangs on the pods and
the time alone: a pod that comes or goes changes at most one other, and a restart changes nothing.
"""

import heapq
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName, Target, TargetId, Uid

# Every so often one of a node's slots chooses anew. With 3 slots a pod is poked for half an hour,
# long enough to see it fail and come back. 30 pods have all had a slot of one node after some 17
# hours (n ln n draws); at any time 100 nodes together leave out none of them (30 e^-10).
ROTATION_NS = 600 * SECOND_NS
# A new pod is poked besides for a minute: it is at its start that it waits for tunnels to open.
YOUNG_NS = 60 * SECOND_NS
# Of a long change so many pods are gone through in one settle: 10 ms with 3 slots, 60 with 55.
SLICE_PODS = 10_000

_WORD = 2**64 - 1


class Reach(Enum):
    """How many of the known targets are poked, by the names that the setting has for it."""

    ALL = "all"
    PER_NODE = "per-node"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What changed: first drop, then take in, since an id that lives twice may be in both."""

    chosen: list[Target]
    dropped: list[TargetId]


@dataclass(slots=True, kw_only=True)
class _Pod:
    """The targets of one pod, which are chosen together."""

    hash: int
    targets: tuple[Target, ...] = ()
    young_until: int = 0


_Node = NodeName | None
_Pods = Mapping[Uid, _Pod]


class Chooser:
    """The targets that are poked, by ``pods.scope`` and ``pods.per_node``.

    ``most`` is how many targets ``poke.max_rate`` carries at twice the interval.
    """

    def __init__(self, *, setting: str, per_node: int, most: int, now: MonotonicNs) -> None:
        self._now = now
        self._own = ""
        self._targets: dict[TargetId, Target] = {}
        self._groups: dict[_Node, dict[Uid, _Pod]] = {}
        self._kept: set[NodeName] = set()
        self._chosen: set[TargetId] = set()
        self._gone: list[TargetId] = []
        self._dirty: OrderedDict[_Node, None] = OrderedDict()
        self._due: dict[_Node, MonotonicNs] = {}
        self._schedule: list[tuple[MonotonicNs, int, _Node]] = []
        self._pushed = 0
        self._is_narrowed = False
        self._reach = Reach.NONE
        self._per_node = per_node
        self.set_limits(setting=setting, per_node=per_node, most=most)

    def set_limits(self, *, setting: str, per_node: int, most: int) -> None:
        """Take new settings; another ``per_node`` shuffles the slots."""
        if per_node != self._per_node:
            self._dirty_all()
        self._setting = setting
        self._per_node = per_node
        self._most = most
        self._judge()

    def set_node(self, node: NodeName | None) -> None:
        """This node's own name: it makes each node choose other pods of its peers."""
        own = node or ""
        if own != self._own:
            self._own = own
            self._dirty_all()

    @property
    def reach(self) -> Reach:
        """How many are poked, as of the last `settle` or the last limits."""
        return self._reach

    @property
    def is_narrowed(self) -> bool:
        """Whether ``auto`` pokes some pods of each node, since all would be too many."""
        return self._is_narrowed

    def __len__(self) -> int:
        return len(self._chosen)

    def __contains__(self, target_id: TargetId) -> bool:
        return target_id in self._chosen

    def add(self, target: Target, now: MonotonicNs, *, is_new: bool = False) -> None:
        """A target that was not there; ``is_new`` if its pod has just begun to exist.

        What a first list or the saved targets name is not new.
        """
        pod = self._place(target)
        if is_new:
            pod.young_until = now + YOUNG_NS

    def change(self, target: Target) -> None:
        """A known target, as it is now; on another node it begins anew."""
        if self._targets[target.id].node != target.node:
            self.remove(target.id)
            self._place(target)
            return
        self._targets[target.id] = target
        pod = self._groups[target.node][target.uid]
        pod.targets = tuple(target if one.id == target.id else one for one in pod.targets)

    def remove(self, target_id: TargetId) -> None:
        """A target is withdrawn; if it was chosen, the next `settle` says that it is dropped."""
        target = self._targets.pop(target_id)
        self._drop(target_id, self._gone)
        pods = self._groups[target.node]
        pod = pods[target.uid]
        pod.targets = tuple(one for one in pod.targets if one.id != target_id)
        self._dirty[target.node] = None
        if not pod.targets:
            del pods[target.uid]
        if not pods:
            del self._groups[target.node]

    def keep_one(self, node: NodeName, needed: bool) -> None:
        """Whether a pod of this node is poked even where none is: nothing else speaks for it.

        It stays the same pod as long as that exists.
        """
        if needed != (node in self._kept):
            self._kept ^= {node}
            self._dirty[node] = None

    def settle(self, now: MonotonicNs) -> Choice:
        """What changed since the last time; of a long change a part, and `next_due` is at once."""
        self._now = now
        self._judge()
        self._wake(now)
        choice = Choice(chosen=[], dropped=self._gone)
        self._gone = []
        budget = SLICE_PODS
        while self._dirty and budget > 0:
            node, _ = self._dirty.popitem(last=False)
            pods = self._groups.get(node, {})
            budget -= len(pods)
            self._renew(node, pods, choice)
        return choice

    def next_due(self) -> MonotonicNs | None:
        """When `settle` has something: at once after a change, or by the time alone."""
        if self._dirty or self._gone:
            return self._now
        while self._schedule:
            due, _, node = self._schedule[0]
            if self._due.get(node) == due:
                return due
            heapq.heappop(self._schedule)
        return None

    def _judge(self) -> None:
        """Narrow above ``most``, widen at half of it, and leave it as it is between the two.

        At half of it ``max_rate`` carries every target at the interval itself: nobody waits longer
        for poking all. And the targets must halve between two switches, which is no daily change.
        """
        is_auto = self._setting == "auto"
        bound = self._most // 2 if self._is_narrowed else self._most
        self._is_narrowed = is_auto and len(self._targets) > bound
        fitting = Reach.PER_NODE if self._is_narrowed else Reach.ALL
        reach = fitting if is_auto else Reach(self._setting)
        if reach is not self._reach:
            self._reach = reach
            self._dirty_all()

    def _dirty_all(self) -> None:
        self._dirty.update(dict.fromkeys(self._groups))

    def _place(self, target: Target) -> _Pod:
        self._targets[target.id] = target
        pods = self._groups.setdefault(target.node, {})
        pod = pods.get(target.uid)
        if pod is None:
            pod = pods[target.uid] = _Pod(hash=_hash(target.uid))
        pod.targets = (*pod.targets, target)
        self._dirty[target.node] = None
        return pod

    def _wake(self, now: MonotonicNs) -> None:
        while self._schedule and self._schedule[0][0] <= now:
            due, _, node = heapq.heappop(self._schedule)
            if self._due.get(node) == due:
                self._dirty[node] = None

    def _renew(self, node: _Node, pods: _Pods, choice: Choice) -> None:
        """Choose among the pods of one node, and note what differs from before."""
        wanted, due = self._wanted(node, pods)
        for pod in wanted.values():
            for target in pod.targets:
                if target.id not in self._chosen:
                    self._chosen.add(target.id)
                    choice.chosen.append(target)
        for uid in pods:
            if uid not in wanted:
                for target in pods[uid].targets:
                    self._drop(target.id, choice.dropped)
        self._set_due(node, due)

    def _set_due(self, node: _Node, due: MonotonicNs | None) -> None:
        """When the choice of a node changes by the time alone."""
        if due is None:
            self._due.pop(node, None)
        elif due != self._due.get(node):
            self._due[node] = due
            self._pushed += 1
            heapq.heappush(self._schedule, (due, self._pushed, node))

    def _drop(self, target_id: TargetId, dropped: list[TargetId]) -> None:
        if target_id in self._chosen:
            self._chosen.discard(target_id)
            dropped.append(target_id)

    def _wanted(self, node: _Node, pods: _Pods) -> tuple[_Pods, MonotonicNs | None]:
        """The pods of a node that are to be poked now, and until when that holds."""
        if self._reach is Reach.NONE:
            return (_winners(pods, [_salt(self._own, 0, 0)]) if node in self._kept else {}), None
        if self._reach is Reach.ALL or len(pods) <= self._per_node:
            return pods, None
        number, turn = _rotation(self._own, node, self._now)
        young = _newest(pods, self._now, self._per_node)
        steady = _winners(pods, _salts(self._own, number, self._per_node))
        due = min([turn, *(pod.young_until for pod in young.values())])
        return {**young, **steady}, MonotonicNs(due)


def _hash(*parts: str) -> int:
    """64 bits that are the same in every process; a name may hold what is no Unicode."""
    from hashlib import blake2b  # noqa: PLC0415 -- OpenSSL's 3 MB, which no pods do not need

    text = "\0".join(parts).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


@lru_cache(maxsize=4096)
def _salt(own: str, slot: int, epoch: int) -> int:
    """What a pod's hash is multiplied by: odd, so that no two hashes get one weight."""
    return _hash("slot", own, str(slot), str(epoch)) | 1


def _salts(own: str, number: int, slots: int) -> list[int]:
    """Those of all slots after so many rotations: a slot's epoch is the last that was its turn."""
    return [_salt(own, slot, number - (number - slot) % slots) for slot in range(slots)]


def _rotation(own: str, node: _Node, now: MonotonicNs) -> tuple[int, int]:
    """How often the node has rotated since this host booted, and when it does next."""
    phase = _hash("phase", own, node or "") % ROTATION_NS
    number = (now + phase) // ROTATION_NS
    return number, (number + 1) * ROTATION_NS - phase


def _newest(pods: _Pods, now: MonotonicNs, most: int) -> _Pods:
    """So many of the pods that are young, the newest first."""
    young = (pod for pod in pods.values() if pod.young_until > now)
    newest = heapq.nlargest(most, young, key=lambda pod: (pod.young_until, pod.targets[0].created))
    return {pod.targets[0].uid: pod for pod in newest}


def _winners(pods: _Pods, salts: Sequence[int]) -> _Pods:
    """For each salt the pod of the highest weight that is left, while some are."""
    uids = list(pods)
    hashes = [pod.hash for pod in pods.values()]
    winners = {}
    for salt in salts[: len(uids)]:
        weights = [salt * one & _WORD for one in hashes]
        best = weights.index(max(weights))
        uid = uids.pop(best)
        del hashes[best]
        winners[uid] = pods[uid]
    return winners
