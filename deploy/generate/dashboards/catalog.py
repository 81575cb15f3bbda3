"""`DASHBOARDS`: all of them."""

from __future__ import annotations

from deploy.generate.dashboards.executive import EXECUTIVE

DASHBOARDS = (EXECUTIVE,)
