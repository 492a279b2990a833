"""What the reader says of the pods, to changes of the set of targets.

Owns the folding of lists and changes: the rule of selection is applied to each pod as it comes,
so that a long list is taken a page at a time, and the end of a list withdraws what it did not
name.
"""

from collections.abc import Collection, Iterable, Iterator, ValuesView
from dataclasses import replace
from functools import partial
from typing import assert_never

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
_MOST_SAID = 1_000
# What says nothing of any pod, but for refusals.
_State = (
    Refused | Lost | Alive | Asked | Watching | NodeSeen | NodeGone | NodesRefused | ReportEnded
)
# What is not poked for its address is said; with host_network, this host's own are no surprise.
_LEVELS = {Skip.NOT_A_POD_ADDRESS: Level.WARNING, Skip.OWN_ADDRESS: Level.DEBUG}


class Population:
    """The targets there are, by the records of the reader and the saved ones."""

    def __init__(self, config: KubernetesConfig, families: frozenset[Family]) -> None:
        self.selection = Selection(config=config, node=None, families=families)
        self.entries: list[Entry] = []
        self._inventory = Inventory()
        self._listed: set[Uid] | None = None
        self.is_listing = False
        """Whether a full list comes in at the moment."""
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

    def all(self) -> ValuesView[Target]:
        """Every target there is."""
        return self._inventory.all()

    def restore(self, saved: Iterable[Target]) -> Iterator[Delta]:
        """Take the last known targets, until a full list confirms or denies them."""
        pods: dict[Uid, Pod] = {}
        for target in saved:
            known = pods.get(target.uid)
            addresses = (*known.addresses, target.address) if known else (target.address,)
            pods[target.uid] = _pod_of(target, addresses)
        for uid, pod in pods.items():
            yield self._inventory.put(Source.SAVED, uid, tuple(self._chosen(pod)))

    def take(self, record: Record) -> Iterator[Delta]:
        """Take one record of the reader."""
        match record:
            case Identified(node=node):
                self.selection = replace(self.selection, node=node)
            case ListBegun():
                self._listed = set()
                self.is_listing = True
            case PodsListed(pods=pods):
                for pod in pods:
                    yield self._put(pod)
            case PodChanged(pod=pod):
                yield self._put(pod)
            case PodRemoved(uid=uid):
                if self._listed is not None:
                    self._listed.discard(uid)
                yield self._inventory.put(Source.API, uid, ())
            case ListEnded(scope=scope):
                yield from self._end_list(scope)
            case PodIgnored(reason=reason):
                text = f"a pod that the API server sent cannot be read: {reason}"
                self._say(text, Level.WARNING)
            case _:
                yield from self._take_state(record)

    def _take_state(self, record: _State) -> Iterator[Delta]:
        match record:
            case Refused():
                self._refusals += 1
                if self._refusals == REFUSALS_TO_BELIEVE:
                    yield from self._keep_own(None)
            case Lost():
                # A list that had begun goes on later, or begins anew.
                self.is_listing = False
            case Alive() | Asked() | Watching() | NodeSeen() | NodeGone() | NodesRefused():
                pass
            case ReportEnded():
                pass
            case _:
                assert_never(record)

    def _put(self, pod: Pod) -> Delta:
        if self._listed is not None:
            self._listed.add(pod.uid)
        return self._inventory.put(Source.API, pod.uid, tuple(self._chosen(pod)))

    def _end_list(self, scope: Scope) -> Iterator[Delta]:
        listed, self._listed = self._listed, None
        self.is_listing = False
        if listed is None:
            return
        if scope is Scope.CLUSTER:
            self._refusals = 0
            yield self._inventory.retain(Source.API, lambda target: target.uid in listed)
            yield self._inventory.retain(Source.SAVED, lambda _: False)
        else:
            yield from self._keep_own(listed)

    def _keep_own(self, listed: Collection[Uid] | None) -> Iterator[Delta]:
        """Keep the node's own pods that were listed, all of them where no list is at hand (None).

        A list of them voids what was saved of them.
        """
        for source in Source:
            known = () if listed is not None and source is Source.SAVED else listed
            yield self._inventory.retain(source, partial(self._is_kept, known))

    def _is_kept(self, known: Collection[Uid] | None, target: Target) -> bool:
        """Of this node what is known; of other nodes all, until the refusal is believed."""
        if target.node == self.selection.node:
            return known is None or target.uid in known
        return self._refusals < REFUSALS_TO_BELIEVE

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


def _pod_of(target: Target, addresses: tuple[str, ...]) -> Pod:
    """The pod of a saved target, so that the rule of selection is applied to it as to any other."""
    return Pod(
        uid=target.uid,
        namespace=target.namespace,
        name=target.name,
        node=target.node,
        phase="Running",
        ready=False,
        terminating=False,
        host_network=False,
        host=target.host,
        created=target.created,
        addresses=addresses,
    )
