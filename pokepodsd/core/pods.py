"""One Pod object of the Kubernetes API to one small `Pod` record.

Owns the knowledge of where a Pod object keeps what. Decides nothing about targets: that is
`core.selection`.
"""

from collections.abc import Mapping
from typing import Any

from pokepodsd.core.model import NodeName, Pod, Uid
from pokepodsd.core.objects import (
    UNREADABLE,
    is_ready,
    name_of,
    object_of,
    objects_of,
    text_of,
    trouble,
)
from pokepodsd.errors import GarbledError

# Kubernetes has one of each family at most.
_MOST_ADDRESSES = 8


def pod_from_object(obj: Mapping[str, Any]) -> Pod:
    """Read a core/v1 Pod as `json.loads` gives it.

    Raises:
        GarbledError: it has no uid, namespace or name, or a part is not of its documented type.
    """
    try:
        whole = object_of(obj, "the pod")
        metadata = object_of(whole["metadata"], "metadata")
        spec = object_of(whole.get("spec") or {}, "spec")
        status = object_of(whole.get("status") or {}, "status")
        return Pod(
            uid=Uid(text_of(metadata["uid"], "uid")),
            namespace=text_of(metadata["namespace"], "namespace"),
            name=text_of(metadata["name"], "name"),
            node=NodeName(text_of(spec["nodeName"], "nodeName")) if spec.get("nodeName") else None,
            phase=text_of(status.get("phase") or "", "phase"),
            ready=is_ready(status),
            terminating=metadata.get("deletionTimestamp") is not None,
            host_network=spec.get("hostNetwork") is True,
            host=text_of(status.get("hostIP") or "", "hostIP"),
            created=text_of(metadata.get("creationTimestamp") or "", "creationTimestamp"),
            addresses=_addresses(status),
        )
    except UNREADABLE as error:
        raise GarbledError(f"{name_of(obj)}: {trouble(error)}") from error


def uid_of(obj: Mapping[str, Any]) -> Uid:
    """The uid alone: all that is needed of a DELETED event's object.

    Raises:
        GarbledError: it has none.
    """
    try:
        metadata = object_of(object_of(obj, "the pod")["metadata"], "metadata")
        return Uid(text_of(metadata["uid"], "uid"))
    except UNREADABLE as error:
        raise GarbledError(f"{name_of(obj)}, which is deleted: {trouble(error)}") from error


def _addresses(status: Mapping[str, Any]) -> tuple[str, ...]:
    """PodIPs, which repeats podIP as its first item since Kubernetes 1.20; podIP before that."""
    items = objects_of(status.get("podIPs"), "podIPs", _MOST_ADDRESSES)
    listed = [text_of(item["ip"], "podIPs") for item in items if item.get("ip")]
    single = status.get("podIP")
    if single and single not in listed:
        listed.insert(0, text_of(single, "podIP"))
    return tuple(listed)
