"""What Pod and Node objects of the Kubernetes API have in common.

Owns the reading of texts and conditions; raises one of `UNREADABLE` where a part is not of its
documented type, which whoever reads an object turns into its own error.
"""

from collections.abc import Mapping
from typing import Any

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
_LONGEST_NAME = 80
# No name of Kubernetes is longer (RFC 1123, a subdomain), and no other text that is read.
LONGEST_TEXT = 253


def text_of(value: object, field: str) -> str:
    """The value, which must be text of at most `LONGEST_TEXT` bytes."""
    if not isinstance(value, str):
        raise TypeError(f"{field} is {type(value).__name__} where text belongs")
    if len(value) > LONGEST_TEXT or not value.isascii():
        _check_text(value, field)
    return value


def _check_text(value: str, field: str) -> None:
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"{field} holds half a pair, which is no character") from error
    if size > LONGEST_TEXT:
        raise ValueError(f"{field} is longer than {LONGEST_TEXT} bytes")


def trouble(error: Exception) -> str:
    """What is wrong with an object whose reading ended in this."""
    return f"no {error}" if isinstance(error, KeyError) else str(error)


def name_of(obj: Mapping[str, Any]) -> str:
    """What an object that cannot be read is called, as far as that can be read."""
    metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
    parts = metadata if isinstance(metadata, dict) else {}
    named = (parts.get("namespace"), parts.get("name"))
    return "/".join(f"{one:.{_LONGEST_NAME}}" if isinstance(one, str) else "?" for one in named)


def is_ready(status: Mapping[str, Any]) -> bool:
    """Whether the condition Ready is True."""
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )
