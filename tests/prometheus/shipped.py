"""Owns the shipped rules: where they are, what is in them, and a copy with shorter times."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "packaging" / "prometheus" / "pokepodsd.rules.yaml"
UNIT_TESTS = ROOT / "packaging" / "prometheus" / "pokepodsd.rules.test.yaml"

_WAITS = ("for", "keep_firing_for")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(?P<number>\d+)(?P<unit>[smhd])")
_RANGE = re.compile(r"(?<=\[)\d+[smhd](?=\])")


def read_rules() -> list[Mapping[str, Any]]:
    """Every rule, of all groups, in order."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> Iterator[Mapping[str, Any]]:
    """The rules that are alerts."""
    return (rule for rule in read_rules() if "alert" in rule)


def write_hurried(path: Path, factor: int) -> None:
    """Write the rules with every time divided by ``factor``.

    That is how long a condition holds (`for`, `keep_firing_for`), and over how long a rate is
    (the ranges). Limits stay what they are: they are compared with what the daemon measures.
    """
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        for name in (name for name in _WAITS if name in rule):
            rule[name] = _divided(rule[name], factor)
        rule["expr"] = _RANGE.sub(lambda found: _divided(found.group(), factor), rule["expr"])
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _divided(duration: str, factor: int) -> str:
    """A duration of Prometheus, in milliseconds."""
    match = _DURATION.fullmatch(duration)
    assert match is not None, duration
    milliseconds = int(match["number"]) * _UNITS[match["unit"]] * 1000 // factor
    return f"{milliseconds}ms"
