"""Debug: everything else, from how rows are made to what processes use."""

from __future__ import annotations

from deploy.generate.dashboards.panel import RATE, SNAPSHOT, STREAM, Dashboard, Limit, Panel, Query, Row
from resampler.monitoring.alerts import ALERTS

_CLASS = "stream, shard, class"
_NO_REFERENCE = "the stream is not counted against a version (--reference)"
_NO_DRIFT = "no drift run is in the ledger"
_NO_AUDIT = "no audit is in the ledger"
_MOST = f"max by (stream, shard) (resampler_drift_distance_max{{{STREAM}}})"
_DRIFT_LIMIT = ALERTS["ResamplerDrift"].expr.partition("> on (stream, shard) ")[2]
_NO_COST = "runs of earlier releases did not say what they cost"
_WHO = (
    "* on (job, instance) group_left (stream, version) "
    f"max by (job, instance, stream, version) (resampler_worker_info{{{STREAM}}})"
)


def _by_class(title: str, metric: str, unit: str = "short", limit: Limit | None = None, **options: object) -> Panel:
    query = Query(f"max by ({_CLASS}) ({metric}{{{STREAM}}})", "{{shard}} {{class}}")
    return Panel(title, (query,), unit, limit=limit, **options)  # type: ignore[arg-type]


def _quantiles(title: str, metric: str) -> Panel:
    per_bucket = f"sum by (le) (rate({metric}_bucket{{{STREAM}}}[{RATE}]))"
    shares = (("0.5", "half"), ("0.9", "9 of 10"), ("0.99", "99 of 100"))
    return Panel(
        title,
        tuple(Query(f"histogram_quantile({share}, {per_bucket})", f"{words} below") for share, words in shares),
        unit="s",
    )


def _heatmap(title: str, metric: str) -> Panel:
    per_bucket = f"sum by (le) (increase({metric}_bucket{{{STREAM}}}[{RATE}]))"
    return Panel(title, (Query(per_bucket, "{{le}}"),), unit="s", shape="heatmap")


def _by_snapshot(
    title: str, metric: str, labels: str, unit: str = "short", quiet: str = "", **options: object
) -> Panel:
    names = [name.strip() for name in labels.split(",")]
    legend = " ".join(f"{{{{{name}}}}}" for name in ("snapshot", *names))
    query = Query(f"max by (snapshot, {labels}) ({metric}{{{SNAPSHOT}}})", legend, quiet)
    return Panel(title, (query,), unit, **options)  # type: ignore[arg-type]


_MAKING = Row(
    "How are synthetic rows made?",
    (
        Panel(
            "Synthetic rows a second",
            (
                Query(
                    f"sum by ({_CLASS}) (rate(resampler_samples_generated_total{{{STREAM}}}[{RATE}]))",
                    "{{shard}} {{class}}",
                ),
            ),
            unit="rowsps",
            alerts=("ResamplerRatioOffTarget",),
        ),
        Panel(
            "Synthetic rows of all rows",
            (Query(f"max by (stream, shard) (resampler_synthetic_ratio{{{STREAM}}})", "{{shard}}"),),
            unit="percentunit",
        ),
        _by_class("Rows in the buffer", "resampler_buffer_rows"),
        _by_class(
            "Recall of the buffer",
            "resampler_buffer_recall",
            "percentunit",
            Limit("ResamplerBufferRecallLow", "resampler_buffer_recall", below=True),
            most=1.0,
        ),
        _by_class(
            "Distance to the nearest kept row",
            "resampler_neighbor_distance",
            alerts=("ResamplerDuplicateRows",),
            note="0: half the rows or more are duplicates.",
        ),
        Panel(
            "Rows replayed a second",
            (Query(f"sum by (shard) (rate(resampler_replayed_rows_total{{{STREAM}}}[{RATE}]))", "{{shard}}"),),
            unit="rowsps",
            note="After a change of owner the state is restored by reading again what was read.",
        ),
    ),
)

_TIMES = Row(
    "What takes time?",
    (
        _quantiles("Time of a commit", "resampler_commit_seconds"),
        _quantiles("From the read of a row to its commit", "resampler_batch_latency_seconds"),
        Panel(
            "Shards, as workers see them",
            (
                Query(
                    f"max by (stream, state) (resampler_shards{{{STREAM}}})",
                    "{{stream}} {{state}}",
                ),
            ),
        ),
        _heatmap("Commits by their time", "resampler_commit_seconds"),
        _heatmap("Batches by their latency", "resampler_batch_latency_seconds"),
        Panel(
            "Label shift, in standard errors",
            (Query(f"stream_class:resampler_label_shift:z{{{STREAM}}}", "{{stream}} {{class}}", "no day of rows yet"),),
            alerts=("ResamplerLabelShift",),
            note="How far the share of a class in 10 minutes lies from that of the day before.",
        ),
    ),
)

