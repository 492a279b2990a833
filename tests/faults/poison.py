"""Pods of which one part is missing or bad: every part that is read, every bad value.

Owns the making of them. None has an address that can be a pod's, so none of them is a target,
whatever its part is.
"""

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Final

from tests.apiserver.podfactory import pod
from tests.apiserver.status import Json
from tests.fuzz.mutations import BAD, HOSTILE, Path, removed, replaced

_METADATA: Final = (
    *("uid", "namespace", "name", "creationTimestamp", "deletionTimestamp", "managedFields"),
)
PARTS: Final[tuple[Path, ...]] = (
    ("metadata",),
    *(("metadata", name) for name in _METADATA),
    ("spec",),
    ("spec", "nodeName"),
    ("spec", "hostNetwork"),
    ("status",),
    *(("status", name) for name in ("phase", "hostIP", "podIP", "podIPs", "conditions")),
    ("status", "podIPs", 0),
    ("status", "podIPs", 0, "ip"),
    ("status", "conditions", 0),
    ("status", "conditions", 0, "type"),
    ("status", "conditions", 0, "status"),
)
"""Every part of a Pod that is read, and those that hold it."""
FEW: Final[tuple[Any, ...]] = (None, 17, [], {"a": 1}, "", *HOSTILE[:2], HOSTILE[7], "x" * 5_000)


def poisoned(values: Sequence[Any] = BAD, parts: Sequence[Path] = PARTS) -> Iterator[Json]:
    """Pods with one part that is missing, or one of these."""
    number = 0
    for part in parts:
        for value in values:
            number += 1
            yield replaced(_sound(number), part, value)
        number += 1
        yield removed(_sound(number), part)


def _sound(number: int) -> Json:
    """A pod whose one address nobody can have: what cannot be read of it is one part alone."""
    addresses = ["240.0.0.1"]
    made = pod(f"poison-{number}", "shop", addresses=addresses, deletion="2026-11-23T01:33:57Z")
    made["spec"]["hostNetwork"] = False
    del made["status"]["containerStatuses"]
    return copy.deepcopy(made)
