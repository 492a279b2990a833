"""Which pods of one node have its slots.

Owns rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit rates",
1998): each slot takes the pod of the highest weight that no slot before it has. So the choice hangs
on the set of pods and on the time alone: a pod that comes or goes changes at most one other, and a
restart of the daemon changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pokepodsd.core.model import SECOND_NS, MonotonicNs, NodeName, Uid

# Every so often one of a node's slots chooses anew. With 3 slots a pod is poked for half an hour,
# long enough to see it fail and come back. 30 pods have all had a slot of one node after some 17
# hours (n ln n draws); at any time 100 nodes together leave out none of them (30 e^-10).
ROTATION_NS = 600 * SECOND_NS
_WORD = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Stand:
    """Who has the slots, by the salts of these, and with which weights."""

    winners: Sequence[Uid]
    salts: Sequence[int]
    weights: Sequence[int]

    def hangs_on(self, uid: Uid) -> bool:
        """Whether it changes when this pod comes or goes: it has a slot, or would take one."""
        one = _hash(uid)
        slots = zip(self.salts, self.weights, strict=True)
        return any(salt * one & _WORD >= weight for salt, weight in slots)


def standing(pods: Iterable[Uid], salts: Sequence[int]) -> Stand:
    """For each salt the pod of the highest weight that is left, while some are."""
    uids = list(pods)
    hashes = [_hash(uid) for uid in uids]
    winners, highest = [], []
    taken = salts[: len(uids)]
    for salt in taken:
        weights = [salt * one & _WORD for one in hashes]
        best = weights.index(max(weights))
        highest.append(weights[best])
        winners.append(uids.pop(best))
        del hashes[best]
    return Stand(winners, taken, highest)


@lru_cache(maxsize=4096)
def salt_of(own: str, slot: int, epoch: int) -> int:
    """What a pod's hash is multiplied by: odd, so that no two hashes get one weight."""
    return _hash("slot", own, str(slot), str(epoch)) | 1


@lru_cache(maxsize=64)
def salts_of(own: str, number: int, slots: int) -> Sequence[int]:
    """Those of all slots after so many rotations: a slot's epoch is the last that was its turn.

    All nodes have one of two numbers at a time, and share what they have of the same.
    """
    return tuple(salt_of(own, slot, number - (number - slot) % slots) for slot in range(slots))


def rotation(own: str, node: NodeName | None, now: MonotonicNs) -> tuple[int, int]:
    """How often the node has rotated since this host booted, and when it does next."""
    phase = _hash("phase", own, node or "") % ROTATION_NS
    number = (now + phase) // ROTATION_NS
    return number, (number + 1) * ROTATION_NS - phase


def _hash(*parts: str) -> int:
    """64 bits that are the same in every process; a name may hold what is no Unicode."""
    from hashlib import blake2b  # noqa: PLC0415 -- OpenSSL's 3 MB, which no pods do not need

    text = "\0".join(parts).encode(errors="surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
