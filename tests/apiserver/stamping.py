"""Pods by the hundred thousand: one is made, the others are stamped with what is theirs.

Owns: the bytes of such pods, each as `podfactory.pod` makes it but for the owner, which they share.
Refuses: pods that differ in more than name, uid, node, host and address.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.apiserver import podfactory
from tests.apiserver.store import Record, serialize


class Stamp(NamedTuple):
    """What a pod has of its own; `host` is its node's address."""

    name: str
    node: str
    host: str
    address: str


# No text of a pod holds these by itself; the uid is hexadecimal without dashes as well.
_MARKS = Stamp("mark-name", "mark-node", "mark-host", "mark-address")
_UID = "12345678-9abc-4def-8123-456789abcdef"
_VERSION = "mark-version"


def stamp_pods(namespace: str, stamps: Iterable[Stamp], first_version: int) -> Iterator[Record]:
    """The pods of one namespace, each with a version of its own, from this one on."""
    made = podfactory.pod(
        _MARKS.name,
        namespace,
        node=_MARKS.node,
        addresses=[_MARKS.address],
        host_address=_MARKS.host,
        uid=_UID,
        labels={"app": "web"},
    )
    made["metadata"]["resourceVersion"] = _VERSION
    marks = (*_MARKS, _UID, _UID.replace("-", ""), _VERSION)
    pattern = "(" + "|".join(map(re.escape, marks)) + ")"
    pieces = re.split(pattern, serialize(made).decode())
    places = [(index, marks.index(piece)) for index, piece in enumerate(pieces) if piece in marks]
    for version, stamp in enumerate(stamps, start=first_version):
        identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{stamp.name}.{namespace}"))
        own = (*stamp, identity, identity.replace("-", ""), str(version))
        for index, mark in places:
            pieces[index] = own[mark]
        data = "".join(pieces).encode()
        labels = made["metadata"]["labels"]
        yield Record(namespace, stamp.name, version, labels, stamp.node, False, "Running", data)
