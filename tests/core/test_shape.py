"""Checks what is let through as a value of a type, and what is said of the rest."""

from typing import Any, Literal, TypedDict

import pytest

from pokepodsd.core.shape import ShapeError, Time, check_of


class Pair(TypedDict):
    """Two fields."""

    name: str
    many: list[int]


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (Pair, {"name": "a", "many": [1, 2], "more": None}),
        (Pair, {"name": "", "many": []}),
        (dict[str, float], {"a": 1, "b": 1.5}),
        (Literal["up", "down"], "up"),
        (str | None, None),
        (bool, True),
        (Time, "2026-11-24T19:44:23.123Z"),
    ],
)
def test_a_value_of_its_shape_passes(shape: Any, value: object) -> None:
    """More than the type says is let through."""
    check_of(shape)(value)


@pytest.mark.parametrize(
    ("shape", "value", "where"),
    [
        (Pair, [], "is no object"),
        (Pair, {"name": "a"}, "many: is missing"),
        (Pair, {"name": 1, "many": []}, "name: "),
        (Pair, {"name": "a", "many": {}}, "many: is no list"),
        (Pair, {"name": "a", "many": [1, "2"]}, "many.1: "),
        (dict[str, float], [], "is no object"),
        (dict[str, float], {"a": "b"}, "a: "),
        (Literal["up", "down"], "sideways", ""),
        (Literal[1, 2], True, ""),
        (str | None, 7, ""),
        (int, True, ""),
        (int, 1.5, ""),
        (Time, "2026-11-24", ""),
        (Time, "2026-11-24T19:44:23.123+01:00", ""),
        (Time, 7, ""),
    ],
)
def test_any_other_is_refused_with_its_place(shape: Any, value: object, where: str) -> None:
    """By the path of keys that leads to it."""
    with pytest.raises(ShapeError) as refused:
        check_of(shape)(value)
    assert str(refused.value).startswith(where)
