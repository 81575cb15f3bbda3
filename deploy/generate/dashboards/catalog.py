"""`DASHBOARDS`: all of them."""

from __future__ import annotations

from deploy.generate.dashboards.debug import DEBUG
from deploy.generate.dashboards.executive import EXECUTIVE
from deploy.generate.dashboards.oncall import ONCALL

DASHBOARDS = (EXECUTIVE, ONCALL, DEBUG)
