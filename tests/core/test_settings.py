"""Checks the table of settings against itself and against what the issue asks for."""

import pytest

from pokepodsd.core.model import SECOND_NS
from pokepodsd.core.settings import BY_KEY, SECTIONS, SETTINGS, Kind, Setting
from pokepodsd.core.values import check_value, shown

DEFAULTS = {
    "kubernetes.kubeconfig": "auto",
    "kubernetes.node_name": "auto",
    "kubernetes.exclude_namespaces": ("kube-system",),
    "kubernetes.include_namespaces": (),
    "kubernetes.label_selector": "",
    "kubernetes.skip_ready": False,
    "kubernetes.host_network": False,
    "kubernetes.own_pods": True,
    "kubernetes.report": "none",
    "poke.interval": 5 * SECOND_NS,
    "poke.timeout": SECOND_NS,
    "poke.max_rate": 200,
    "poke.fail_after": 3,
    "poke.socket": "auto",
    "tunnels.interval": 30 * SECOND_NS,
    "tunnels.devices": (),
    "pods.scope": "auto",
    "pods.per_node": 3,
    "log.level": "info",
    "log.failures": "changes",
    "log.summary": 3600 * SECOND_NS,
    "metrics.listen": "off",
    "metrics.textfile": "off",
    "state.directory": "auto",
}


def test_names_and_defaults_are_the_promised_ones() -> None:
    """A configuration written for these names goes on working."""
    assert {setting.key: setting.default for setting in SETTINGS} == DEFAULTS
    assert SECTIONS == ("kubernetes", "poke", "tunnels", "pods", "log", "metrics", "state")


def test_key_paths_are_unique() -> None:
    """No setting hides another."""
    assert len(BY_KEY) == len(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_each_setting_explains_itself(setting: Setting) -> None:
    """Help and reason are whole sentences, for the sample and the manual page."""
    for text in (setting.help, setting.reason):
        assert not text[0].islower()
        assert text.endswith(".")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_each_default_is_what_its_own_check_lets_pass(setting: Setting) -> None:
    """The default, written as in a file, is valid and means itself."""
    value = setting.default
    written = shown(setting, value).strip('"') if setting.kind is Kind.DURATION else value
    assert check_value(setting, written) == value


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_limits_stand_where_numbers_do_and_choices_where_words_do(setting: Setting) -> None:
    """A number without limits, or a choice without words, is an omission."""
    is_number = setting.kind in (Kind.INTEGER, Kind.DURATION)
    assert (setting.least is not None) == (setting.most is not None) == is_number
    assert bool(setting.choices) == (setting.kind is Kind.CHOICE)


def test_fields_of_durations_carry_their_unit() -> None:
    """A field's name says nanoseconds where its value is nanoseconds, and only there."""
    with_unit = {setting.key for setting in SETTINGS if setting.field.endswith("_ns")}
    assert with_unit == {
        "log.summary",
        "poke.interval",
        "poke.timeout",
        "tunnels.interval",
    }
