"""What is said for other rules to look at."""

from __future__ import annotations

from resampler.monitoring.rule import Alert

MAINTENANCE = (
    Alert(
        "ResamplerMaintenance",
        # Not what a textfile that is written no longer says of a snapshot: that window would never end.
        "max by (dataset, kind) (resampler_maintenance) == 1\n"
        "unless on (dataset, kind) label_replace(label_replace(\n"
        "  min by (snapshot) (time() - resampler_ledger_read_timestamp_seconds) > 60 * 60,\n"
        '  "dataset", "$1", "snapshot", "(.*)"), "kind", "snapshot", "", "")',
        lasting="",
        severity="none",
        subject="dataset",
        summary="{{ $labels.dataset }}: a window of maintenance is declared",
        description=(
            "While it lasts, pages and tickets of the {{ $labels.kind }} {{ $labels.dataset }} are not sent. Nothing "
            "is to be done; `resampler maintenance show` says until when."
        ),
    ),
)
