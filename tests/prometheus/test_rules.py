"""The shipped rules as files: what promtool says, and what every alert has to tell."""

import re
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from pokepodsd.core.families import families
from tests.core.metricsfacts import NOW, metrics_document, unwell
from tests.prometheus.exporter import Exporter, Report, Unwell
from tests.prometheus.shipped import ROOT, RULES, UNIT_TESTS, alerts, read_rules

ALERTS = list(alerts())
RUNBOOK = "file:///usr/share/doc/pokepodsd/operations.md#"
# Of node_exporter and of Prometheus itself.
FOREIGN = {"node_textfile_mtime_seconds", "up", "ALERTS"}
# What Prometheus adds to each series.
TARGET = {"cluster", "job", "instance"}
_SELECTOR = re.compile(r"(?<![\w:])(pokepodsd_\w+)\{([^}]*)\}")
_STRINGS = re.compile(r'"[^"]*"')
_METRIC = re.compile(r"\b(?:pokepodsd_\w+|node_\w+_seconds|up|ALERTS)\b")


def promtool(*arguments: str) -> str:
    """What promtool says where it succeeds."""
    argv = ["promtool", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=RULES.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_no_fault_with_the_rules() -> None:
    """Every expression and template parses, and no two rules are the same."""
    found = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES.name)
    assert f"{len(read_rules())} rules found" in found


def test_each_alert_fires_and_resolves_and_near_misses_do_not() -> None:
    """What stands in the rules' own tests."""
    assert "SUCCESS" in promtool("test", "rules", UNIT_TESTS.name)


def test_the_rules_own_tests_know_every_alert() -> None:
    """No alert without a test of its texts."""
    tested = re.findall(r"- alertname: (\w+)", UNIT_TESTS.read_text(encoding="utf-8"))
    assert set(tested) == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_all_that_whoever_is_woken_needs(rule: Mapping[str, Any]) -> None:
    """A severity, a layer, two sentences, and where the rest is written."""
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert rule["labels"]["layer"] in {"underlay", "tunnel", "api", "daemon"}
    texts = rule["annotations"]
    assert set(texts) == {"summary", "description", "runbook_url"}
    assert texts["description"].rstrip().endswith(".")
    assert texts["runbook_url"].startswith(RUNBOOK)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_has_its_section_in_the_runbooks(rule: Mapping[str, Any]) -> None:
    """The anchor of `runbook_url` is that of a heading."""
    folder = ROOT / "packaging" / "doc"
    guides = [path.read_text(encoding="utf-8") for path in folder.glob("*.md")]
    headings = [one for guide in guides for one in re.findall(r"^#+ (.+)$", guide, re.MULTILINE)]
    anchors = {re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings}
    assert rule["annotations"]["runbook_url"].removeprefix(RUNBOOK) in anchors


def test_the_rules_ask_for_metrics_that_are_there() -> None:
    """A metric that is misspelt would be an alert that never fires."""
    recorded = {rule["record"] for rule in read_rules() if "record" in rule}
    sick = Unwell(peer="node-b", address="10.0.0.11", verdict="tunnel_broken")
    with Exporter(Report(node="node-a", address="10.0.0.10", unwell=(sick,))) as exporter:
        served = {line.partition("{")[0] for line in exporter.text().splitlines()}
    for rule in read_rules():
        bare = _STRINGS.sub("", rule["expr"])
        for record in recorded:
            bare = bare.replace(record, "")
        assert set(_METRIC.findall(bare)) <= served | FOREIGN


def test_the_rules_ask_for_labels_that_are_there() -> None:
    """A label that no series has would leave nothing out, or everything."""
    document = metrics_document() | {"unwell": [unwell()]}
    told = families(document, python="3.11.2", now=NOW)
    labels = {one.name: {name for row in one.rows for name in row.labels} for one in told}
    texts = [rule["expr"] for rule in read_rules()]
    texts += [text for rule in ALERTS for text in rule["annotations"].values()]
    selectors = [found for text in texts for found in _SELECTOR.findall(text)]
    assert selectors
    for name, matchers in selectors:
        bare = re.sub(r"""(["']).*?\1""", "", matchers)
        assert set(re.findall(r"\w+", bare)) <= labels[name] | TARGET
