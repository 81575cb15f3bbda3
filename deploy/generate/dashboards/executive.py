"""Executive: is the data worth having, and what does it cost?"""

from __future__ import annotations

from deploy.generate.dashboards.panel import SNAPSHOT, STREAM, Dashboard, Panel, Query, Row

_OUTCOME = 'resampler_last_run_outcome{{step="{}", ' + SNAPSHOT + "}} == 1"
# Words of the ledger: what passes is green, what is refused red, what cannot be said yellow.
_DAY_S = 86_400


def _outcomes(step: str, title: str, *alerts: str) -> Panel:
    return Panel(
        title,
        (Query(_OUTCOME.format(step), "{{snapshot}}: {{outcome}}", quiet=f"no {step} has been run"),),
        shape="number",
        alerts=alerts,
        width=6,
        height=5,
    )


EXECUTIVE = Dashboard(
    uid="executive",
    title="Resampler: executive",
    description="Whether augmented training data is worth having, and what it costs; for those who own models.",
    since="now-30d",
    refresh="5m",
    rows=(
        Row(
            "Is the data worth having?",
            (
                Panel(
                    "Figures of the last gate against what is asked",
                    (
                        Query(f"resampler_gate_figure{{{SNAPSHOT}}}", "figure", quiet="no gate has been run"),
                        Query(f"resampler_gate_objective{{{SNAPSHOT}}}", "asked", quiet="no gate has been run"),
                    ),
                    unit="percentunit",
                    shape="table",
                    alerts=("ResamplerGateFailed",),
                ),
            ),
        ),
        Row(
            "How fresh is it?",
            (
                Panel(
                    "Age of the newest version",
                    (Query(f"time() - resampler_snapshot_created_timestamp_seconds{{{SNAPSHOT}}}", "{{snapshot}}"),),
                    unit="s",
                    shape="number",
                    alerts=("ResamplerSnapshotStale",),
                    width=6,
                    height=5,
                ),
                Panel(
                    "Newest version",
                    (Query(f"resampler_snapshot_version{{{SNAPSHOT}}}", "{{snapshot}}"),),
                    unit="none",
                    shape="number",
                    width=6,
                    height=5,
                ),
            ),
        ),
        Row(
            "What did the last runs say?",
            (
                _outcomes("gate", "Gate", "ResamplerGateFailed"),
                _outcomes("audit", "Privacy", "ResamplerPrivacyFailed"),
                _outcomes("drift", "Drift", "ResamplerSnapshotDrift"),
            ),
        ),
        Row(
            "What was made, and what did it cost?",
            (
                Panel(
                    "Rows of streams, the last day",
                    (
                        Query(f"sum by (stream) (increase(resampler_rows_total{{{STREAM}}}[1d]))", "{{stream}} real"),
                        Query(
                            f"sum by (stream) (increase(resampler_samples_generated_total{{{STREAM}}}[1d]))",
                            "{{stream}} synthetic",
                        ),
                    ),
                ),
                Panel(
                    "Processor time of the last run",
                    (Query(f"resampler_last_run_cpu_seconds{{{SNAPSHOT}}}", "{{snapshot}} {{step}}"),),
                    unit="s",
                ),
            ),
        ),
    ),
)
