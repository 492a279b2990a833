"""Writes pokepodsd.json, the dashboard for Grafana 10.1 or newer, from the tables of panels.py.

`python packaging/grafana/generate.py > packaging/grafana/pokepodsd.json`
"""

import sys
from collections.abc import Callable, Mapping

from grafana_foundation_sdk.builders import common as build_common
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders import (
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from panels import CODES, ROWS
from questions import Kind, Panel, Row

Drawn = (
    heatmap.Panel | stat.Panel | statetimeline.Panel | table.Panel | text.Panel | timeseries.Panel
)

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
COLORS = ("yellow", "blue", "orange", "red")
# Columns of the table that say nothing.
HIDDEN = ("Time", "__name__", "job", "instance")


def whole() -> build.Dashboard:
    """The dashboard with its variables, rows and panels."""
    made = (
        build.Dashboard("pokepodsd")
        .uid("pokepodsd")
        .description("Tunnels between Kubernetes nodes, as pokepodsd sees them.")
        .tags(["kubernetes", "network"])
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .timezone("browser")
        .time("now-3h", "now")
        .refresh("30s")
        .readonly()
    )
    for variable in variables():
        made = made.with_variable(variable)
    for row in ROWS:
        made = made.with_row(build.Row(row.title)).with_panel(explanation(row))
        for panel in row.panels:
            made = made.with_panel(drawn(panel))
    return made


def variables() -> tuple[build.DatasourceVariable | build.QueryVariable, ...]:
    """Which Prometheus, which scrape jobs, which nodes."""
    return (
        build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        _choice("job", "Job", "label_values(pokepodsd_build_info, job)"),
        _choice("node", "Node", 'label_values(pokepodsd_node_info{job=~"$job"}, host)'),
    )


def _choice(name: str, label: str, query: str) -> build.QueryVariable:
    everything = dashboard.VariableOption(selected=True, text="All", value="$__all")
    return (
        build.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": f"{name}s"})
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        # A list of 5,000 names would be too long for a query.
        .all_value(".*")
        .current(everything)
    )


def explanation(row: Row) -> text.Panel:
    """How a row is read."""
    return text.Panel().content(row.says).transparent(True).span(24).height(2)


def drawn(panel: Panel) -> Drawn:
    """A panel as Grafana draws it."""
    builder: Drawn = _BY_KIND[panel.kind](panel)
    for letter, question in zip("ABCD", panel.questions, strict=False):
        builder = builder.with_target(_query(panel, letter, question.expr, question.legend))
    return (
        builder.title(panel.title)
        .description(panel.says)
        .datasource(SOURCE)
        .span(panel.width)
        .height(panel.height)
    )


def _query(panel: Panel, letter: str, expr: str, legend: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().ref_id(letter).expr(expr).legend_format(legend or "__auto")
    match panel.kind:
        case Kind.TABLE:
            return query.instant().format(PromQueryFormat.TABLE)
        case Kind.STAT:
            return query.instant()
        case Kind.HEATMAP:
            return query.range().format(PromQueryFormat.HEATMAP)
        case Kind.LINES | Kind.STACK | Kind.TIMELINE:
            return query.range()


def _stat(panel: Panel) -> stat.Panel:
    steps = [dashboard.Threshold(color="green", value=None)]
    if panel.limit is not None:
        steps.append(dashboard.Threshold(color="red", value=panel.limit))
    limits = build.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)
    made = stat.Panel().unit(panel.unit).thresholds(limits)
    return made.color_mode(common.BigValueColorMode.BACKGROUND)


def _lines(panel: Panel) -> timeseries.Panel:
    tooltip = build_common.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    made = timeseries.Panel().unit(panel.unit).min(0).fill_opacity(0).legend(_legend())
    return made.tooltip(tooltip.sort(common.SortOrder.DESCENDING))


def _legend() -> build_common.VizLegendOptions:
    return (
        build_common.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([])
    )


def _stack(panel: Panel) -> timeseries.Panel:
    stacking = build_common.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
    made = _lines(panel).fill_opacity(40).stacking(stacking)
    # A cap is a line above the stack.
    unstacked = dashboard.DynamicConfigValue(
        id_val="custom.stacking", value={"mode": "none", "group": "A"}
    )
    bare = dashboard.DynamicConfigValue(id_val="custom.fillOpacity", value=0)
    return made.override_by_name("the cap", [unstacked, bare])


def _table(panel: Panel) -> table.Panel:
    since = dashboard.DynamicConfigValue(id_val="unit", value=panel.unit)
    order = {"host": 0, "peer": 1, "address": 2, "verdict": 3, "Value": 4}
    names = {"host": "node", "Value": "since"}
    options = {
        "excludeByName": dict.fromkeys(HIDDEN, True),
        "indexByName": order,
        "renameByName": names,
    }
    arranged = dashboard.DataTransformerConfig(id_val="organize", options=options)
    return (
        table.Panel()
        .with_transformation(arranged)
        .override_by_name("since", [since])
        .show_header(True)
        .no_value("all is well")
    )


def _timeline(panel: Panel) -> statetimeline.Panel:
    results = {
        str(code): dashboard.ValueMappingResult(text=verdict.replace("_", " "), color=color)
        for (code, verdict), color in zip(CODES.items(), COLORS, strict=True)
    }
    made = statetimeline.Panel().unit(panel.unit).mappings([dashboard.ValueMap(options=results)])
    return made.no_value("all is well").row_height(0.8).legend(_legend())


def _heatmap(panel: Panel) -> heatmap.Panel:
    color = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    axis = heatmap.YAxisConfig().unit(panel.unit)
    return heatmap.Panel().calculate(False).color(color).y_axis(axis)


_BY_KIND: Mapping[Kind, Callable[[Panel], Drawn]] = {
    Kind.STAT: _stat,
    Kind.LINES: _lines,
    Kind.STACK: _stack,
    Kind.TABLE: _table,
    Kind.TIMELINE: _timeline,
    Kind.HEATMAP: _heatmap,
}


if __name__ == "__main__":
    encoder = JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False)
    sys.stdout.write(encoder.encode(whole().build()) + "\n")
