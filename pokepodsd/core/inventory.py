"""Folds what every source knows into one set of targets: added, changed, withdrawn.

Owns which targets exist. A source that is lost withdraws nothing. What was saved of a pod holds
until the API speaks of it. Where several pods claim one address (a pod that is gone and its
successor, or two on the host network), one of them has it: the API's word beats the saved one,
and the newer pod the older.
"""

from collections.abc import Collection, Iterable, Iterator, KeysView, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import IntEnum

from pokepodsd.core.model import Target, TargetId, Uid


class Source(IntEnum):
    """Who says that a target exists; the higher is believed more."""

    SAVED = 0
    API = 1


@dataclass(slots=True)
class Delta:
    """What a change of the sources did to the set of targets."""

    added: list[Target] = field(default_factory=list)
    changed: list[Target] = field(default_factory=list)
    withdrawn: list[Target] = field(default_factory=list)


# Of 150,000 pods nearly all have one address that nobody else claims: a tuple around each would be
# 10 MB.
_Some = Target | tuple[Target, ...]
"""One target, or another number of them."""
_Touched = dict[str, Target | None]
"""Addresses with who held them before."""


class Inventory:
    """The targets there are, by what their sources say."""

    def __init__(self) -> None:
        self._pods: dict[Uid, _Some] = {}
        self._saved: set[Uid] = set()
        self._claims: dict[str, _Some] = {}

    def __len__(self) -> int:
        return len(self._claims)

    def __contains__(self, target_id: TargetId) -> bool:
        return self.get(target_id) is not None

    def get(self, target_id: TargetId) -> Target | None:
        """The target, if it exists."""
        holder = self._holder(target_id.rpartition("/")[2])
        return holder if holder is not None and holder.id == target_id else None

    def all(self) -> Iterator[Target]:
        """Every target there is."""
        for claim in self._claims.values():
            yield claim if isinstance(claim, Target) else self._best(claim)

    @property
    def pods(self) -> KeysView[Uid]:
        """The pods that a source names, with an address."""
        return self._pods.keys()

    @property
    def saved(self) -> AbstractSet[Uid]:
        """Those of them that the API has not spoken of."""
        return self._saved

    def claims(self, uid: Uid) -> tuple[Target, ...]:
        """The targets that a pod is said to have, whether it holds their addresses or not."""
        return _all_of(self._pods.get(uid, ()))

    def drop_addresses(self, addresses: Collection[str]) -> Delta:
        """Drop every claim to these addresses; what else their pods have stays."""
        touched: _Touched = {}
        for address in addresses:
            for target in _all_of(self._claims.get(address, ())):
                kept = [one for one in self.claims(target.uid) if one.address != address]
                self._set(target.uid, tuple(kept), touched)
        return self._settle(touched)

    def put(self, source: Source, uid: Uid, targets: tuple[Target, ...]) -> Delta:
        """Take one pod's targets as they are now; none withdraws them."""
        touched: _Touched = {}
        if source is Source.API:
            if uid in self._saved:
                self._note(self.claims(uid), touched)
                self._saved.discard(uid)
            self._set(uid, targets, touched)
        elif uid in self._saved or uid not in self._pods:
            self._saved.add(uid)
            self._set(uid, targets, touched)
        return self._settle(touched)

    def withdraw(self, uids: Iterable[Uid]) -> Delta:
        """Drop what was said of these pods."""
        touched: _Touched = {}
        for uid in uids:
            self._set(uid, (), touched)
        return self._settle(touched)

    def _set(self, uid: Uid, targets: tuple[Target, ...], touched: _Touched) -> None:
        """Change the claims, and note who held each address before."""
        old = self.claims(uid)
        if old != targets:
            self._note(old, touched)
            self._note(targets, touched)
            for target in old:
                others = _all_of(self._claims.pop(target.address))
                self._claim(target.address, tuple(one for one in others if one is not target))
            for target in targets:
                others = _all_of(self._claims.get(target.address, ()))
                self._claim(target.address, (*others, target))
            if targets:
                self._pods[uid] = _packed(targets)
        if not targets:
            self._pods.pop(uid, None)
            self._saved.discard(uid)

    def _claim(self, address: str, targets: tuple[Target, ...]) -> None:
        if targets:
            self._claims[address] = _packed(targets)

    def _note(self, targets: Iterable[Target], touched: _Touched) -> None:
        for target in targets:
            if target.address not in touched:
                touched[target.address] = self._holder(target.address)

    def _holder(self, address: str) -> Target | None:
        claim = self._claims.get(address)
        return self._best(claim) if isinstance(claim, tuple) else claim

    def _best(self, claims: tuple[Target, ...]) -> Target:
        return max(claims, key=lambda one: (one.uid not in self._saved, one.created, one.id))

    def _settle(self, touched: Mapping[str, Target | None]) -> Delta:
        delta = Delta()
        for address, before in touched.items():
            after = self._holder(address)
            if before is after or before == after:
                continue
            if before is not None and after is not None and before.id == after.id:
                delta.changed.append(after)
                continue
            if before is not None:
                delta.withdrawn.append(before)
            if after is not None:
                delta.added.append(after)
        return delta


def _packed(targets: tuple[Target, ...]) -> _Some:
    return targets[0] if len(targets) == 1 else targets


def _all_of(some: _Some) -> tuple[Target, ...]:
    return some if isinstance(some, tuple) else (some,)
