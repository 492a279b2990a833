"""A value of one setting: read from the file or the command line, checked, and written."""

import re
from typing import assert_never

import durationpy

from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.settings import Kind, Setting, Value

# Of what is no value, as much is told as a person reads.
_LONGEST_SHOWN = 100
_DURATION = re.compile(r"([0-9]+(\.[0-9]*)?[a-zµμ]+)+")


def check_value(setting: Setting, value: object) -> Value:
    """A value as the file gives it, of the right kind and within its limits; durations in ns.

    Raises:
        ValueError: it is not, with what is allowed.
    """
    match setting.kind, value:
        case Kind.BOOLEAN, bool():
            return value
        case Kind.INTEGER, int() if not isinstance(value, bool):
            return _within(setting, value)
        case Kind.DURATION, str():
            return _within(setting, _duration_ns(value))
        case Kind.TEXT, str():
            return _matching(setting, value)
        case Kind.CHOICE, str():
            if value not in setting.choices:
                raise ValueError(f"{_quoted(value)} is not one of {', '.join(setting.choices)}")
            return value
        case Kind.TEXT_LIST, list() | tuple() if all(isinstance(item, str) for item in value):
            return tuple(_matching(setting, item) for item in value)
        case _:
            raise ValueError(f"{_quoted(value)} is not {setting.kind.value}")


def parse_text(setting: Setting, text: str) -> Value:
    """Read a value as the command line gives it: lists with commas, everything else as it is.

    Raises:
        ValueError: the text is not of the setting's kind; `validate` judges its limits.
    """
    match setting.kind:
        case Kind.BOOLEAN:
            if text not in {"true", "false"}:
                raise ValueError(f"{_quoted(text)} is not {setting.kind.value}")
            return text == "true"
        case Kind.INTEGER:
            if not text.isdecimal():
                raise ValueError(f"{_quoted(text)} is not {setting.kind.value}")
            return int(text)
        case Kind.TEXT_LIST:
            return tuple(item.strip() for item in text.split(",") if item.strip())
        case Kind.TEXT | Kind.CHOICE | Kind.DURATION:
            return text
        case _:
            assert_never(setting.kind)


def shown(setting: Setting, value: Value) -> str:
    """A value as it is written in the file."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() if setting.kind is Kind.DURATION:
            return f'"{duration_text(value)}"'
        case int():
            return str(value)
        case str():
            return f'"{value}"'
        case _:
            return "[" + ", ".join(f'"{item}"' for item in value) + "]"


def duration_text(duration_ns: int) -> str:
    """A duration as a person writes it: 90 s is ``1m30s``."""
    seconds, rest_ns = divmod(duration_ns, SECOND_NS)
    if seconds == 0:
        return f"{rest_ns / 1e6:g}ms"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h"] if hours else []
    if minutes:
        parts.append(f"{minutes}m")
    if seconds or rest_ns or not parts:
        parts.append(f"{seconds + rest_ns / SECOND_NS:g}s")
    return "".join(parts)


def _quoted(value: object) -> str:
    return f"{value!r:.{_LONGEST_SHOWN}}"


def _duration_ns(text: str) -> int:
    if not _DURATION.fullmatch(text):
        # durationpy skips over what it does not know, if it knows the beginning and the end.
        raise ValueError(f"{_quoted(text)} is not {Kind.DURATION.value}")
    try:
        parsed = durationpy.from_str(text)
    except durationpy.DurationError as error:
        raise ValueError(f"{_quoted(text)} is not {Kind.DURATION.value}") from error
    return round(parsed.total_seconds() * 1_000_000) * 1_000


def _matching(setting: Setting, text: str) -> str:
    if setting.pattern and not re.fullmatch(setting.pattern, text):
        raise ValueError(f"{_quoted(text)} is not {setting.wanted}")
    return text


def _within(setting: Setting, value: int) -> int:
    low, high = setting.least, setting.most
    if (low is not None and value < low) or (high is not None and value > high):
        allowed = f"{shown(setting, low or 0)} to {shown(setting, high or 0)}"
        raise ValueError(f"{shown(setting, value)} is out of range; allowed is {allowed}")
    return value
