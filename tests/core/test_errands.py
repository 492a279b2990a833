"""What the daemon orders comes back as it was written, or is nothing at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.errands import (
    LONGEST_ERRAND,
    LONGEST_TEXT,
    ConditionReport,
    Errand,
    EventReport,
    Lookup,
    Status,
    cut,
    decode_errand,
    encode_errand,
)
from pokepodsd.core.model import NodeName, WallNs
from pokepodsd.errors import GarbledError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
TEXTS = st.text(max_size=LONGEST_TEXT).map(cut)
TIMES = st.integers(0, 2**63 - 1).map(WallNs)
REASONS = st.from_regex(r"[A-Z][A-Za-z0-9]{0,127}", fullmatch=True)
EVENTS = st.builds(
    EventReport,
    reason=REASONS,
    text=TEXTS,
    is_warning=st.booleans(),
    is_new=st.booleans(),
    count=st.integers(1, 10_000),
    first_ns=TIMES,
    last_ns=TIMES,
)
CONDITIONS = st.builds(
    ConditionReport,
    status=st.sampled_from(Status),
    reason=REASONS,
    text=TEXTS,
    since_ns=TIMES,
)
EVENT: dict[str, Any] = {
    "reason": "PokePodsTunnelBroken",
    "text": "the tunnel is broken",
    "is_warning": True,
    "is_new": True,
    "count": 1,
    "first_ns": 5,
    "last_ns": 6,
}
CONDITION: dict[str, Any] = {"status": "True", "reason": "Good", "text": "well", "since_ns": 5}


def line_of(name: str, body: object) -> bytes:
    return json.dumps([name, body]).encode()


@pytest.mark.parametrize("name", ["a", "node-a", "ip-10-0-0-1.ec2.internal", "0", "n" * 253])
def test_lookup_comes_back_as_it_was_written(name: str) -> None:
    """Every name that Kubernetes allows a node crosses in one line."""
    lookup = Lookup(node=NodeName(name))
    line = encode_errand(lookup)
    assert line.count(b"\n") == 1
    assert decode_errand(line[:-1]) == lookup


@given(EVENTS | CONDITIONS)
def test_report_comes_back_as_it_was_written(report: Errand) -> None:
    """In one line that is no longer than the reader takes."""
    line = encode_errand(report)
    assert line.count(b"\n") == 1
    assert len(line) <= LONGEST_ERRAND
    assert decode_errand(line[:-1]) == report


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a?b", "Node", "-a", "a-", "a b", "n" * 254]
)
def test_what_is_no_name_of_a_node_is_no_lookup(name: str) -> None:
    """What would ask for something else than one Node never becomes a URL: the empty name would
    list all of them.
    """
    with pytest.raises(GarbledError, match="not the name of a node"):
        decode_errand(encode_errand(Lookup(node=NodeName(name)))[:-1])


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_line_is_an_errand_or_garbled(line: bytes) -> None:
    """No garbage raises anything but GarbledError."""
    try:
        errand = decode_errand(line)
    except GarbledError:
        return
    assert decode_errand(encode_errand(errand)[:-1]) == errand


@given(st.sampled_from(["look-up", "event", "condition"]), JSON)
def test_right_name_with_a_wrong_body_is_garbled(name: str, body: object) -> None:
    """So is what only begins as an errand does."""
    try:
        errand = decode_errand(line_of(name, body))
    except GarbledError:
        return
    assert isinstance(errand, Lookup)


WRONG = {
    "reason": "a reason that is not one word",
    "text": "a text that is none, or too long",
    "status": "is not a valid Status",
    "more": "unexpected keyword argument 'more'",
    **dict.fromkeys(("is_new", "is_warning"), "a flag that is not true or false"),
    **dict.fromkeys(
        ("count", "first_ns", "last_ns", "since_ns"), "a number that is none, or out of range"
    ),
}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("event", {"reason": "two words"}),
        ("event", {"reason": "lower"}),
        ("event", {"reason": 5}),
        ("event", {"text": "x" * (LONGEST_TEXT + 1)}),
        ("event", {"text": None}),
        ("event", {"is_new": 1}),
        ("event", {"is_warning": "yes"}),
        ("event", {"count": 0}),
        ("event", {"count": True}),
        ("event", {"count": 1.5}),
        ("event", {"first_ns": -1}),
        ("event", {"last_ns": 2**63}),
        ("event", {"more": 1}),
        ("condition", {"status": "true"}),
        ("condition", {"status": None}),
        ("condition", {"since_ns": "now"}),
        ("condition", {"text": "\u00e9" * 600}),
        ("condition", {"more": 1}),
    ],
)
def test_one_wrong_field_is_garbled(kind: str, change: dict[str, Any]) -> None:
    """Every field is of its type and in its range; what is wrong is said."""
    whole = EVENT if kind == "event" else CONDITION
    assert decode_errand(line_of(kind, whole))
    (field,) = change
    with pytest.raises(GarbledError, match=f"^not an errand: .*{WRONG[field]}"):
        decode_errand(line_of(kind, {**whole, **change}))


@pytest.mark.parametrize("missing", list(EVENT))
def test_missing_field_is_garbled(missing: str) -> None:
    """None has a default."""
    with pytest.raises(GarbledError):
        decode_errand(
            line_of("event", {name: value for name, value in EVENT.items() if name != missing})
        )


@pytest.mark.parametrize(
    "line", [b"[" * 100_000, b'["look-up","node-', b'["look-up","node-["look-up","node-b"]', b"[]"]
)
def test_half_an_errand_is_garbled(line: bytes) -> None:
    """One that was cut short spoils at most the next one, and makes no third of them."""
    with pytest.raises(GarbledError):
        decode_errand(line)


@pytest.mark.parametrize("text", ["", "short", "x" * 5000, "\u00e9" * 2000, "\U0001f600" * 600])
def test_text_is_cut_between_characters(text: str) -> None:
    """At most 1,024 bytes of UTF-8, with a mark where something is missing."""
    shown = cut(text)
    assert len(shown.encode()) <= LONGEST_TEXT
    assert shown == text or (shown.endswith("...") and text.startswith(shown[:-3]))


def test_text_that_is_no_unicode_is_cut_too() -> None:
    """A surrogate, as file names may hold, becomes a question mark."""
    assert cut("a\udcffb") == "a?b"
