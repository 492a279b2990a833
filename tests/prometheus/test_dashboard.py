"""The shipped dashboard: it is what its tables say, Grafana's schema knows it, it shows data."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.prometheus.exporter import Exporter, Report, Unwell
from tests.prometheus.server import Prometheus
from tests.prometheus.shipped import ROOT

FOLDER = ROOT / "packaging" / "grafana"
SHIPPED = json.loads((FOLDER / "pokepodsd.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in SHIPPED["panels"] if panel.get("targets")]
VARIABLES = {"$job": "pokepodsd", "$node": ".*", "$__rate_interval": "10s"}
EXPRESSIONS = [
    pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for panel in PANELS
    for target in panel["targets"]
]
# What a text exporter cannot give: native histograms come by protobuf alone.
NATIVE = re.compile(r"rate\(pokepodsd_rtt_seconds\{")


def filled_in(expression: str) -> str:
    """With the variables as Grafana has them where all is chosen."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has scraped two nodes of which each sees two peers that are not well."""
    verdicts = ("tunnel_broken", "node_unreachable", "pod_only", "underlay_filtered")
    sick = tuple(
        Unwell(peer=f"peer-{number}", address=f"10.0.0.{number}", verdict=verdict)
        for number, verdict in enumerate(verdicts)
    )
    reports = (
        Report(node="node-a", address="10.0.0.10", unwell=sick[:2], refused_rate=1.0),
        Report(node="node-b", address="10.0.0.11", unwell=sick[2:], is_api_up=False),
    )
    with ExitStack() as stack:
        exporters = [stack.enter_context(Exporter(report)) for report in reports]
        targets = {"pokepodsd": [exporter.place for exporter in exporters]}
        folder = tmp_path_factory.mktemp("dashboard")
        started = stack.enter_context(Prometheus(folder, targets))
        started.wait_query("count(rate(pokepodsd_start_time_seconds[10s])) == 2")
        yield started


def test_it_is_what_its_tables_say() -> None:
    """The file is what generate.py writes: `make dashboard`."""
    argv = [sys.executable, str(FOLDER / "generate.py")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == (FOLDER / "pokepodsd.json").read_text(encoding="utf-8")


def test_grafanas_schema_knows_all_of_it() -> None:
    """Read into the library's types and written again, nothing of it is lost or different."""
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(SHIPPED)))
    assert list(lost(SHIPPED, read)) == []


def lost(shipped: Any, read: Any, where: str = "") -> Iterator[str]:
    """What is not in ``read`` as in ``shipped``; defaults may have been added."""
    match shipped, read:
        case dict(), dict():
            for name, value in shipped.items():
                yield from lost(value, read.get(name), f"{where}/{name}")
        case list(), list() if len(shipped) == len(read):
            for number, (one, other) in enumerate(zip(shipped, read, strict=True)):
                yield from lost(one, other, f"{where}/{number}")
        case _ if shipped != read:
            yield f"{where}: {shipped!r}, read as {read!r}"


def test_every_panel_has_its_place_and_its_words() -> None:
    """Panels do not lie upon each other, none is wider than the grid, and each says what it is."""
    taken: set[tuple[int, int]] = set()
    for panel in SHIPPED["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert place["x"] + place["w"] <= 24
    assert all(panel["description"] for panel in PANELS)
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_has_an_answer(prometheus: Prometheus, expression: str) -> None:
    """Prometheus understands it, and what exporters say is enough for a result."""
    found = prometheus.query(filled_in(expression))
    assert found or (NATIVE.search(expression) and " or " not in expression)


def test_the_table_names_who_does_not_reach_whom(prometheus: Prometheus) -> None:
    """Each pair with the node that sees it, the peer, the verdict, and since when."""
    (panel,) = (one for one in PANELS if one["type"] == "table")
    found = prometheus.query(filled_in(panel["targets"][0]["expr"]))
    pairs = {(row["host"], row["peer"], row["verdict"]) for row, _ in found}
    assert pairs == {
        ("node-a", "peer-0", "tunnel_broken"),
        ("node-a", "peer-1", "node_unreachable"),
        ("node-b", "peer-2", "pod_only"),
        ("node-b", "peer-3", "underlay_filtered"),
    }


def test_its_variables_find_the_job_and_the_nodes(prometheus: Prometheus) -> None:
    """The labels that they list are there."""
    wanted = {"job": {"pokepodsd"}, "node": {"node-a", "node-b"}}
    variables = {one["name"]: one for one in SHIPPED["templating"]["list"]}
    assert set(variables) == {"datasource", *wanted}
    for name, values in wanted.items():
        assert listed(prometheus, variables[name]) == values


def listed(prometheus: Prometheus, variable: Mapping[str, Any]) -> set[str]:
    """What `label_values(MATCHER, LABEL)` lists."""
    match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert match is not None
    return {labels[match[2]] for labels in prometheus.series(filled_in(match[1]))}
