"""What Pod and Node objects of the Kubernetes API have in common.

Owns the reading of texts and conditions; raises TypeError or AttributeError where a part is not of
its documented type, which whoever reads an object turns into its own error.
"""

from collections.abc import Mapping
from typing import Any


def text_of(value: object) -> str:
    """The value, which must be text."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where text belongs")
    return value


def is_ready(status: Mapping[str, Any]) -> bool:
    """Whether the condition Ready is True."""
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in status.get("conditions") or ()
    )
