"""Checks validation: every complaint at once, limits, wrong types, contradictions, the sample."""

import re
import tomllib
from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pokepodsd.core.config import MOST_IN_FLIGHT, Config, validate
from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.sample import sample
from pokepodsd.core.settings import BY_KEY, SECTIONS, SETTINGS, Kind, Setting
from pokepodsd.core.values import check_value, parse_text, shown
from pokepodsd.errors import ConfigError

ALLOWED_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.TEXT: (str,),
    Kind.CHOICE: (str,),
    Kind.BOOLEAN: (bool,),
    Kind.INTEGER: (int,),
    Kind.DURATION: (str,),
    Kind.TEXT_LIST: (list,),
}
WRONG: tuple[Any, ...] = ("", 1, 1.5, True, [1], ["a", 1], {}, {"a": "b"}, None)
LIMITED = [setting for setting in SETTINGS if setting.least is not None]


def complaints(raw: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        validate(raw, source="pokepodsd.toml")
    return {one.key: one.text for one in caught.value.complaints}


def as_written(setting: Setting, number: int) -> str | int:
    return f"{number / SECOND_NS:.9f}s" if setting.kind is Kind.DURATION else number


def test_nothing_named_means_the_defaults() -> None:
    """An empty file is a valid one, and so are empty tables."""
    config = validate({}, source="x")
    assert config == validate({section: {} for section in SECTIONS}, source="x")
    for setting in SETTINGS:
        assert getattr(getattr(config, setting.section), setting.field) == setting.default


def test_fields_of_the_config_are_the_settings() -> None:
    """Table and dataclasses name the same things, in the same order."""
    tables = get_type_hints(Config)
    assert tuple(tables) == SECTIONS
    for section, table in tables.items():
        expected = [setting.field for setting in SETTINGS if setting.section == section]
        assert [field.name for field in fields(table)] == expected


@pytest.mark.parametrize("setting", LIMITED, ids=lambda setting: setting.key)
def test_limits_are_inclusive_and_named_when_exceeded(setting: Setting) -> None:
    """The least and the most pass, the next beyond does not, and the complaint says both."""
    least, most = setting.least, setting.most
    assert least is not None
    assert most is not None
    for inside in (least, most):
        assert check_value(setting, as_written(setting, inside)) == inside
    step = 1_000 if setting.kind is Kind.DURATION else 1
    allowed = f"allowed is {shown(setting, least)} to {shown(setting, most)}"
    for outside in (least - step, most + step):
        with pytest.raises(ValueError, match=re.escape(allowed)):
            check_value(setting, as_written(setting, outside))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_wrong_types_are_refused_with_what_is_allowed(setting: Setting) -> None:
    """No value of another type passes; true is no number, 5 no duration, a text no list."""
    for value in WRONG:
        if type(value) in ALLOWED_TYPES[setting.kind] and value not in ([1], ["a", 1]):
            continue
        told = complaints({setting.section: {setting.name: value}})
        assert told == {setting.key: f"{value!r} is not {setting.kind.value}"}


@pytest.mark.parametrize("key", ["log.level", "log.failures"])
def test_choice_names_its_words(key: str) -> None:
    """A word that is none of them is refused with the list; case counts."""
    setting = BY_KEY[key]
    for word in setting.choices:
        assert check_value(setting, word) == word
    told = complaints({"log": {setting.name: setting.choices[0].upper()}})
    assert told[key].endswith(f"is not one of {', '.join(setting.choices)}")


def test_all_complaints_come_at_once() -> None:
    """Unknown tables and keys, wrong types and values out of range are one error."""
    told = complaints(
        {
            "poke": {"interval": "1h", "timeout": 1, "max_rate": 0, "retries": 3},
            "kubernetes": {"own_pods": "yes", "exclude_namespaces": "kube-system"},
            "log": "debug",
            "exporter": {"port": 9},
            "state": {"directory": ["x"]},
        }
    )
    assert set(told) == {
        "poke.interval",
        "poke.timeout",
        "poke.max_rate",
        "poke.retries",
        "kubernetes.own_pods",
        "kubernetes.exclude_namespaces",
        "log",
        "exporter",
        "state.directory",
    }
    tables = "[kubernetes], [poke], [tunnels], [pods], [log], [metrics], [state]"
    assert told["exporter"] == f"unknown; the tables are {tables}"
    assert (
        told["poke.retries"] == "unknown; known are interval, timeout, max_rate, fail_after, socket"
    )
    assert told["log"] == "must be a table: write [log] above its keys"
    assert told["poke.max_rate"] == "0 is out of range; allowed is 1 to 10000"


def test_error_is_a_line_for_each_complaint_with_the_file() -> None:
    """What an operator reads: file, key path, what is wrong; with the line where it is known."""
    with pytest.raises(ConfigError) as caught:
        validate({"poke": {"max_rate": 0}, "x": {}}, source="/etc/p.toml")
    first, second = str(caught.value).splitlines()
    assert first.startswith("/etc/p.toml: x: unknown")
    assert second.startswith("/etc/p.toml: poke.max_rate: 0 is out of range")
    located = str(caught.value.located({"poke.max_rate": 3, "x": 9})).splitlines()
    assert located[0].startswith("/etc/p.toml:3: poke.max_rate: ")
    assert located[1].startswith("/etc/p.toml:9: x: ")


def test_timeout_longer_than_the_interval_is_a_contradiction() -> None:
    """Both are valid alone; equal is the most."""
    assert validate({"poke": {"interval": "2s", "timeout": "2s"}}, source="x")
    told = complaints({"poke": {"interval": "2s", "timeout": "2001ms"}})
    assert set(told) == {"poke.timeout"}
    assert '"2.001s" is longer than poke.interval "2s"' in told["poke.timeout"]


def test_more_in_flight_than_sequences_is_a_contradiction() -> None:
    """Rate times timeout is bounded, and the complaint says which rate would do."""
    poke = {"interval": "10s", "timeout": "10s", "max_rate": MOST_IN_FLIGHT // 10}
    assert validate({"poke": poke}, source="x").poke.max_rate == 3276
    told = complaints({"poke": {**poke, "max_rate": 3277}})
    assert set(told) == {"poke.max_rate"}
    assert told["poke.max_rate"].endswith("allowed is up to 3276")


LONG_TIMEOUT = {"interval": "1s", "timeout": "2s"}


@pytest.mark.parametrize(
    ("raw", "keys"),
    [
        ({"x": {}, "poke": LONG_TIMEOUT}, {"x", "poke.timeout"}),
        ({"log": 5, "poke": LONG_TIMEOUT}, {"log", "poke.timeout"}),
        ({"poke": {**LONG_TIMEOUT, "retries": 3}}, {"poke.retries", "poke.timeout"}),
        ({"poke": {**LONG_TIMEOUT, "fail_after": 0}}, {"poke.fail_after", "poke.timeout"}),
        ({"poke": {**LONG_TIMEOUT, "interval": "1h"}}, {"poke.interval"}),
        ({"poke": {**LONG_TIMEOUT, "timeout": 5}}, {"poke.timeout"}),
        ({"poke": {**LONG_TIMEOUT, "max_rate": 0}}, {"poke.max_rate"}),
        ({"poke": 5}, {"poke"}),
        ({"metrics": {"listen": "nowhere"}}, {"metrics.listen"}),
        (
            {"metrics": {"listen": "nowhere"}, "poke": LONG_TIMEOUT},
            {"metrics.listen", "poke.timeout"},
        ),
    ],
)
def test_contradiction_is_told_beside_the_other_complaints(
    raw: dict[str, Any], keys: set[str]
) -> None:
    """All at once; but nothing is said of a contradiction with a value that is itself wrong."""
    assert set(complaints(raw)) == keys


def test_sample_with_every_line_uncommented_equals_the_defaults() -> None:
    """The sample names every setting with its default, its reason and its limits."""
    text = sample()
    assert set(tomllib.loads(text)) == set(SECTIONS)
    assert validate(tomllib.loads(text), source="sample") == validate({}, source="none")
    uncommented, count = re.subn(r"^#(?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    tables = tomllib.loads(uncommented)
    assert count == len(SETTINGS) == sum(len(table) for table in tables.values())
    assert validate(tables, source="sample") == validate({}, source="none")
    said = re.sub(r"\s+(# )?", " ", text)
    for setting in SETTINGS:
        assert setting.reason in said
    assert 'From "500ms" to "3m20s".' in said
    assert "One of: changes, each." in said


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("kubernetes.own_pods", "false", False),
        ("kubernetes.own_pods", "true", True),
        ("poke.max_rate", "17", 17),
        ("poke.interval", "7s", "7s"),
        ("kubernetes.exclude_namespaces", " a, b ,,", ("a", "b")),
        ("kubernetes.exclude_namespaces", "", ()),
        ("log.level", "debug", "debug"),
        ("state.directory", "/x,y", "/x,y"),
    ],
)
def test_command_line_gives_the_same_kinds_of_values(key: str, text: str, value: object) -> None:
    """What `parse_text` reads is what the file would give, and the check takes it."""
    parsed = parse_text(BY_KEY[key], text)
    assert parsed == value
    check_value(BY_KEY[key], parsed)


@pytest.mark.parametrize(("key", "text"), [("kubernetes.own_pods", "yes"), ("poke.max_rate", "x")])
def test_command_line_refuses_what_is_not_of_the_kind(key: str, text: str) -> None:
    """A word that is neither true nor false, and a number that is none."""
    with pytest.raises(ValueError):
        parse_text(BY_KEY[key], text)


@given(
    st.dictionaries(
        st.sampled_from([*SECTIONS, "other"]),
        st.one_of(
            st.none(),
            st.integers(),
            st.dictionaries(
                st.sampled_from([*(setting.name for setting in SETTINGS), "other"]),
                st.one_of(st.text(), st.integers(), st.booleans(), st.lists(st.text()), st.none()),
            ),
        ),
    )
)
def test_any_mapping_is_a_config_or_a_config_error(raw: dict[str, Any]) -> None:
    """Nothing that a TOML file can hold ends in another exception."""
    try:
        config = validate(raw, source="x")
    except ConfigError:
        assert complaints(raw)
    else:
        assert config.poke.timeout_ns <= config.poke.interval_ns


@pytest.mark.parametrize("listen", ["999.1.1.1:80", "[::g]:80", "[1::2::3]:80", "10.0.0.1:0"])
def test_an_address_that_is_none_is_refused(listen: str) -> None:
    """Before the daemon runs, and not by an exporter that cannot be started."""
    assert "metrics.listen" in complaints({"metrics": {"listen": listen}})


@pytest.mark.parametrize("listen", ["off", "127.0.0.1:19747", "[::1]:1", "0.0.0.0:65535"])
def test_an_address_with_a_port_is_taken(listen: str) -> None:
    """Of either family, and all of them."""
    assert validate({"metrics": {"listen": listen}}, source="x").metrics.listen == listen
