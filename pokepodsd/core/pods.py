"""One Pod object of the Kubernetes API to one small `Pod` record.

Owns the knowledge of where a Pod object keeps what. Decides nothing about targets: that is
`core.selection`.
"""

from collections.abc import Mapping
from typing import Any

from pokepodsd.core.model import NodeName, Pod, Uid
from pokepodsd.core.objects import is_ready, text_of
from pokepodsd.errors import GarbledError


def pod_from_object(obj: Mapping[str, Any]) -> Pod:
    """Read a core/v1 Pod as `json.loads` gives it.

    Raises:
        GarbledError: it has no uid, namespace or name, or a part is not of its documented type.
    """
    try:
        metadata = obj["metadata"]
        spec = obj.get("spec") or {}
        status = obj.get("status") or {}
        return Pod(
            uid=Uid(text_of(metadata["uid"])),
            namespace=text_of(metadata["namespace"]),
            name=text_of(metadata["name"]),
            node=NodeName(text_of(spec["nodeName"])) if spec.get("nodeName") else None,
            phase=text_of(status.get("phase", "")),
            ready=is_ready(status),
            terminating=metadata.get("deletionTimestamp") is not None,
            host_network=spec.get("hostNetwork") is True,
            host=text_of(status.get("hostIP") or ""),
            created=text_of(metadata.get("creationTimestamp") or ""),
            addresses=_addresses(status),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise GarbledError(f"a pod object of an unknown shape: {error!r}") from error


def uid_of(obj: Mapping[str, Any]) -> Uid:
    """The uid alone: all that is needed of a DELETED event's object.

    Raises:
        GarbledError: it has none.
    """
    try:
        return Uid(text_of(obj["metadata"]["uid"]))
    except (KeyError, TypeError) as error:
        raise GarbledError(f"a deleted object without a uid: {error!r}") from error


def _addresses(status: Mapping[str, Any]) -> tuple[str, ...]:
    """PodIPs, which repeats podIP as its first item since Kubernetes 1.20; podIP before that."""
    listed = [text_of(item["ip"]) for item in status.get("podIPs") or () if item.get("ip")]
    single = status.get("podIP")
    if single and single not in listed:
        listed.insert(0, text_of(single))
    return tuple(listed)
