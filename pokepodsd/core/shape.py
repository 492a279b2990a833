"""Whether a JSON value has the shape that a type says, so that who uses it need not ask again.

Owns the check of TypedDicts, lists, dicts, unions, literals and the plain types of JSON. What is
more than the type says is let through: a newer daemon may tell more.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, NewType, Union, get_args, get_origin, is_typeddict

Time = NewType("Time", str)
"""A time of the wall clock, in UTC, as RFC 3339 writes it: 2026-11-24T19:44:23.123Z."""

Check = Callable[[Any], None]
_MOST: Final = 2**63


def time_text(moment: datetime) -> Time:
    """A time as every document writes it; ``moment`` is in UTC."""
    return Time(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


class ShapeError(ValueError):
    """What is wrong, and where: the path of keys."""

    def __init__(self, text: str, path: tuple[str, ...] = ()) -> None:
        self.text = text
        self.path = path
        super().__init__(f"{'.'.join(path)}: {text}" if path else text)

    def under(self, key: str) -> "ShapeError":
        """The same, as seen from what holds it."""
        return ShapeError(self.text, (key, *self.path))


@cache
def check_of(shape: Any) -> Check:
    """What raises ShapeError for a value that is not of this shape."""
    origin = get_origin(shape)
    if origin in _PARTS:
        return _PARTS[origin](*get_args(shape))
    if is_typeddict(shape):
        return _object({key: check_of(inner) for key, inner in shape.__annotations__.items()})
    if shape is Time:
        return _check_time
    return _number(shape) if shape in (int, float) else _plain(shape)


def _object(fields: dict[str, Check]) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, dict):
            raise ShapeError("is no object")
        for key, check_field in fields.items():
            if key not in value:
                raise ShapeError("is missing", (key,))
            try:
                check_field(value[key])
            except ShapeError as error:
                raise error.under(key) from None

    return check


def _list(item: Any) -> Check:
    check_item = check_of(item)

    def check(value: Any) -> None:
        if not isinstance(value, list):
            raise ShapeError("is no list")
        for index, one in enumerate(value):
            try:
                check_item(one)
            except ShapeError as error:
                raise error.under(str(index)) from None

    return check


def _mapping(_: Any, item: Any) -> Check:
    check_item = check_of(item)

    def check(value: Any) -> None:
        if not isinstance(value, dict):
            raise ShapeError("is no object")
        for key, one in value.items():
            try:
                check_item(one)
            except ShapeError as error:
                raise error.under(key) from None

    return check


def _optional(*shapes: Any) -> Check:
    """A union of one shape with None, the only kind there is."""
    (check_value,) = (check_of(shape) for shape in shapes if shape is not NoneType)

    def check(value: Any) -> None:
        if value is not None:
            check_value(value)

    return check


def _one_of(*words: Any) -> Check:
    def check(value: Any) -> None:
        # True equals 1.
        if isinstance(value, bool) or value not in words:
            raise ShapeError(f"{value!r:.40} is not one of {', '.join(map(repr, words))}")

    return check


def _check_time(value: Any) -> None:
    try:
        is_utc = value.endswith("Z") and datetime.fromisoformat(value) is not None
    except (AttributeError, TypeError, ValueError):
        is_utc = False
    if not is_utc:
        raise ShapeError(f"{value!r:.40} is no time in UTC")


def _plain(kind: type) -> Check:
    def check(value: Any) -> None:
        if not isinstance(value, kind):
            raise ShapeError(f"{value!r:.40} is no {kind.__name__}")

    return check


def _number(kind: type) -> Check:
    """One that can be calculated with: JSON has no other, and Python reads some (RFC 8259, 6)."""

    def check(value: Any) -> None:
        is_kind = isinstance(value, (int, kind)) and not isinstance(value, bool)
        if not is_kind or not -_MOST < value < _MOST:
            raise ShapeError(f"{value!r:.40} is no {kind.__name__}")

    return check


_PARTS: Final[dict[Any, Callable[..., Check]]] = {
    list: _list,
    dict: _mapping,
    Union: _optional,
    UnionType: _optional,
    Literal: _one_of,
}
