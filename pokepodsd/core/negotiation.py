"""What an HTTP client says that it takes: Accept and Accept-Encoding (RFC 9110, section 12.5).

Owns the reading of such a header. What is offered is the caller's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """One alternative, in lower case, with its weight from 0 to 1."""

    name: str
    parameters: Mapping[str, str]
    weight: float


def read_wanted(header: str) -> Iterator[Wanted]:
    """The alternatives in a header; what is none is left out."""
    for member in header.split(","):
        name, *rest = (part.strip().lower() for part in member.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if name:
            yield Wanted(name, parameters, weight)


def is_taken(name: str, header: str) -> bool:
    """Whether a client names this alternative, and not to refuse it."""
    return any(one.name == name and one.weight > 0 for one in read_wanted(header))
