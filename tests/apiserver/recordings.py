"""The recorded scenes, and what makes an answer comparable with one.

Owns: reading `tests/recordings` and blanking what differs between any two clusters. Refuses: to
judge.
"""

import functools
import json
from pathlib import Path

from tests.apiserver.status import Json

FOLDER = Path(__file__).resolve().parent.parent / "recordings"
CHANGING_HEADERS = frozenset(
    {
        "Audit-Id",
        "Content-Length",
        "Date",
        "X-Kubernetes-Pf-Flowschema-Uid",
        "X-Kubernetes-Pf-Prioritylevel-Uid",
    }
)
CHANGING_FIELDS = frozenset({"uid", "resourceVersion", "creationTimestamp", "continue"})
BLANK = "*"


@functools.cache
def load_scene(name: str) -> Json:
    """A scene by the number that its file begins with."""
    (path,) = FOLDER.glob(f"{name}-*.json")
    scene: Json = json.loads(path.read_text())
    return scene


def recorded_pods() -> list[Json]:
    """The thirteen pods of scene 12, each parsed anew."""
    pods: list[Json] = json.loads(json.dumps(load_scene("12")["response"]["body"]["items"]))
    return pods


def normalise_headers(headers: dict[str, str]) -> dict[str, str]:
    """Names and values; of what each cluster makes up, only that it is there."""
    return {
        name: BLANK if name in CHANGING_HEADERS else value
        for name, value in sorted(headers.items())
    }


def normalise(value: object) -> object:
    """The same object with versions, identities, times and tokens blanked."""
    if isinstance(value, dict):
        return {
            key: BLANK if _changes(key, child) else normalise(child) for key, child in value.items()
        }
    if isinstance(value, list):
        return [normalise(child) for child in value]
    return value


def _changes(key: str, value: object) -> bool:
    if key in ("time", "deletionTimestamp", "lastTransitionTime"):
        return isinstance(value, str)
    return key in CHANGING_FIELDS