_DRIFT = Row(
    "Have features drifted?",
    (
        Panel(
            "Greatest distance of any feature",
            (
                Query(_MOST, "{{shard}}", _NO_REFERENCE),
                Query(f"({_DRIFT_LIMIT})\nand on (stream, shard) {_MOST}", "{{shard}}, limit", _NO_REFERENCE),
            ),
            note="Above the limit, which chance alone stays below, the stream has drifted.",
            alerts=("ResamplerDrift",),
            most=1.0,
        ),
        Panel(
            "Features that moved most, by distance",
            (
                Query(
                    f"topk(10, max by (stream, feature) (resampler_drift_distance{{{STREAM}}}))",
                    "{{stream}} {{feature}}",
                    _NO_REFERENCE,
                ),
            ),
            alerts=("ResamplerDrift",),
            most=1.0,
        ),
        Panel(
            "Features that moved most, by stability index",
            (
                Query(
                    f"topk(10, max by (stream, feature) (resampler_drift_stability_index{{{STREAM}}}))",
                    "{{stream}} {{feature}}",
                    _NO_REFERENCE,
                ),
            ),
            note="Custom has it that .1 is a small shift, and .25 a large one.",
        ),
        Panel(
            "Rows of the newest window",
            (Query(f"max by (stream, shard) (resampler_drift_window_rows{{{STREAM}}})", "{{shard}}", _NO_REFERENCE),),
            width=6,
        ),
        Panel(
            "Windows counted an hour",
            (
                Query(
                    f"sum by (shard) (increase(resampler_drift_windows_total{{{STREAM}}}[1h]))",
                    "{{shard}}",
                    _NO_REFERENCE,
                ),
            ),
            width=6,
        ),
        Panel(
            "Snapshots: features by their share of the limit",
            (
                Query(
                    "topk(10, max by (snapshot, series, feature) "
                    f"(resampler_snapshot_drift_limit_ratio{{{SNAPSHOT}}}))",
                    "{{snapshot}} {{series}} {{feature}}",
                    _NO_DRIFT,
                ),
            ),
            alerts=("ResamplerSnapshotDrift",),
            steps=((None, "green"), (1.0, "red")),
            width=6,
        ),
        Panel(
            "Snapshots: features by distance",
            (
                Query(
                    f"topk(10, max by (snapshot, series, feature) (resampler_snapshot_drift_distance{{{SNAPSHOT}}}))",
                    "{{snapshot}} {{series}} {{feature}}",
                    _NO_DRIFT,
                ),
            ),
            alerts=("ResamplerSnapshotDrift",),
            most=1.0,
            width=6,
        ),
    ),
)

_VERSIONS = Row(
    "What are versions made of?",
    (
        Panel(
            "Newest versions",
            (
                Query(
                    "max by (snapshot, version, digest, method, seed, contract) "
                    f"(resampler_snapshot_info{{{SNAPSHOT}}})",
                ),
            ),
            shape="table",
            width=16,
        ),
        _by_snapshot(
            "What attacks recover",
            "resampler_privacy_recovered_ratio",
            "attack",
            "percentunit",
            _NO_AUDIT,
            alerts=("ResamplerPrivacyFailed",),
            most=1.0,
        ),
        Panel(
            "Rows of the newest version",
            (
                Query(
                    f"max by (snapshot, split, class, origin) (resampler_snapshot_rows{{{SNAPSHOT}}})",
                    "Rows",
                ),
            ),
            unit="none",
            shape="table",
        ),
        _by_snapshot(
            "Predictions that gates counted",
            "resampler_gate_predictions_total",
            "result",
            quiet="no gate has been given predictions",
        ),
        Panel(
            "How fast error budgets burn",
            tuple(
                Query(
                    f"snapshot:resampler_gate_{measure}_burn:ratio{window}{{{SNAPSHOT}}}",
                    f"{{{{snapshot}}}} {measure} {window}",
                    "no gate has been given predictions within the window",
                )
                for measure in ("recall", "precision")
                for window in ("1h", "3d")
            ),
            limit=Limit("ResamplerRecallBudgetBurnFast", "burn:ratio1h"),
            alerts=(
                "ResamplerRecallBudgetBurnSlow",
                "ResamplerPrecisionBudgetBurnFast",
                "ResamplerPrecisionBudgetBurnSlow",
            ),
            note="1: the errors that the objective allows are just made.",
        ),
    ),
)

_USE = Row(
    "What do processes and runs use?",
    (
        Panel(
            "Workers",
            (
                Query(
                    f"max by (stream, job, instance, run, version, contract, seed) (resampler_worker_info{{{STREAM}}})",
                ),
            ),
            shape="table",
            width=24,
            height=5,
        ),
        Panel(
            "Cores",
            (
                Query(
                    f"rate(process_cpu_seconds_total[{RATE}]) {_WHO}",
                    "{{stream}} {{instance}} {{version}}",
                ),
            ),
            width=12,
        ),
        Panel(
            "Memory",
            (Query(f"process_resident_memory_bytes {_WHO}", "{{stream}} {{instance}} {{version}}"),),
            unit="bytes",
            width=12,
        ),
        _by_snapshot("How long the last runs took", "resampler_last_run_seconds", "step", "s"),
        _by_snapshot("Processor time of the last runs", "resampler_last_run_cpu_seconds", "step", "s", _NO_COST),
        _by_snapshot("Peak memory of the last runs", "resampler_last_run_memory_bytes", "step", "bytes", _NO_COST),
    ),
)

DEBUG = Dashboard(
    uid="debug",
    title="Resampler: debug",
    description="Everything else: buffers, latencies, drift, versions, processes; for those who mend it.",
    since="now-6h",
    refresh="1m",
    rows=(_MAKING, _TIMES, _DRIFT, _VERSIONS, _USE),
)
