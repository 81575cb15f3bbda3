"""`ALERTS`: all alerts, by family; of two that one fault could raise, the cause stands first."""

from __future__ import annotations

from resampler.monitoring.alerts.input import INPUT
from resampler.monitoring.alerts.maintenance import MAINTENANCE
from resampler.monitoring.alerts.objectives import OBJECTIVES
from resampler.monitoring.alerts.output import OUTPUT
from resampler.monitoring.alerts.snapshots import SNAPSHOTS
from resampler.monitoring.alerts.workers import WORKERS

# By group: rules of a group are evaluated in order.
FAMILIES = {
    "maintenance": MAINTENANCE,
    "workers": WORKERS,
    "input": INPUT,
    "output": OUTPUT,
    "objectives": OBJECTIVES,
    "snapshots": SNAPSHOTS,
}
ALERTS = {alert.name: alert for family in FAMILIES.values() for alert in family}
