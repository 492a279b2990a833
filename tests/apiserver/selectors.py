"""Field and label selectors of pods.

Owns: parsing and matching. Refuses: fields that the test server does not index, with the message
of a real server.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tests.apiserver.status import bad_request

POD_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "spec.nodeName",
    "spec.hostNetwork",
    "status.phase",
)
_FIELD_TERM = re.compile(r"^([^!=]+?)(!=|==|=)(.*)$", re.DOTALL)
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")
_SET_TERM = re.compile(r"^(\S+)\s+(in|notin)\s*\(([^)]*)\)$")
_EQUALITY_TERM = re.compile(r"^([^!=\s]+)\s*(!=|==|=)\s*([^\s]*)$")
_PRESENCE_TERM = re.compile(r"^(!?)\s*([A-Za-z0-9./_-]+)$")
_OUTER_COMMA = re.compile(r",(?![^()]*\))")


class Selectable(Protocol):
    """What a selector may look at."""

    @property
    def labels(self) -> Mapping[str, str]: ...

    def field(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class FieldRequirement:
    """One term of a field selector."""

    field: str
    is_equal: bool
    value: str

    def is_met(self, record: Selectable) -> bool:
        return (record.field(self.field) == self.value) is self.is_equal


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """`values` of None asks for presence alone; an absent label meets every negated requirement."""

    key: str
    is_wanted: bool
    values: frozenset[str] | None

    def is_met(self, record: Selectable) -> bool:
        value = record.labels.get(self.key)
        if value is None:
            return not self.is_wanted
        return (self.values is None or value in self.values) is self.is_wanted


@dataclass(frozen=True, slots=True)
class Selector:
    """Both selectors of a request; empty selects everything."""

    fields: tuple[FieldRequirement, ...] = ()
    labels: tuple[LabelRequirement, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.fields and not self.labels

    def matches(self, record: Selectable) -> bool:
        return all(r.is_met(record) for r in self.fields) and all(
            r.is_met(record) for r in self.labels
        )

    def required_value(self, field: str) -> str | None:
        """The value that a field must have, where the selector names it by equality."""
        for requirement in self.fields:
            if requirement.field == field and requirement.is_equal:
                return requirement.value
        return None


def parse_field_selector(text: str) -> tuple[FieldRequirement, ...]:
    """Parses without looking at which fields exist: the authorizer reads it before that check."""
    return tuple(_parse_field_term(term, text) for term in _UNESCAPED_COMMA.split(text) if term)


def check_fields(requirements: tuple[FieldRequirement, ...], supported: tuple[str, ...]) -> None:
    for requirement in requirements:
        if requirement.field not in supported:
            raise bad_request(f"field label not supported: {requirement.field}")


def parse_label_selector(text: str) -> tuple[LabelRequirement, ...]:
    terms = (term.strip() for term in _OUTER_COMMA.split(text))
    return tuple(_parse_label_term(term) for term in terms if term)


def _parse_field_term(term: str, whole: str) -> FieldRequirement:
    found = _FIELD_TERM.match(term)
    if found is None:
        raise bad_request(f"invalid selector: '{whole}'; can't understand '{term}'")
    field, operator, value = found.groups()
    return FieldRequirement(field, operator != "!=", re.sub(r"\\(.)", r"\1", value))


def _parse_label_term(term: str) -> LabelRequirement:
    if found := _SET_TERM.match(term):
        values = frozenset(value.strip() for value in found[3].split(","))
        return LabelRequirement(found[1], found[2] == "in", values)
    if found := _EQUALITY_TERM.match(term):
        return LabelRequirement(found[1], found[2] != "!=", frozenset([found[3]]))
    if found := _PRESENCE_TERM.match(term):
        return LabelRequirement(found[2], not found[1], None)
    raise bad_request(f"unable to parse requirement: couldn't parse the selector string {term!r}")
