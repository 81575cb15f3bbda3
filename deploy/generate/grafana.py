"""Dashboards of Grafana."""

from __future__ import annotations


def files() -> dict[str, str]:
    """Return the text of each dashboard, by its path in `deploy`."""
    return {}
