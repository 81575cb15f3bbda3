"""What is said for other rules to look at."""

from __future__ import annotations

from resampler.monitoring.rule import Alert

MAINTENANCE = (
    Alert(
        "ResamplerMaintenance",
        "max by (dataset) (resampler_maintenance) == 1",
        lasting="",
        severity="none",
        subject="dataset",
        summary="{{ $labels.dataset }}: a window of maintenance is declared",
        description=(
            "While it lasts, pages and tickets of {{ $labels.dataset }} are not sent. Nothing is to be done; "
            "`resampler maintenance show` says until when."
        ),
    ),
)
