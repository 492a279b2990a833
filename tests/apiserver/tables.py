"""Lists of pods as Tables, which is how kubectl asks for them.

Owns: the columns, as scene 19 of the recordings has them, and a pod's row with its metadata, which
kubectl needs for the namespace. Refuses: Tables of anything else, and in watches.
"""

import json
from collections.abc import Iterable
from functools import cache

from tests.apiserver.recordings import load_scene
from tests.apiserver.status import Json
from tests.apiserver.store import Record, serialize

# What kubectl 1.34 sends with `get pods`.
ACCEPT = ",".join(
    (
        "application/json;as=Table;v=v1;g=meta.k8s.io",
        "application/json;as=Table;v=v1beta1;g=meta.k8s.io",
        "application/json",
    )
)
NONE = "<none>"


def is_wanted(accept: str) -> bool:
    """By the header of that name."""
    return accept.startswith("application/json;as=Table;v=v1;g=meta.k8s.io")


def encode_table(metadata: Json, records: Iterable[Record]) -> bytes:
    """The whole body; `metadata` is the list's."""
    head = b'{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":%s,"columnDefinitions":%s,'
    rows = b",".join(serialize(_row(json.loads(record.data))) for record in records)
    return head % (serialize(metadata), _columns()) + b'"rows":[' + rows + b"]}\n"


@cache
def _columns() -> bytes:
    return serialize(load_scene("19")["response"]["body"]["columnDefinitions"])


def _row(pod: Json) -> Json:
    status = pod.get("status", {})
    containers = status.get("containerStatuses", ())
    ready = sum(container["ready"] for container in containers)
    cells = [
        pod["metadata"]["name"],
        f"{ready}/{len(pod['spec']['containers'])}",
        status.get("reason") or status.get("phase", ""),
        str(sum(container["restartCount"] for container in containers)),
        "2d",
        status.get("podIP", NONE),
        pod["spec"].get("nodeName", NONE),
        NONE,
        NONE,
    ]
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {"cells": cells, "object": partial | {"metadata": pod["metadata"]}}
