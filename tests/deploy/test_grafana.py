"""Dashboards: nothing is left out, nothing lies on another, and a panel is red where its alert is."""

import itertools
import json
import re

import pytest
import yaml
from prometheus import need_tool, promtool

from deploy.generate.dashboards.build import description, metrics
from deploy.generate.dashboards.catalog import DASHBOARDS
from deploy.generate.dashboards.limits import number
from deploy.generate.dashboards.panel import Limit
from deploy.generate.files import ROOT
from deploy.generate.grafana import queries
from resampler.monitoring.alerts import ALERTS
from resampler.monitoring.catalog import METRICS
from resampler.monitoring.recordings import RECORDINGS

PANELS = [(shown.uid, panel) for shown in DASHBOARDS for panel in shown.panels]
# Of Grafana's units, those that are used: a wrong name shows a bare number.
UNITS = {"short", "none", "percentunit", "s", "bytes", "rowsps"}


def written(shown):
    return json.loads((ROOT / "grafana" / f"{shown.uid}.json").read_text())


@pytest.mark.parametrize("shown", DASHBOARDS, ids=lambda shown: shown.uid)
def test_panels_lie_beside_each_other(shown):
    panels = written(shown)["panels"]
    taken = {}
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        for cell in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, f"{panel['title']} lies on {taken.get(cell)}"
            taken[cell] = panel["title"]
    for y in {y for _, y in taken}:  # a gap looks like a panel that failed to load
        assert {x for x, at in taken if at == y} == set(range(24)), y
    assert len({panel["id"] for panel in panels}) == len(panels)
    titles = [panel["title"] for panel in panels]
    assert len(set(titles)) == len(titles)


def test_what_is_exported_is_looked_at():
    asked = " ".join([query.expr for query in queries()] + [rule.expr for rule in (*ALERTS.values(), *RECORDINGS)])
    assert sorted(set(METRICS) - set(metrics(asked))) == []


def test_what_is_asked_for_exists():
    recorded = {rule.name for rule in RECORDINGS}
    for query in queries():
        names = set(
            re.findall(r"\b(?:resampler|process|go|python)_\w+|\b\w+:[\w:]+", re.sub(r'"[^"]*"', "", query.expr))
        )
        known = recorded | {name for name in names if metrics(name)}
        assert names <= known, f"{query.panel}: {names - known}"


def test_labels_are_those_of_the_catalogue():
    common = {"job", "instance", "le"}
    for query in queries():
        for name in metrics(query.expr):
            for chosen in re.findall(name + r"(?:_bucket)?\{([^}]*)\}", query.expr):
                labels = set(re.findall(r"(\w+)=", chosen))
                assert labels <= {*METRICS[name].labels, *common}, f"{query.panel}: {name} has no {labels}"


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=lambda value: getattr(value, "title", value))
def test_panels_explain_themselves(uid, panel):
    assert panel.unit in UNITS
    assert description(panel) or not any(metrics(query.expr) for query in panel.queries)
    assert all(name in ALERTS for name in panel.runbooks)
    assert panel.shape == "table" or all(query.legend for query in panel.queries)


def test_panels_are_red_where_alerts_are():
    assert number(Limit("ResamplerSnapshotStale", "created_timestamp_seconds")) == 48 * 3600
    (stale,) = [panel for panel in written(DASHBOARDS[0])["panels"] if panel["title"] == "Age of the newest version"]
    assert stale["fieldConfig"]["defaults"]["thresholds"]["steps"] == [
        {"color": "green", "value": None},
        {"color": "red", "value": 172800},
    ]
    with pytest.raises(ValueError, match="compares 'up' with no number"):
        number(Limit("ResamplerSnapshotStale", "up"))


def test_all_alerts_are_linked_from_some_panel():
    assert sorted(set(ALERTS) - {name for _, panel in PANELS for name in panel.runbooks}) == []


def test_variables_are_filled_in():
    assert all("$" not in query.expr for query in queries())
    assert any('stream=~"fraud"' in query.expr and "[7s]" in query.expr for query in queries("fraud", rate="7s"))


def test_prometheus_parses_what_panels_ask(tmp_path):
    need_tool("promtool")
    rules = [{"record": f"panel:{i}", "expr": query.expr} for i, query in enumerate(queries())]
    path = tmp_path / "panels.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr
