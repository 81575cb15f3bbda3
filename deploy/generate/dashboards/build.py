"""What Grafana reads, of a `Dashboard`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as queries

from deploy.generate.dashboards.limits import number
from deploy.generate.prometheus import RUNBOOKS
from resampler.monitoring.alerts import ALERTS
from resampler.monitoring.catalog import METRICS

if TYPE_CHECKING:
    from deploy.generate.dashboards.panel import Dashboard, Panel, Query

_SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
_METRIC = re.compile(r"\b(?:resampler|process)_[a-z_]+\b")


def build(shown: Dashboard) -> model.Dashboard:
    """Make a dashboard of what it shows.

    Parameters
    ----------
    shown : Dashboard
        What it shows.

    Returns
    -------
    grafana_foundation_sdk.models.dashboard.Dashboard
        As `JSONEncoder` takes it.
    """
    built = (
        dashboard.Dashboard(shown.title)
        .uid(f"resampler-{shown.uid}")
        .description(shown.description)
        .tags(["resampler"])
        .time(shown.since, "now")
        .timezone("browser")
        .refresh(shown.refresh)
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(_variable("stream", "resampler_worker_info"))
        .with_variable(_variable("snapshot", "resampler_snapshot_version"))
        .link(
            dashboard.DashboardLink("Resampler")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["resampler"])
            .include_vars(True)
            .keep_time(False)
            .as_dropdown(False)
        )
    )
    identity = 0
    for row in shown.rows:
        built = built.with_row(dashboard.Row(row.title).id(identity := identity + 1))
        for panel in row.panels:
            built = built.with_panel(_panel(panel).id(identity := identity + 1))
    return built.build()


def _variable(name: str, metric: str) -> dashboard.QueryVariable:
    """Let one choose among the values of a label; all of them at first, and where there are none."""
    return (
        dashboard.QueryVariable(name)
        .label(name.capitalize())
        .datasource(_SOURCE)
        .query({"query": f"label_values({metric}, {name})", "refId": name})
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(model.VariableOption(selected=True, text="All", value="$__all"))
    )


def _panel(shown: Panel) -> Any:
    built = (
        _SHAPES[shown.shape](shown)
        .title(shown.title)
        .description(description(shown))
        .datasource(_SOURCE)
        .unit(shown.unit)
        .span(shown.width)
        .height(shown.height)
        .thresholds(_thresholds(shown))
        .links([_runbook(name) for name in shown.runbooks])
    )
    for i, query in enumerate(shown.queries):
        built = built.with_target(_target(shown, query, _letter(i)))
    if shown.words:
        results = {
            value: model.ValueMappingResult(text=word, color=color, index=i)
            for i, (value, word, color) in enumerate(shown.words)
        }
        built = built.mappings([model.ValueMap(options=results)])
    return built


def _letter(i: int) -> str:
    return chr(ord("A") + i)


def _runbook(name: str) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink(f"Runbook: {name}")
        .type(model.DashboardLinkType.LINK)
        .url(f"{RUNBOOKS}{ALERTS[name].runbook}")
        .target_blank(True)
    )


def _target(shown: Panel, query: Query, name: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(name)
    if shown.shape == "heatmap":
        return target.range().format(queries.PromQueryFormat.HEATMAP)
    if shown.shape == "table":
        return target.instant().format(queries.PromQueryFormat.TABLE)
    return target.instant() if shown.shape == "number" else target.range()


def _thresholds(shown: Panel) -> dashboard.ThresholdsConfig:
    steps = shown.steps or ((None, "green"),)
    if shown.limit:
        sound, ill = ("red", "green") if shown.limit.below else ("green", "red")
        steps = ((None, sound), (number(shown.limit), ill))
    made = [model.Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


def _lines(shown: Panel) -> timeseries.Panel:
    built = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(5)
        .show_points(looks.VisibilityMode.AUTO)
        .axis_soft_min(0)
        .tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
        .legend(
            common.VizLegendOptions()
            .display_mode(looks.LegendDisplayMode.LIST)
            .placement(looks.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    if shown.most is not None:
        built = built.axis_soft_max(shown.most)
    if shown.limit or shown.steps:
        # The limit, as a line; and where all is well far below it, the axis is not stretched to it.
        built = built.thresholds_style(common.GraphThresholdsStyleConfig().mode(looks.GraphThresholdsStyleMode.DASHED))
    return built


def _number(_shown: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .color_mode(looks.BigValueColorMode.BACKGROUND)
        .graph_mode(looks.BigValueGraphMode.NONE)
        .text_mode(looks.BigValueTextMode.AUTO)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("-")
    )


def _states(_shown: Panel) -> statetimeline.Panel:
    return statetimeline.Panel().merge_values(True).show_value(looks.VisibilityMode.AUTO).row_height(0.8)


def _heatmap(_shown: Panel) -> heatmap.Panel:
    return (
        heatmap.Panel()
        .calculate(False)
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .color(heatmap.HeatmapColorOptions().mode("scheme").scheme("Oranges").steps(32))
        .hide_legend()
    )


def _table(shown: Panel) -> table.Panel:
    """Put the values of all queries beside the labels that they share, a row each; headings in words."""
    values = [("Value", shown.queries[0].legend)] if len(shown.queries) == 1 else []
    values += [(f"Value #{_letter(i)}", query.legend) for i, query in enumerate(shown.queries)]
    labels = dict.fromkeys(label for query in shown.queries for label in _labels(query.expr))
    hidden = {"Time": True} | {name: True for name, legend in values if not legend}
    order = {name: i for i, name in enumerate((*labels, *(name for name, _ in values)))}
    headings = {label: label.capitalize() for label in labels} | {name: legend for name, legend in values if legend}
    built = table.Panel().with_transformation(model.DataTransformerConfig(id_val="merge", options={}))
    built = built.with_transformation(
        model.DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": hidden, "indexByName": order, "renameByName": headings},
        )
    )
    for query in shown.queries:
        if query.unit:
            built = built.override_by_name(query.legend, [model.DynamicConfigValue("unit", query.unit)])
    if shown.worded:
        built = built.override_by_name(
            shown.worded, [model.DynamicConfigValue("custom.cellOptions", {"type": "color-background"})]
        )
    if "alertname" in labels:
        link = {"title": "Runbook", "url": f"{RUNBOOKS}${{__value.raw}}.md", "targetBlank": True}
        built = built.override_by_name("Alertname", [model.DynamicConfigValue("links", [link])])
    return built


_SHAPES = {"lines": _lines, "number": _number, "table": _table, "states": _states, "heatmap": _heatmap}


def _labels(expr: str) -> list[str]:
    """Return the labels that a query of a table keeps: it names them first."""
    found = re.search(r"\bby \(([a-z_, ]+)\)", expr)
    if not found:
        raise ValueError(f"a query of a table says by which labels it aggregates, got {expr!r}")
    return [label.strip() for label in found[1].split(",")]


def metrics(expr: str) -> list[str]:
    """List the metrics of the catalogue that a query asks for.

    Parameters
    ----------
    expr : str
        In PromQL.

    Returns
    -------
    list of str
        In order, each once; a histogram by its name in the catalogue.
    """
    names = (re.sub(r"_(bucket|count|sum)$", "", name) for name in _METRIC.findall(expr))
    return [name for name in dict.fromkeys(names) if name in METRICS]


def description(shown: Panel) -> str:
    """Say what a panel shows: its note, and what the catalogue says of its metrics.

    Parameters
    ----------
    shown : Panel
        What it shows.

    Returns
    -------
    str
        Markdown.
    """
    names = dict.fromkeys(name for query in shown.queries for name in metrics(query.expr))
    helps = [f"{METRICS[name].help} (`{name}`)" for name in names]
    return "\n\n".join([shown.note, *helps] if shown.note else helps)
