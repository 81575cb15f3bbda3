"""What Grafana reads, of a `Dashboard`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

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
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as queries

from deploy.generate.dashboards.panel import Dashboard, Panel, Query
from resampler.monitoring.catalog import METRICS

_SOURCE = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
_BUILDERS = {
    "lines": timeseries.Panel,
    "number": stat.Panel,
    "table": table.Panel,
    "states": statetimeline.Panel,
    "heatmap": heatmap.Panel,
}
_NOW = {"number", "table"}  # shapes that ask for the present only
_METRIC = re.compile(r"\b[a-z_]+:[a-z_:0-9]+\b|\b(?:resampler|process)_[a-z_]+\b")


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
        .readonly()
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
    number = 0
    for row in shown.rows:
        built = built.with_row(dashboard.Row(row.title).id(number := number + 1))
        for panel in row.panels:
            built = built.with_panel(_panel(panel).id(number := number + 1))
    return built.build()


def _variable(name: str, metric: str) -> dashboard.QueryVariable:
    """Let one choose among the values of a label; all of them at first, and where there are none."""
    everything = model.VariableOption(selected=True, text="All", value="$__all")
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
        .current(everything)
    )


def _panel(shown: Panel) -> Any:
    built = (
        _BUILDERS[shown.shape]()
        .title(shown.title)
        .description(description(shown))
        .datasource(_SOURCE)
        .unit(shown.unit)
        .span(shown.width)
        .height(shown.height)
        .thresholds(_thresholds(shown))
    )
    for i, query in enumerate(shown.queries):
        built = built.with_target(_target(shown, query, chr(ord("A") + i)))
    return built


def _target(shown: Panel, query: Query, name: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(name)
    if shown.shape == "heatmap":
        return target.range().format(queries.PromQueryFormat.HEATMAP)
    if shown.shape == "table":
        return target.instant().format(queries.PromQueryFormat.TABLE)
    return target.instant() if shown.shape in _NOW else target.range()


def _thresholds(shown: Panel) -> dashboard.ThresholdsConfig:
    steps = shown.steps or ((None, "green"),)
    made = [model.Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(made)


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
    found = dict.fromkeys(re.sub(r"_(bucket|count|sum)$", "", name) for name in _METRIC.findall(expr))
    return [name for name in found if name in METRICS]


def description(shown: Panel) -> str:
    """Say what a panel shows: its note, and what the catalogue says of its metrics."""
    names = dict.fromkeys(name for query in shown.queries for name in metrics(query.expr))
    helps = [f"{METRICS[name].help} (`{name}`)" for name in names]
    return "\n\n".join([shown.note, *helps] if shown.note else helps)
