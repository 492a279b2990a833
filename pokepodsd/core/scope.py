"""Which of the known targets are poked: all of them, some of each node, or none.

Owns the choice, as changes of it; among the pods of one node it is `rendezvous`'s. Knows neither
whose turn it is nor what the pokes find.
"""

import heapq
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName, Target, TargetId, Uid
from pokepodsd.core.rendezvous import Stand, rotation, salt_of, salts_of, standing

# A new pod is poked besides for a minute: it is at its start that it waits for tunnels to open.
YOUNG_NS = 60 * SECOND_NS
# Of a long change so many pods are gone through in one settle: 5 ms with 3 slots, 15 with 55.
SLICE_PODS = 2_000
# What a node costs by itself, as so many pods.
_NODE_PODS = 5


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


_Node = NodeName | None
# Of 150,000 pods nearly all have one address: a tuple around each would be 10 MB.
_Pod = Target | tuple[Target, ...]
"""The targets of one pod, which are chosen together."""
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
        self._young: dict[Uid, MonotonicNs] = {}
        self._stands: dict[_Node, Stand] = {}
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
        if is_new:
            self._forget_young(now)
            self._young[target.uid] = MonotonicNs(now + YOUNG_NS)
        self._place(target)

    def change(self, target: Target) -> None:
        """A known target, as it is now; on another node it begins anew."""
        before = self._targets[target.id]
        if before.node != target.node:
            self.remove(target.id)
            self._place(target)
            return
        self._targets[target.id] = target
        pods = self._groups[target.node]
        targets = _targets_of(pods[target.uid])
        pods[target.uid] = _packed(target if one is before else one for one in targets)

    def remove(self, target_id: TargetId) -> None:
        """A target is withdrawn; if it was chosen, the next `settle` says that it is dropped."""
        target = self._targets.pop(target_id)
        self._drop(target_id, self._gone)
        pods = self._groups[target.node]
        left = _packed(one for one in _targets_of(pods[target.uid]) if one is not target)
        self._touch(target)
        if left:
            pods[target.uid] = left
            return
        del pods[target.uid]
        self._young.pop(target.uid, None)
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
            budget -= len(pods) + _NODE_PODS
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

    def _place(self, target: Target) -> None:
        self._targets[target.id] = target
        pods = self._groups.setdefault(target.node, {})
        others = _targets_of(pods.get(target.uid, ()))
        pods[target.uid] = _packed((*others, target))
        self._touch(target)

    def _touch(self, target: Target) -> None:
        """A target came or went: choose anew among its node's pods, unless it changes nothing."""
        node = target.node
        if node in self._dirty:
            return
        stand = self._stands.get(node)
        if stand is None or target.uid in self._young or stand.hangs_on(target.uid):
            self._dirty[node] = None

    def _wake(self, now: MonotonicNs) -> None:
        while self._schedule and self._schedule[0][0] <= now:
            due, _, node = heapq.heappop(self._schedule)
            if self._due.get(node) == due:
                self._dirty[node] = None

    def _renew(self, node: _Node, pods: _Pods, choice: Choice) -> None:
        """Choose among the pods of one node, and note what differs from before."""
        self._stands.pop(node, None)
        wanted, due = self._wanted(node, pods)
        for pod in wanted.values():
            for target in _targets_of(pod):
                if target.id not in self._chosen:
                    self._chosen.add(target.id)
                    choice.chosen.append(target)
        for uid, pod in pods.items():
            if uid not in wanted:
                for target in _targets_of(pod):
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
            stand = standing(pods if node in self._kept else (), [salt_of(self._own, 0, 0)])
            return {uid: pods[uid] for uid in stand.winners}, None
        if self._reach is Reach.ALL or len(pods) <= self._per_node:
            return pods, None
        number, turn = rotation(self._own, node, self._now)
        stand = self._stands[node] = standing(pods, salts_of(self._own, number, self._per_node))
        young = self._newest(pods)
        due = min([turn, *(self._young[uid] for uid in young)])
        return {uid: pods[uid] for uid in (*young, *stand.winners)}, MonotonicNs(due)

    def _newest(self, pods: _Pods) -> list[Uid]:
        """The pods that are young, as many as there are slots, the newest first."""
        young = [uid for uid in pods if self._young.get(uid, 0) > self._now] if self._young else []

        def age(uid: Uid) -> tuple[MonotonicNs, str]:
            return (self._young[uid], _targets_of(pods[uid])[0].created)

        return heapq.nlargest(self._per_node, young, key=age)

    def _forget_young(self, now: MonotonicNs) -> None:
        """Let go of those that are not young any more, which are the first that were added."""
        for uid in list(takewhile(lambda one: self._young[one] <= now, self._young)):
            del self._young[uid]


def _packed(targets: Iterable[Target]) -> _Pod:
    several = tuple(targets)
    return several[0] if len(several) == 1 else several


def _targets_of(pod: _Pod) -> tuple[Target, ...]:
    return pod if isinstance(pod, tuple) else (pod,)
