"""Writes through the normal API: pods, their status, binding and deletion, and simple objects.

Owns: what the registry of kube-apiserver does to an object on its way in. Refuses: admission,
managedFields bookkeeping and validation of specs.
"""

import copy
from typing import Any

from tests.apiserver.status import Json, already_exists, bad_request, conflict, not_found
from tests.apiserver.store import Record, Store, timestamp

POD_DEFAULTS: Json = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
    "priority": 0,
    "preemptionPolicy": "PreemptLowerPriority",
}
ENDED_PHASES = ("Succeeded", "Failed")


def merge(target: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def create_pod(store: Store, namespace: str, pod: Json) -> Json:
    name = _name_of(pod)
    if store.find_pod(namespace, name) is not None:
        raise already_exists("pods", name)
    given = pod.get("metadata", {})
    metadata: Json = {"name": name, "namespace": namespace, "uid": "", "resourceVersion": ""}
    metadata |= {"generation": 1, "creationTimestamp": timestamp()}
    kept = ("labels", "annotations", "ownerReferences", "managedFields")
    metadata |= {key: given[key] for key in kept if key in given}
    # The server, not the client, gives identity: the store fills it in.
    del metadata["uid"]
    spec = POD_DEFAULTS | pod.get("spec", {})
    status = {"phase": "Pending", "qosClass": _quality_of_service(spec)}
    return typed(store.put_pod({"metadata": metadata, "spec": spec, "status": status}))


def typed(record: Record) -> Json:
    return {"kind": "Pod", "apiVersion": "v1"} | record.parse()


def replace_status(store: Store, namespace: str, name: str, pod: Json) -> Json:
    record = store.pod(namespace, name)
    _check_version(pod, record)
    return _store_status(store, record, pod.get("status", {}))


def patch_status(store: Store, namespace: str, name: str, patch: Json) -> Json:
    record = store.pod(namespace, name)
    _check_version(patch, record)
    return _store_status(store, record, merge(record.parse().get("status"), patch.get("status")))


def patch_pod(store: Store, namespace: str, name: str, patch: Json) -> Json:
    """Only labels and annotations may change here; the rest of a pod is immutable or status."""
    record = store.pod(namespace, name)
    _check_version(patch, record)
    pod = record.parse()
    for key in ("labels", "annotations"):
        if key in patch.get("metadata", {}):
            changed = merge(pod["metadata"].get(key), patch["metadata"][key])
            pod["metadata"][key] = changed
            if not changed:
                del pod["metadata"][key]
    return typed(store.put_pod(pod))


def bind_pod(store: Store, namespace: str, name: str, binding: Json) -> None:
    pod = store.pod(namespace, name).parse()
    if pod["spec"].get("nodeName"):
        raise conflict("pods/binding", name)
    pod["spec"]["nodeName"] = binding["target"]["name"]
    scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
    scheduled["lastTransitionTime"] = timestamp()
    conditions = [*pod["status"].get("conditions", []), scheduled]
    pod["status"] = {"phase": "Pending", "conditions": conditions} | pod["status"]
    store.put_pod(pod)


def delete_pod(store: Store, namespace: str, name: str, grace_seconds: int | None) -> Json:
    """Graceful first, as registry/core/pod/strategy.go decides it."""
    record = store.pod(namespace, name)
    pod = record.parse()
    grace = _grace(pod, grace_seconds)
    pending = pod["metadata"].get("deletionGracePeriodSeconds")
    if grace > 0 and pending is not None and pending <= grace:
        return typed(record)
    if grace > 0 or pending is not None:
        record = store.put_pod(_mark_deleted(pod, grace))
    if grace > 0:
        return typed(record)
    return typed(store.remove_pod(namespace, name))


def create_object(store: Store, resource: str, value: Json) -> Json:
    name = _name_of(value)
    held = store.collections.setdefault(resource, {})
    if name in held:
        raise already_exists(resource, name)
    held[name] = store.stamp_object(value)
    return held[name]


def delete_object(store: Store, resource: str, name: str) -> Json:
    held = store.collections.get(resource, {})
    if name not in held:
        raise not_found(resource, name)
    uid = held.pop(name)["metadata"]["uid"]
    store.next_version()
    details = {"name": name, "kind": resource, "uid": uid}
    status: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return status | {"details": details}


def _name_of(value: Json) -> str:
    name = value.get("metadata", {}).get("name")
    if not name:
        raise bad_request("name or generateName is required")
    return str(name)


def _check_version(given: Json, record: Record) -> None:
    version = given.get("metadata", {}).get("resourceVersion")
    if version and version != str(record.version):
        raise conflict("pods", record.name)


def _store_status(store: Store, record: Record, status: Json) -> Json:
    pod = record.parse()
    # Computed by the server, whatever a client sends.
    quality = pod["status"].get("qosClass")
    pod["status"] = copy.deepcopy(status)
    if quality:
        pod["status"]["qosClass"] = quality
    return typed(store.put_pod(pod))


def _grace(pod: Json, asked: int | None) -> int:
    if not pod["spec"].get("nodeName") or pod["status"].get("phase") in ENDED_PHASES:
        return 0
    if asked is not None:
        return asked
    return int(pod["spec"].get("terminationGracePeriodSeconds", 30))


def _mark_deleted(pod: Json, grace: int) -> Json:
    metadata = pod["metadata"]
    if "deletionTimestamp" not in metadata:
        metadata["generation"] = metadata.get("generation", 1) + 1
    metadata["deletionTimestamp"] = timestamp(grace)
    metadata["deletionGracePeriodSeconds"] = grace
    return dict(pod)


def _quality_of_service(spec: Json) -> str:
    resources = [container.get("resources", {}) for container in spec.get("containers", [])]
    if not any(entry.get("requests") or entry.get("limits") for entry in resources):
        return "BestEffort"
    if all(entry.get("limits") == entry.get("requests") for entry in resources):
        return "Guaranteed"
    return "Burstable"
