"""Folds what every source knows into one set of targets: added, changed, withdrawn.

Owns which targets exist. The end of a full list withdraws what the list did not name; a source
that is lost withdraws nothing. Where several pods claim one address (a pod that is gone and its
successor, or two on the host network), one of them has it: the API's word beats the saved one,
and the newer pod the older.
"""

from collections.abc import Callable, Collection, Mapping, ValuesView
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


_Claim = tuple[Source, Target]


class Inventory:
    """The targets there are, by what their sources say."""

    def __init__(self) -> None:
        self._parts: dict[Source, dict[Uid, tuple[Target, ...]]] = {s: {} for s in Source}
        self._claims: dict[str, tuple[_Claim, ...]] = {}
        self._targets: dict[TargetId, Target] = {}

    def __len__(self) -> int:
        return len(self._targets)

    def __contains__(self, target_id: TargetId) -> bool:
        return target_id in self._targets

    def get(self, target_id: TargetId) -> Target | None:
        """The target, if it exists."""
        return self._targets.get(target_id)

    def all(self) -> ValuesView[Target]:
        """Every target there is."""
        return self._targets.values()

    def retain(self, source: Source, is_kept: Callable[[Target], bool]) -> Delta:
        """Drop what the source said before of every pod whose targets are not kept."""
        part = self._parts[source]
        gone = [uid for uid, targets in part.items() if not is_kept(targets[0])]
        touched: dict[str, Target | None] = {}
        for uid in gone:
            self._set(source, uid, (), touched)
        return self._settle(touched)

    def drop_addresses(self, addresses: Collection[str]) -> Delta:
        """Drop every claim to these addresses; what else their pods have stays."""
        touched: dict[str, Target | None] = {}
        for address in addresses:
            for source, target in self._claims.get(address, ()):
                kept = tuple(
                    one for one in self._parts[source][target.uid] if one.address != address
                )
                self._set(source, target.uid, kept, touched)
        return self._settle(touched)

    def put(self, source: Source, uid: Uid, targets: tuple[Target, ...]) -> Delta:
        """Take one pod's targets as they are now; none withdraws them."""
        touched: dict[str, Target | None] = {}
        self._set(source, uid, targets, touched)
        return self._settle(touched)

    def _set(
        self,
        source: Source,
        uid: Uid,
        targets: tuple[Target, ...],
        touched: dict[str, Target | None],
    ) -> None:
        """Change the claims, and note who held each address before."""
        part = self._parts[source]
        old = part.get(uid, ())
        if old == targets:
            return
        for target in old:
            self._note(target.address, touched)
            left = tuple(c for c in self._claims[target.address] if c != (source, target))
            if left:
                self._claims[target.address] = left
            else:
                del self._claims[target.address]
        for target in targets:
            self._note(target.address, touched)
            claims = self._claims.get(target.address, ())
            self._claims[target.address] = (*claims, (source, target))
        if targets:
            part[uid] = targets
        else:
            part.pop(uid, None)

    def _note(self, address: str, touched: dict[str, Target | None]) -> None:
        if address not in touched:
            touched[address] = self._holder(address)

    def _holder(self, address: str) -> Target | None:
        claims = self._claims.get(address)
        if not claims:
            return None
        return max(claims, key=lambda claim: (claim[0], claim[1].created, claim[1].id))[1]

    def _settle(self, touched: Mapping[str, Target | None]) -> Delta:
        delta = Delta()
        for address, before in touched.items():
            after = self._holder(address)
            if before is after or before == after:
                continue
            if before is not None and after is not None and before.id == after.id:
                delta.changed.append(after)
                self._targets[after.id] = after
                continue
            if before is not None:
                delta.withdrawn.append(before)
                del self._targets[before.id]
            if after is not None:
                delta.added.append(after)
                self._targets[after.id] = after
        return delta
