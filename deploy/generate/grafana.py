"""Dashboards of Grafana, and all that they ask Prometheus."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.generate.dashboards.build import build
from deploy.generate.dashboards.catalog import DASHBOARDS


@dataclass(frozen=True, slots=True)
class Asked:
    """A query of a panel, as Prometheus takes it.

    Parameters
    ----------
    dashboard, panel : str
        Where it stands.
    expr : str
        With variables filled in.
    quiet : str
        Why it may find nothing where all is well; empty where it must find something.
    """

    dashboard: str
    panel: str
    expr: str
    quiet: str


def files() -> dict[str, str]:
    """Return the text of each dashboard, by its path in `deploy`."""
    return {f"grafana/{shown.uid}.json": _json(build(shown)) for shown in DASHBOARDS}


def queries(stream: str = ".*", snapshot: str = ".*", rate: str = "1m") -> list[Asked]:
    """List what all panels ask.

    Parameters
    ----------
    stream, snapshot : str
        Regular expressions, what a user has chosen.
    rate : str
        The interval of rates: four scrapes.

    Returns
    -------
    list of Asked
        In the order of panels.
    """
    filled = {
        "$stream": stream,
        "$snapshot": snapshot,
        "$__rate_interval": rate,
        "$__range": "1h",
        "$__interval": "15s",
    }
    asked = []
    for shown in DASHBOARDS:
        for panel in shown.panels:
            for query in panel.queries:
                expr = query.expr
                for name, value in filled.items():
                    expr = expr.replace(name, value)
                asked.append(Asked(shown.uid, panel.title, expr, query.quiet))
    return asked


def _json(built: object) -> str:
    return JSONEncoder(sort_keys=True, indent=2).encode(built) + "\n"
