"""What the reader says of the pods, to changes of the set of targets.

Owns the folding of lists and changes: the rule of selection is applied to each pod as it comes,
so that a long list is taken a page at a time, and the end of a list withdraws what it did not
name. What is many is withdrawn in parts, and so is restored what was saved: no poke waits for all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, assert_never

from pokepodsd.core.config import KubernetesConfig
from pokepodsd.core.entries import Entry, EventKind, Level
from pokepodsd.core.inventory import Delta, Inventory, Source
from pokepodsd.core.model import Family, Pod, Scope, Skip, Target, TargetId, Uid
from pokepodsd.core.records import (
    Alive,
    Asked,
    Identified,
    ListBegun,
    ListEnded,
    Lost,
    NodeGone,
    NodeSeen,
    NodesRefused,
    PodChanged,
    PodIgnored,
    PodRemoved,
    PodsListed,
    Record,
    Refused,
    ReportEnded,
    Watching,
)
from pokepodsd.core.selection import Selection

# An API server that has just started refuses what it allows (kubernetes/kubernetes#121635): the
# pods of other nodes are given up when it refused them this many times, which takes about 30 s.
REFUSALS_TO_BELIEVE = 3
# Of what is withdrawn, so many pods at once: some 10 ms.
PART = 1_000
_MOST_SAID = 1_000
# Twice what Kubernetes itself is tested for: whoever says that there are more has no cluster.
MOST_PODS: Final = 300_000
# What says nothing of any pod, but for refusals.
_State = (
    Refused | Lost | Alive | Asked | Watching | NodeSeen | NodeGone | NodesRefused | ReportEnded
)
# What is not poked for its address is said; with host_network, this host's own are no surprise.
_LEVELS = {Skip.NOT_A_POD_ADDRESS: Level.WARNING, Skip.OWN_ADDRESS: Level.DEBUG}


class Population:
    """The targets there are, by the records of the reader and the saved ones."""

    def __init__(
        self, config: KubernetesConfig, families: frozenset[Family], *, most: int = MOST_PODS
    ) -> None:
        """``most`` is how many pods there may be; all that come after them are left out."""
        self._most = most
        self.selection = Selection(config=config, node=None, families=families)
        self.entries: list[Entry] = []
        self._inventory = Inventory()
        self._unnamed: set[Uid] | None = None
        self._doomed: set[Uid] = set()
        self.is_listing = False
        """Whether a full list comes in at the moment."""
        self._last_list: Scope | None = None
        self._refusals = 0
        self._said: set[str] = set()

    def __len__(self) -> int:
        return len(self._inventory)

    def set_config(self, config: KubernetesConfig) -> None:
        """Take new settings; they hold for what is told from now on."""
        self.selection = replace(self.selection, config=config)

    def set_own_addresses(self, addresses: frozenset[str]) -> Delta:
        """The addresses of this host, which are never targets; those that were are withdrawn."""
        new = addresses - self.selection.own_addresses
        self.selection = replace(self.selection, own_addresses=addresses)
        return self._inventory.drop_addresses(new)

    def __contains__(self, target_id: TargetId) -> bool:
        return target_id in self._inventory

    def get(self, target_id: TargetId) -> Target | None:
        """The target, if it exists."""
        return self._inventory.get(target_id)

    def all(self) -> Iterator[Target]:
        """Every target there is."""
        return self._inventory.all()

    @property
    def is_withdrawing(self) -> bool:
        """Whether `withdraw_part` has something to do."""
        return bool(self._doomed)

    def withdraw_part(self) -> Delta:
        """Withdraw a part of what is to be withdrawn."""
        part = [self._doomed.pop() for _ in range(min(PART, len(self._doomed)))]
        return self._inventory.withdraw(part)

    def restore(self, saved: Iterable[Target]) -> Iterator[Delta]:
        """Take some of the last known targets, until a full list confirms or denies them."""
        for target in saved:
            uid = target.uid
            if not self._is_denied(target) and self.selection.keeps(target) and self._fits(uid):
                known = self._inventory.claims(uid) if uid in self._inventory.saved else ()
                yield self._inventory.put(Source.SAVED, uid, (*known, target))

    def _is_denied(self, saved: Target) -> bool:
        """Whether a list that is complete, or a refusal, has voided what was saved."""
        if self._last_list is Scope.CLUSTER:
            return True
        if saved.node == self.selection.node:
            return self._last_list is Scope.NODE
        return self._refusals >= REFUSALS_TO_BELIEVE

    def take(self, record: Record) -> Iterator[Delta]:
        """Take one record of the reader."""
        match record:
            case Identified(node=node):
                self.selection = replace(self.selection, node=node)
            case ListBegun():
                self._unnamed = set(self._inventory.pods)
                self._doomed.clear()
                self.is_listing = True
            case PodsListed(pods=pods):
                for pod in pods:
                    yield self._put(pod)
            case PodChanged(pod=pod):
                yield self._put(pod)
            case PodRemoved(uid=uid):
                yield self._inventory.put(Source.API, uid, ())
            case ListEnded(scope=scope):
                self._end_list(scope)
                yield self.withdraw_part()
            case PodIgnored(reason=reason):
                text = f"a pod that the API server sent cannot be read: {reason}"
                self._say(text, Level.WARNING)
            case _:
                yield from self._take_state(record)

    def _take_state(self, record: _State) -> Iterator[Delta]:
        match record:
            case Refused():
                self._abandon_list()
                self._refusals += 1
                if self._refusals == REFUSALS_TO_BELIEVE:
                    self._doomed.update(self._foreign())
                    yield self.withdraw_part()
            case Lost():
                # A list that had begun goes on later, or begins anew.
                self.is_listing = False
            case Watching():
                self._abandon_list()
            case Alive() | Asked() | NodeSeen() | NodeGone() | NodesRefused():
                pass
            case ReportEnded():
                pass
            case _:
                assert_never(record)

    def _abandon_list(self) -> None:
        """A list that had begun does not end: whoever watches, or was refused, is not listing."""
        self.is_listing = False
        self._unnamed = None

    def _put(self, pod: Pod) -> Delta:
        if self._unnamed is not None:
            self._unnamed.discard(pod.uid)
        self._doomed.discard(pod.uid)
        if not self._fits(pod.uid):
            return Delta()
        return self._inventory.put(Source.API, pod.uid, tuple(self._chosen(pod)))

    def _fits(self, uid: Uid) -> bool:
        """Whether there is room for this pod; else it is said, once."""
        pods = self._inventory.pods
        if len(pods) < self._most or uid in pods:
            return True
        text = f"there are more than {self._most:,} pods: those that came last are not poked"
        self._say(text, Level.WARNING)
        return False

    def _end_list(self, scope: Scope) -> None:
        """What the list did not name is to be withdrawn.

        Of a list of the node's own pods only these; those of other nodes stay, until the refusal
        is believed. What was saved of what was listed is void.
        """
        unnamed, self._unnamed = self._unnamed, None
        self.is_listing = False
        if unnamed is None:
            return
        self._last_list = scope
        unnamed |= self._inventory.saved
        if scope is Scope.CLUSTER:
            self._refusals = 0
            self._doomed = unnamed
            return
        foreign = set(self._foreign())
        self._doomed = unnamed - foreign
        if self._refusals >= REFUSALS_TO_BELIEVE:
            self._doomed |= foreign

    def _foreign(self) -> Iterator[Uid]:
        """The pods on other nodes than this, or on none."""
        own = self.selection.node
        return (uid for uid in self._inventory.pods if self._inventory.claims(uid)[0].node != own)

    def _chosen(self, pod: Pod) -> Iterator[Target]:
        for item in self.selection.targets(pod):
            if isinstance(item, Target):
                yield item
            elif item.reason in _LEVELS:
                text = f"{pod.namespace}/{pod.name}: {item.address} is not poked: "
                self._say(text + item.reason.value, _LEVELS[item.reason])

    def _say(self, text: str, level: Level) -> None:
        """Once for each text: a pod comes again with every list and every change."""
        if text in self._said or len(self._said) >= _MOST_SAID:
            return
        self._said.add(text)
        self.entries.append(Entry(kind=EventKind.POD_IGNORED, level=level, text=text))
