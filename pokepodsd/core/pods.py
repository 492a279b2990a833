"""One Pod object of the Kubernetes API to one small `Pod` record.

Owns the knowledge of where a Pod object keeps what. Decides nothing about targets: that is
`core.selection`.
"""

from collections.abc import Mapping
from typing import Any

from pokepodsd.core.model import NodeName, Pod, Uid
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
            uid=Uid(_text(metadata["uid"])),
            namespace=_text(metadata["namespace"]),
            name=_text(metadata["name"]),
            node=NodeName(_text(spec["nodeName"])) if spec.get("nodeName") else None,
            phase=_text(status.get("phase", "")),
            ready=_is_ready(status),
            terminating=metadata.get("deletionTimestamp") is not None,
            host_network=spec.get("hostNetwork") is True,
            host=_text(status.get("hostIP") or ""),
            created=_text(metadata.get("creationTimestamp") or ""),
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
        return Uid(_text(obj["metadata"]["uid"]))
    except (KeyError, TypeError) as error:
        raise GarbledError(f"a deleted object without a uid: {error!r}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where text belongs")
    return value


def _is_ready(status: Mapping[str, Any]) -> bool:
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )


def _addresses(status: Mapping[str, Any]) -> tuple[str, ...]:
    """PodIPs, which repeats podIP as its first item since Kubernetes 1.20; podIP before that."""
    listed = [_text(item["ip"]) for item in status.get("podIPs") or () if item.get("ip")]
    single = status.get("podIP")
    if single and single not in listed:
        listed.insert(0, _text(single))
    return tuple(listed)
