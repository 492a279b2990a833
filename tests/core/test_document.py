"""The status document: put together of all its lines, or refused; and as its schema has it."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pokepodsd.core.document import assemble, checked, is_silent
from pokepodsd.errors import DocumentError
from tests import statusdocument
from tests.statusdocument import broken, cut_off, document, lines, many, peer

SCHEMA = Path(__file__).parents[2] / "packaging" / "schema" / "status-1.json"
Keys = tuple[str | int, ...]
# Under these, the keys are names, which may all be missing.
TALLIES = ("verdicts", "strays", "send_errors")


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    loaded = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema.Draft202012Validator(loaded)


def rich() -> dict[str, Any]:
    """A document in which nothing is empty."""
    said: dict[str, Any] = copy.deepcopy(dict(broken()))
    said["pokes"] |= {"strays": {"late": 1}, "send_errors": {"EPERM": 2}}
    said["peers"] = said["peers"][:2]
    return said


def places(value: Any, path: Keys = ()) -> Iterator[Keys]:
    """The path of every value in the document."""
    if path:
        yield path
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    for key in keys:
        yield from places(value[key], (*path, key))


def changed(path: Keys, *value: object) -> dict[str, Any]:
    """The rich document with another value at the path, or with none."""
    said: Any = rich()
    whole = said
    for key in path[:-1]:
        said = said[key]
    if value:
        said[path[-1]] = value[0]
    else:
        del said[path[-1]]
    return dict(whole)


@pytest.mark.parametrize("make", [broken, cut_off, many, document])
def test_lines_are_put_together(make: Any, schema: jsonschema.Draft202012Validator) -> None:
    """What is assembled is what was told, and of the published schema."""
    said = make()
    assert assemble(lines(said)) == said
    schema.validate(said)


@pytest.mark.parametrize("left_out", range(4))
def test_a_line_that_is_missing_is_noticed(left_out: int) -> None:
    """The header, a peer, a target or the end: none of them goes unnoticed."""
    said = [*lines(document([peer(1)], [statusdocument.pod(1)]))]
    del said[left_out]
    with pytest.raises(DocumentError, match="line"):
        assemble(said)


@pytest.mark.parametrize("line", [{}, {"pear": 1}, {"status": 1}])
def test_a_line_that_does_not_belong_is_refused(line: dict[str, Any]) -> None:
    """Whatever it is, it is not passed over."""
    header, *others = lines(document())
    with pytest.raises(DocumentError, match="unexpected line"):
        assemble([header, line, *others])


def test_another_version_is_refused_with_what_to_do() -> None:
    """A daemon that runs since before an upgrade is to be started again."""
    with pytest.raises(DocumentError, match=r"version 2.*version 1: systemctl restart pokepodsd"):
        checked({**document(), "version": 2})


@pytest.mark.parametrize("path", [*places(rich())], ids=lambda path: ".".join(map(str, path)))
def test_types_and_schema_agree(path: Keys, schema: jsonschema.Draft202012Validator) -> None:
    """A value of a wrong kind is refused by both, at every place; a missing one too."""
    wrong = changed(path, {"no": ["such"]})
    assert not schema.is_valid(wrong)
    with pytest.raises(DocumentError):
        checked(wrong)
    if isinstance(path[-1], str) and path[-2:-1] not in [(tally,) for tally in TALLIES]:
        less = changed(path)
        assert not schema.is_valid(less)
        with pytest.raises(DocumentError):
            checked(less)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("at",), "2026-11-24 19:44"),
        (("at",), "2026-13-24T19:44:23.123Z"),
        (("peers", 0, "verdict"), "fine"),
        (("peers", 0, "is_fault"), 1),
        (("peers_total",), True),
        (("peers_total",), 1.5),
        (("rtt", "worst_seconds"), None),
    ],
)
def test_a_wrong_value_is_named(path: Keys, value: object) -> None:
    """The error says where it is, and what."""
    with pytest.raises(DocumentError, match=str(path[-1])):
        checked(changed(path, value))


def test_what_a_newer_daemon_tells_besides_is_no_fault() -> None:
    """More of the same version may be told than is known here; the schema has what there is."""
    checked({**document(), "mood": "good"})


def test_every_value_of_the_schema_is_described() -> None:
    """Each property says what it is, with its unit or its words."""

    def missing(part: Any, place: str) -> Iterator[str]:
        for name, inner in part.get("properties", {}).items():
            if "description" not in inner and "$ref" not in inner:
                yield f"{place}.{name}"
            yield from missing(inner, f"{place}.{name}")

    loaded = json.loads(SCHEMA.read_text())
    assert [*missing(loaded, "")] == []
    assert [n for n, one in loaded["$defs"].items() if "description" not in one] == []
    assert [m for n, one in loaded["$defs"].items() for m in missing(one, n)] == []


def test_who_is_silent_whatever_its_verdict() -> None:
    """Its tunnels say it; where none is poked, its pods."""
    one = peer(2)
    assert not is_silent(one)
    assert is_silent(peer(2, verdict="tunnel broken"))
    tunnel = one["tunnels"][0]
    some = {**one, "tunnels": [tunnel, {**tunnel, "state": "down"}]}
    assert not is_silent(some)
    unasked = {**one, "tunnels": [{**tunnel, "state": "not poked"}]}
    for pods, silent in (((0, 3), True), ((1, 3), False), ((3, 0), False), ((0, 0), False)):
        counts = {"up": pods[0], "down": pods[1], "opening": 0}
        assert is_silent({**unasked, "pods": counts}) is silent
        assert is_silent({**one, "tunnels": [], "pods": counts}) is silent
        assert not is_silent({**one, "pods": counts})


@pytest.mark.parametrize("value", [10**400, -(2**63), float("inf"), float("nan")])
@pytest.mark.parametrize("key", ["lag_seconds", "sent"])
def test_a_number_that_nobody_can_calculate_with_is_refused(key: str, value: float) -> None:
    """Python reads some that JSON has not, and whole numbers beyond what a float holds."""
    said = rich()
    table = said["loop"] if key in said["loop"] else said["pokes"]
    table[key] = value
    with pytest.raises(DocumentError, match=rf"{key}: .* is no (float|int)"):
        checked(said)
