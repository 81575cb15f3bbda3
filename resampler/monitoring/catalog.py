"""`WORKER` and `LEDGER`: all metrics that a worker, and that a ledger of batch runs, exports."""

from __future__ import annotations

from resampler.monitoring.metric import Metric

_SHARD = ("stream", "shard")
_CLASS = (*_SHARD, "class")

_OF_WORKERS = (
    Metric("resampler_rows_total", "counter", "Real rows committed.", _CLASS),
    Metric("resampler_samples_generated_total", "counter", "Synthetic rows committed.", _CLASS),
    Metric("resampler_synthetic_ratio", "gauge", "Synthetic rows : all rows since the stream began.", _SHARD),
    Metric(
        "resampler_class_target_ratio",
        "gauge",
        "Class : largest class that quotas ask for now: ratio, cost and weight; the largest class has none.",
        _CLASS,
    ),
    Metric(
        "resampler_class_weight",
        "gauge",
        "What a learner's recall leaves a class of its ratio; there under --feedback alone.",
        _CLASS,
    ),
    Metric(
        "resampler_feedback",
        "gauge",
        "1 for what became of the learner's last report, 0 for the rest; there under --feedback alone.",
        (*_SHARD, "standing"),
    ),
    Metric("resampler_buffer_rows", "gauge", "Rows that synthetic rows are made from.", _CLASS),
    Metric("resampler_buffer_recall", "gauge", "Share of true neighbours among those kept, of a sample.", _CLASS),
    Metric(
        "resampler_neighbor_distance",
        "gauge",
        "Median distance of a kept row to its nearest neighbour, in units of scale.",
        _CLASS,
    ),
    Metric("resampler_stream_lag_rows", "gauge", "Rows in the input that are not committed yet.", _SHARD),
    Metric("resampler_feed_lag_rows", "gauge", "Output rows that a feed has not confirmed yet.", (*_SHARD, "feed")),
    Metric("resampler_commit_seconds", "histogram", "Time of one commit.", _SHARD),
    Metric(
        "resampler_batch_latency_seconds", "histogram", "From the read of a batch's last row to its commit.", _SHARD
    ),
    Metric("resampler_last_commit_timestamp_seconds", "gauge", "When the last commit succeeded, Unix time.", _SHARD),
    Metric(
        "resampler_refused_commits_total",
        "counter",
        "Commits, and attempts to take or keep the shard, that the server refused.",
        (*_SHARD, "reason"),
    ),
    Metric(
        "resampler_server_up",
        "gauge",
        "1 while the shard's server answers this worker, owner or not, be it with a refusal; 0 while it does not.",
        _SHARD,
    ),
    Metric("resampler_reconnects_total", "counter", "Attempts to connect to the server again.", _SHARD),
    Metric("resampler_dead_letters_total", "counter", "Rows that broke the contract.", (*_SHARD, "reason")),
    Metric("resampler_dead_letter_entries", "gauge", "Dead letters that wait for someone to look at them.", _SHARD),
    Metric("resampler_shard_owned", "gauge", "1 while this worker owns the shard.", _SHARD),
    Metric(
        "resampler_shards",
        "gauge",
        "Shards of the stream as this worker sees them: owned by it, by another (elsewhere), unowned, or unknown, as "
        "while the server does not answer.",
        ("stream", "state"),
    ),
    Metric(
        "resampler_hanging_threads",
        "gauge",
        "Threads of the worker that neither get on nor compute, whatever they wait for: only a restart helps.",
        ("stream",),
    ),
    Metric("resampler_paused", "gauge", "1 while the shard is paused and no synthetic row is made.", _SHARD),
    Metric(
        "resampler_idle",
        "gauge",
        "1 while hardly any synthetic row was made for 10,000 rows or more, and neither pause, warm-up nor the ratio "
        "that was asked for explains it; `resampler stream status` says why.",
        _SHARD,
    ),
    Metric("resampler_clock_skew_seconds", "gauge", "The worker's clock less that of the shard's server.", _SHARD),
    Metric(
        "resampler_drift_stability_index",
        "gauge",
        "Population stability index of a feature in the newest window, against the reference version.",
        (*_SHARD, "feature"),
    ),
    Metric(
        "resampler_drift_distance",
        "gauge",
        "Kolmogorov-Smirnov distance of a feature in the newest window; of a category total variation.",
        (*_SHARD, "feature"),
    ),
    Metric(
        "resampler_drift_distance_max", "gauge", "The greatest distance of any feature in the newest window.", _SHARD
    ),
    Metric("resampler_drift_window_rows", "gauge", "Rows counted in the newest window.", _SHARD),
    Metric("resampler_drift_windows_total", "counter", "Windows of counts against the reference version.", _SHARD),
    Metric("resampler_replayed_rows_total", "counter", "Rows replayed silently to restore the state.", _SHARD),
    Metric(
        "resampler_worker_info",
        "gauge",
        "1; the labels say which worker this is: to be joined with others, group_left.",
        ("stream", "run", "version", "contract", "seed"),
    ),
    Metric("process_cpu_seconds_total", "counter", "Processor time of the worker's process."),
    Metric("process_resident_memory_bytes", "gauge", "Resident memory of the worker's process."),
)

