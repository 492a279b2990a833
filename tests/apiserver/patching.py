"""Patches: which media types there are, and what they do to an object.

Owns: strategic merge as far as lists that are merged by their elements' type need it. Refuses:
JSON patch and server-side apply.
"""

from typing import Any

from tests.apiserver.status import Json, StatusError
from tests.apiserver.writing import merge

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
# apiserver endpoints/handlers/patch.go and negotiation/errors.go
_ACCEPTED = f"application/json-patch+json, {MERGE}, application/apply-patch+yaml, {STRATEGIC}"
# Lists of a Node's status that have a patchMergeKey: api/core/v1/types.go, NodeStatus.
_MERGED_BY_TYPE = ("conditions", "addresses")


def apply_patch(value: Json, patch: Json, content_type: str) -> Json:
    """The patched object."""
    match content_type.partition(";")[0].strip():
        case "application/merge-patch+json":
            merged = merge(value, patch)
        case "application/strategic-merge-patch+json":
            merged = _merge_strategically(value, patch)
        case _:
            message = (
                "the body of the request was in an unknown format - accepted media types include: "
                f"{_ACCEPTED}"
            )
            raise StatusError(415, message)
    assert isinstance(merged, dict)
    return merged


def _merge_strategically(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        # "$setElementOrder/conditions" and the like only say in which order the elements come.
        if key.startswith("$"):
            continue
        if value is None:
            merged.pop(key, None)
        elif key in _MERGED_BY_TYPE:
            merged[key] = _merge_list(merged.get(key) or [], value)
        else:
            merged[key] = _merge_strategically(merged.get(key), value)
    return merged


def _merge_list(held: list[Json], patches: list[Json]) -> list[Json]:
    """The elements by their types, the new ones at the end."""
    merged = {element["type"]: element for element in held}
    for patch in patches:
        if "type" not in patch:
            raise StatusError(500, "map: does not contain declared merge key: type")
        if patch.get("$patch") == "delete":
            merged.pop(patch["type"], None)
        else:
            merged[patch["type"]] = _merge_strategically(merged.get(patch["type"]), patch)
    return list(merged.values())
