"""Executive: is the data worth having, and what does it cost; the verdicts first, curves below them."""

from __future__ import annotations

from deploy.generate.dashboards.panel import RANGE, SNAPSHOT, STREAM, Dashboard, Limit, Panel, Query, Row

OUTCOMES = (
    ("pass", "pass", "green"),
    ("no", "no", "red"),
    ("failed", "failed", "red"),
    ("unknown", "unknown", "yellow"),
    ("stopped", "stopped", "yellow"),
)
_NO_GATE = "no gate has been given predictions within three days"
_BUDGET = ((None, "red"), (0.0, "yellow"), (0.5, "green"))


def _objective(measure: str, alerts: tuple[str, ...]) -> Panel:
    name = f"snapshot:resampler_gate_{measure}"
    return Panel(
        f"{measure.capitalize()} of the rare class, and what is asked",
        (
            Query(f"{name}:ratio3d{{{SNAPSHOT}}}", "{{snapshot}}", quiet=_NO_GATE),
            Query(f"{name}:objective{{{SNAPSHOT}}}", "{{snapshot}} asked"),
        ),
        unit="percentunit",
        alerts=alerts,
        note="Of all labelled predictions of real rows that gates were given within three days.",
        most=1.0,
    )


_WORTH = Row(
    "Is the data worth having?",
    (
        Panel(
            "What the last runs came to",
            (
                Query(f"max by (snapshot, step, outcome) (resampler_last_run_outcome{{{SNAPSHOT}}} == 1)"),
                Query(
                    f"time() - max by (snapshot, step) (resampler_last_run_timestamp_seconds{{{SNAPSHOT}}})",
                    "Ago",
                    unit="s",
                ),
            ),
            shape="table",
            alerts=("ResamplerGateFailed", "ResamplerPrivacyFailed", "ResamplerSnapshotDrift", "ResamplerRunFailed"),
            words=OUTCOMES,
            worded="Outcome",
            note="`no` of a gate: its predictions are not good enough; of privacy: synthetic rows give too much away; "
            "of drift: train again.",
            width=12,
        ),
        Panel(
            "Share of the allowed errors that is left",
            tuple(
                Query(
                    f"1 - snapshot:resampler_gate_{name}_burn:ratio3d{{{SNAPSHOT}}}",
                    f"{{{{snapshot}}}} {name}",
                    _NO_GATE,
                )
                for name in ("recall", "precision")
            ),
            unit="percentunit",
            shape="number",
            steps=_BUDGET,
            width=12,
            note="Of the errors that the objective allows over three days, the share that was not made. Below 0 the "
            "objective is missed.",
        ),
        _objective("recall", ("ResamplerRecallBudgetBurnFast", "ResamplerRecallBudgetBurnSlow")),
        _objective("precision", ("ResamplerPrecisionBudgetBurnFast", "ResamplerPrecisionBudgetBurnSlow")),
        Panel(
            "Figures of the last gate",
            (
                Query(f"max by (snapshot, measure) (resampler_gate_figure{{{SNAPSHOT}}})", "Figure", "no gate has run"),
                Query(
                    f"max by (snapshot, measure) (resampler_gate_objective{{{SNAPSHOT}}})", "Asked", "no gate has run"
                ),
            ),
            unit="percentunit",
            shape="table",
            alerts=("ResamplerGateFailed",),
            width=8,
        ),
    ),
)

_BALANCE = Row(
    "Is it balanced as asked, and fresh?",
    (
        Panel(
            "Streams: minority to majority, and target",
            (
                Query(
                    f"max by (stream, class) (shard_class:resampler_ratio:ratio10m{{{STREAM}}})", "{{stream}} {{class}}"
                ),
                Query(
                    f"max by (stream, class) (resampler_class_target_ratio{{{STREAM}}})", "{{stream}} {{class}} target"
                ),
            ),
            alerts=("ResamplerRatioOffTarget", "ResamplerLabelShift"),
            note="The largest class lies at 1; classes that have reached the target already lie above it.",
        ),
        Panel(
            "Newest versions: minority to majority, and target",
            (
                Query(f"max by (snapshot, class) (resampler_snapshot_ratio{{{SNAPSHOT}}})", "{{snapshot}} {{class}}"),
                Query(f"max by (snapshot) (resampler_snapshot_target_ratio{{{SNAPSHOT}}})", "{{snapshot}} target"),
            ),
            alerts=("ResamplerSnapshotRatioOffTarget",),
        ),
        Panel(
            "Age of the newest version",
            (
                Query(
                    f"time() - max by (snapshot) (resampler_snapshot_created_timestamp_seconds{{{SNAPSHOT}}})",
                    "{{snapshot}}",
                ),
            ),
            unit="s",
            shape="number",
            limit=Limit("ResamplerSnapshotStale", "created_timestamp_seconds"),
            width=4,
        ),
        Panel(
            "Newest version",
            (Query(f"max by (snapshot) (resampler_snapshot_version{{{SNAPSHOT}}})", "{{snapshot}}"),),
            unit="none",
            shape="number",
            width=4,
        ),
    ),
)

_COST = Row(
    "What was made, and what does it cost?",
    (
        Panel(
            "Rows of streams a day",
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
            (
                Query(
                    f"max by (snapshot, step) (resampler_last_run_cpu_seconds{{{SNAPSHOT}}})",
                    "{{snapshot}} {{step}}",
                    "runs of earlier releases did not say what they cost",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Runs, by what they came to",
            (
                Query(
                    f"round(sum by (step, outcome) (increase(resampler_runs_total{{{SNAPSHOT}}}[{RANGE}])))",
                    "Runs",
                ),
            ),
            unit="none",
            shape="table",
            words=OUTCOMES,
            worded="Outcome",
            note="Over the time that is shown.",
        ),
    ),
)

EXECUTIVE = Dashboard(
    uid="executive",
    title="Resampler: executive",
    description="Whether augmented training data is worth having, and what it costs; for those who own models.",
    since="now-30d",
    refresh="5m",
    rows=(_WORTH, _BALANCE, _COST),
)