_SNAPSHOT = ("snapshot",)

_OF_LEDGERS = (
    Metric("resampler_snapshot_version", "gauge", "Number of the newest version.", _SNAPSHOT),
    Metric(
        "resampler_snapshot_created_timestamp_seconds",
        "gauge",
        "When the newest version was made, Unix time.",
        _SNAPSHOT,
    ),
    Metric(
        "resampler_snapshot_interval_seconds",
        "gauge",
        "Time from one version to the next, the median of the last ten; 0 where there are not two.",
        _SNAPSHOT,
    ),
    Metric(
        "resampler_snapshot_info",
        "gauge",
        "1; the labels say what the newest version is: to be joined with others, group_left.",
        ("snapshot", "version", "digest", "method", "seed", "contract"),
    ),
    Metric("resampler_snapshot_rows", "gauge", "Rows of the newest version.", ("snapshot", "split", "class", "origin")),
    Metric(
        "resampler_snapshot_ratio",
        "gauge",
        "A class's rows : the largest class's, in the training split of the newest version.",
        ("snapshot", "class"),
    ),
    Metric("resampler_snapshot_target_ratio", "gauge", "Minority : majority that was asked for.", _SNAPSHOT),
    Metric("resampler_runs_total", "counter", "Runs that ended.", ("snapshot", "step", "outcome")),
    Metric(
        "resampler_last_run_timestamp_seconds", "gauge", "When the last run ended, Unix time.", ("snapshot", "step")
    ),
    Metric(
        "resampler_last_run_outcome",
        "gauge",
        "What the last run came to: 1 for the outcome that it had, 0 for the others.",
        ("snapshot", "step", "outcome"),
    ),
    Metric("resampler_last_run_seconds", "gauge", "How long the last run took.", ("snapshot", "step")),
    Metric("resampler_last_run_cpu_seconds", "gauge", "Processor time of the last run.", ("snapshot", "step")),
    Metric("resampler_last_run_memory_bytes", "gauge", "Peak memory of the last run.", ("snapshot", "step")),
    Metric("resampler_gate_figure", "gauge", "A measure of the last gate.", ("snapshot", "measure")),
    Metric(
        "resampler_gate_objective", "gauge", "The least that the policy asks of a measure.", ("snapshot", "measure")
    ),
    Metric(
        "resampler_gate_predictions_total",
        "counter",
        "Labelled predictions that gates were given, by result: true_positive, false_negative, false_positive.",
        ("snapshot", "result"),
    ),
    Metric(
        "resampler_snapshot_drift_distance",
        "gauge",
        "Distance of a feature in the last drift run, and of a label's shares.",
        ("snapshot", "series", "feature"),
    ),
    Metric(
        "resampler_snapshot_drift_limit_ratio",
        "gauge",
        "A feature's distance : the limit of its policy that it exceeds most; 0 where it has not drifted.",
        ("snapshot", "series", "feature"),
    ),
    Metric(
        "resampler_privacy_recovered_ratio",
        "gauge",
        "Share that an attack recovered in the last audit, the worst class's.",
        ("snapshot", "attack"),
    ),
    Metric("resampler_lineage_outbox_events", "gauge", "Events of lineage that wait to be sent.", _SNAPSHOT),
    Metric(
        "resampler_unfinished_runs", "gauge", "Runs that a budget has cut and nobody has resumed.", ("snapshot", "step")
    ),
    Metric(
        "resampler_ledger_read_timestamp_seconds",
        "gauge",
        "When the ledger last answered, Unix time; 0 where it never has.",
        _SNAPSHOT,
    ),
    Metric(
        "resampler_ledger_unread_files",
        "gauge",
        "Runs of the ledger, and the manifest of the newest version, that are damaged and left out of other metrics.",
        _SNAPSHOT,
    ),
)

_OF_BOTH = (
    Metric(
        "resampler_maintenance",
        "gauge",
        "1 while a window of maintenance is declared for a dataset; kind: stream, snapshot.",
        ("dataset", "kind"),
    ),
)

WORKER = {metric.name: metric for metric in (*_OF_WORKERS, *_OF_BOTH)}
LEDGER = {metric.name: metric for metric in (*_OF_LEDGERS, *_OF_BOTH)}
METRICS = WORKER | LEDGER
