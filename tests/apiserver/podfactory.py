"""Pod objects as a kube-apiserver holds them, about 4.3 kB of JSON each.

Owns: the shape, after scene 12 of the recordings, with what a controller and Calico add. The same
arguments give the same object, uid included. Refuses: randomness and clocks.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import NotRequired, Required, TypedDict

from tests.apiserver.status import Json

CREATED = "2026-11-23T01:33:57Z"
IMAGE = "registry.example/app:1.4.2"
DIGEST = "registry.example/app@sha256:" + "a" * 64
CONDITIONS = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)


class PodArguments(TypedDict, total=False):
    """The arguments of `pod`, for those that send them to the server instead of the object."""

    name: Required[str]
    namespace: str
    node: str | None
    addresses: Sequence[str]
    host_address: str
    phase: str
    ready: bool
    host_network: bool
    deletion: NotRequired[str | None]
    labels: Mapping[str, str] | None
    uid: str | None
    created: str
    reason: str | None
    waiting: str | None
    restart_count: int


def pod(
    name: str,
    namespace: str = "default",
    *,
    node: str | None = "node-a",
    addresses: Sequence[str] = (),
    host_address: str = "192.168.10.11",
    phase: str = "Running",
    ready: bool = True,
    host_network: bool = False,
    deletion: str | None = None,
    labels: Mapping[str, str] | None = None,
    uid: str | None = None,
    created: str = CREATED,
    reason: str | None = None,
    waiting: str | None = None,
    restart_count: int = 0,
) -> Json:
    """`addresses` of a host-network pod default to the host's; `deletion` is a timestamp.

    `reason` is the status reason (Evicted), `waiting` that of the container (CrashLoopBackOff).
    `node` of None is a pod that waits for the scheduler: it has no conditions and no address.
    """
    if host_network and not addresses:
        addresses = (host_address,)
    identity = uid or str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{namespace}.{created}"))
    labels = {"app": name.partition("-")[0]} if labels is None else dict(labels)
    metadata: Json = {"name": name, "namespace": namespace, "uid": identity}
    metadata |= {"resourceVersion": "", "generation": 1, "creationTimestamp": created}
    if deletion is not None:
        metadata |= {"generation": 2, "deletionTimestamp": deletion}
        metadata["deletionGracePeriodSeconds"] = 30
    metadata["labels"] = labels
    if addresses and not host_network:
        metadata["annotations"] = _calico_annotations(identity, addresses)
    metadata["ownerReferences"] = [_owner(name, namespace)]
    metadata["managedFields"] = _managed_fields(labels, addresses, created)
    status: Json = {"phase": phase, "qosClass": "Burstable"}
    if node is not None:
        status = _status(phase, addresses, host_address, ready=ready, reason=reason)
        status["startTime"] = created
        state = _container_state(phase, waiting, created)
        status["containerStatuses"] = [_container_status(state, restart_count, ready=ready)]
        status["qosClass"] = "Burstable"
    return {"metadata": metadata, "spec": _spec(node, host_network=host_network), "status": status}


def fleet(
    count: int, nodes: Sequence[str] = ("node-a",), *, namespace: str = "fleet", first: int = 0
) -> Iterator[PodArguments]:
    """Arguments of `count` ready pods, spread over nodes, each with its own IPv4 address.

    Pod number n is on `nodes[n % len(nodes)]` and has address 10.64.0.0 + n + 1.
    """
    for number in range(first, first + count):
        index = number % len(nodes)
        address = 0x0A400001 + number
        octets = ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
        yield {
            "name": f"app-{number:06d}",
            "namespace": namespace,
            "node": nodes[index],
            "addresses": [octets],
            "host_address": f"192.168.{10 + index // 250}.{1 + index % 250}",
        }


def _spec(node: str | None, *, host_network: bool) -> Json:
    probe: Json = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}}
    probe |= {"timeoutSeconds": 1, "periodSeconds": 10}
    container: Json = {
        "name": "app",
        "image": IMAGE,
        "env": [_downward("POD_NAME", "metadata.name"), _downward("NODE_NAME", "spec.nodeName")],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        "readinessProbe": probe | {"successThreshold": 1, "failureThreshold": 3},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }
    spec: Json = {"containers": [container], "restartPolicy": "Always"}
    spec |= {"terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst"}
    spec["automountServiceAccountToken"] = False
    if node is not None:
        spec["nodeName"] = node
    if host_network:
        spec["hostNetwork"] = True
    tolerated = ("not-ready", "unreachable")
    return spec | {
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "tolerations": [_toleration(f"node.kubernetes.io/{name}") for name in tolerated],
        "priority": 0,
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }


def _downward(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _toleration(key: str) -> Json:
    return {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}


def _status(
    phase: str, addresses: Sequence[str], host: str, *, ready: bool, reason: str | None
) -> Json:
    status: Json = {"phase": phase}
    status["conditions"] = [_condition(type_, phase, ready=ready) for type_ in CONDITIONS]
    if reason is not None:
        status["reason"] = reason
    status |= {"hostIP": host, "hostIPs": [{"ip": host}]}
    if addresses:
        status |= {"podIP": addresses[0], "podIPs": [{"ip": address} for address in addresses]}
    return status


def _condition(type_: str, phase: str, *, ready: bool) -> Json:
    is_true = {
        "PodReadyToStartContainers": phase == "Running",
        "Ready": ready,
        "ContainersReady": ready,
    }.get(type_, True)
    condition: Json = {"type": type_, "status": "True" if is_true else "False"}
    condition |= {"lastProbeTime": None, "lastTransitionTime": None}
    if type_ == "Ready" and not ready:
        condition["reason"] = "ContainersNotReady"
    return condition


def _container_state(phase: str, waiting: str | None, started: str) -> Json:
    if phase in ("Succeeded", "Failed"):
        code, reason = (0, "Completed") if phase == "Succeeded" else (1, "Error")
        ended = {"exitCode": code, "reason": reason, "startedAt": None, "finishedAt": None}
        return {"terminated": ended}
    if waiting is not None or phase == "Pending":
        return {"waiting": {"reason": waiting or "ContainerCreating"}}
    return {"running": {"startedAt": started}}


def _container_status(state: Json, restart_count: int, *, ready: bool) -> Json:
    status: Json = {"name": "app", "state": state, "lastState": {}, "ready": ready}
    return status | {"restartCount": restart_count, "image": IMAGE, "imageID": DIGEST}


def _owner(name: str, namespace: str) -> Json:
    owner = name.rpartition("-")[0] or name
    identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{owner}.{namespace}"))
    reference: Json = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner}
    return reference | {"uid": identity, "controller": True, "blockOwnerDeletion": True}


def _calico_annotations(identity: str, addresses: Sequence[str]) -> Json:
    networks = [f"{address}/{128 if ':' in address else 32}" for address in addresses]
    return {
        "cni.projectcalico.org/containerID": identity.replace("-", "") * 2,
        "cni.projectcalico.org/podIP": networks[0],
        "cni.projectcalico.org/podIPs": ",".join(networks),
    }


def _managed_fields(labels: Mapping[str, str], addresses: Sequence[str], time: str) -> list[Json]:
    spec = ("dnsPolicy", "enableServiceLinks", "restartPolicy", "schedulerName", "securityContext")
    port = 'k:{"containerPort":8080,"protocol":"TCP"}'
    container = _owned(
        "image",
        "imagePullPolicy",
        "name",
        "terminationMessagePath",
        "terminationMessagePolicy",
    )
    container["f:ports"] = {".": {}, port: {".": {}, **_owned("containerPort", "protocol")}}
    container["f:resources"] = {".": {}, "f:requests": {".": {}, **_owned("cpu", "memory")}}
    created: Json = {
        "f:metadata": {"f:labels": {".": {}, **_owned(*labels)}},
        "f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, **container}}, **_owned(*spec)},
    }
    times = ("lastProbeTime", "lastTransitionTime", "status", "type")
    conditions = {f'k:{{"type":"{type_}"}}': {".": {}, **_owned(*times)} for type_ in CONDITIONS}
    status = _owned("containerStatuses", "hostIP", "hostIPs", "phase", "podIP", "startTime")
    ips = {f'k:{{"ip":"{address}"}}': {".": {}, **_owned("ip")} for address in addresses}
    status |= {"f:conditions": {".": {}, **conditions}, "f:podIPs": {".": {}, **ips}}
    return [
        _manager("kube-controller-manager", time, created),
        _manager("kubelet", time, {"f:status": status}) | {"subresource": "status"},
    ]


def _manager(name: str, time: str, owned: Json) -> Json:
    entry: Json = {"manager": name, "operation": "Update", "apiVersion": "v1", "time": time}
    return entry | {"fieldsType": "FieldsV1", "fieldsV1": owned}


def _owned(*names: str) -> Json:
    return {f"f:{name}": {} for name in names}
