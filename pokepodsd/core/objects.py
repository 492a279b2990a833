"""What Pod and Node objects of the Kubernetes API have in common.

Owns the reading of texts, parts and conditions; raises one of `UNREADABLE` where a part is not of
its documented type, which whoever reads an object turns into its own error.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

UNREADABLE: Final = (KeyError, TypeError, ValueError)
# No name of Kubernetes is longer (RFC 1123, a subdomain), and no other text that is read.
LONGEST_TEXT: Final = 253
_LONGEST_NAME: Final = 80
# A pod has five, and one for each readiness gate; a node some ten.
_MOST_CONDITIONS: Final = 1_000
# As an operator knows them.
_KINDS: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def text_of(value: object, field: str) -> str:
    """The value, which must be text of at most `LONGEST_TEXT` bytes."""
    if not isinstance(value, str):
        raise _wrong(value, field, "text")
    if len(value) > LONGEST_TEXT or not value.isascii():
        _check_text(value, field)
    return value


def object_of(value: object, field: str) -> Mapping[str, Any]:
    """The value, which must be an object."""
    if not isinstance(value, dict):
        raise _wrong(value, field, "an object")
    return value


def objects_of(value: object, field: str, most: int) -> Iterable[Mapping[str, Any]]:
    """The value, which must be a list of objects, of at most so many; null is none."""
    if not value:
        return ()
    if not isinstance(value, list):
        raise _wrong(value, field, "a list")
    if len(value) > most:
        raise ValueError(f"{field} are more than {most}")
    return [object_of(one, field) for one in value]


def is_ready(status: Mapping[str, Any]) -> bool:
    """Whether the condition Ready is True."""
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in objects_of(status.get("conditions"), "conditions", _MOST_CONDITIONS)
    )


def trouble(error: Exception) -> str:
    """What is wrong with an object whose reading ended in this."""
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def name_of(obj: object) -> str:
    """What an object that cannot be read is called, as far as that can be read."""
    metadata = obj.get("metadata") if isinstance(obj, dict) else None
    parts = metadata if isinstance(metadata, dict) else {}
    named = (parts.get("namespace"), parts.get("name"))
    return "/".join(f"{one:.{_LONGEST_NAME}}" if isinstance(one, str) else "?" for one in named)


def _wrong(value: object, field: str, wanted: str) -> TypeError:
    return TypeError(f"{field} is {_KINDS.get(type(value), '?')} where {wanted} belongs")


def _check_text(value: str, field: str) -> None:
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"{field} holds half a pair, which is no character") from error
    if size > LONGEST_TEXT:
        raise ValueError(f"{field} is longer than {LONGEST_TEXT} bytes")
