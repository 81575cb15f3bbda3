"""On call: what is wrong now, and where."""

from __future__ import annotations

from deploy.generate.dashboards.panel import DATASET, RATE, SNAPSHOT, STREAM, Dashboard, Limit, Panel, Query, Row

_BAD = ((None, "green"), (1.0, "red"))
_WARN = ((None, "green"), (1.0, "yellow"))
_FIRING = 'ALERTS{alertstate="firing", ' + DATASET + ', severity="%s"}'
_NOBODY_FEEDS = "no feed has registered"
_NO_REFUSAL = "no commit is refused"
_NO_LEARNER = "no learner is followed"
_NO_LETTERS = "no row breaks the contract"


def _count(title: str, expr: str, steps: tuple[tuple[float | None, str], ...], **options: object) -> Panel:
    return Panel(
        title, (Query(f"{expr} or vector(0)", title),), "none", "number", steps=steps, width=4, height=4, **options
    )  # type: ignore[arg-type]


_NOW = Row(
    "What is wrong now?",
    (
        _count("Pages", f"count({_FIRING % 'page'})", _BAD),
        _count("Tickets", f"count({_FIRING % 'ticket'})", _WARN),
        _count(
            "Shards without an owner",
            f"sum(stream:resampler_shards_unowned:count{{{STREAM}}})",
            _BAD,
            alerts=("ResamplerShardUnowned", "ResamplerWorkerDown", "ResamplerWorkerLost"),
        ),
        _count(
            "Servers away",
            f"count(max by (stream, shard) (resampler_server_up{{{STREAM}}}) == 0)",
            _BAD,
            alerts=("ResamplerServerDown",),
        ),
        _count(
            "Shards paused",
            f"count(max by (stream, shard) (resampler_paused{{{STREAM}}}) == 1)",
            _WARN,
            alerts=("ResamplerPausedLong",),
        ),
        _count(
            "In maintenance",
            f"count(max by (dataset, kind) (resampler_maintenance{{{DATASET}}}) == 1)",
            ((None, "green"), (1.0, "blue")),
            alerts=("ResamplerMaintenance",),
            note="Alerts of a dataset in maintenance reach nobody.",
        ),
        Panel(
            "Alerts that fire",
            (
                Query(
                    "max by (alertname, dataset, severity, stream, shard, snapshot, class, reason) "
                    f'(ALERTS{{alertstate="firing", {DATASET}, severity!="none"}})',
                    quiet="all is well",
                ),
            ),
            shape="table",
            words=(("page", "page", "red"), ("ticket", "ticket", "yellow")),
            worded="Severity",
            note="The name of an alert leads to its runbook.",
            width=12,
            height=8,
        ),
        Panel(
            "Owners",
            (Query(f"shard:resampler_shard_owned:sum{{{STREAM}}}", "{{shard}}"),),
            shape="states",
            words=(("0", "nobody", "red"), ("1", "owned", "green"), ("2", "two owners", "orange")),
            alerts=("ResamplerShardUnowned", "ResamplerWorkerHangs"),
            width=12,
            height=8,
        ),
    ),
)

_ROWS = Row(
    "Do rows get through?",
    (
        Panel(
            "Rows that wait in the input",
            (Query(f"max by (stream, shard) (resampler_stream_lag_rows{{{STREAM}}})", "{{shard}}"),),
            limit=Limit("ResamplerLagHigh", "resampler_stream_lag_rows"),
            alerts=("ResamplerCommitsStalled",),
        ),
        Panel(
            "Since the last commit",
            (
                Query(
                    f"time() - max by (stream, shard) (resampler_last_commit_timestamp_seconds{{{STREAM}}})",
                    "{{shard}}",
                ),
            ),
            unit="s",
            limit=Limit("ResamplerCommitsStalled", "last_commit_timestamp_seconds"),
            note="A stream that nothing comes in on commits nothing.",
        ),
        Panel(
            "Real rows a second",
            (Query(f"sum by (stream, shard) (rate(resampler_rows_total{{{STREAM}}}[{RATE}]))", "{{shard}}"),),
            unit="rowsps",
        ),
        Panel(
            "Commits refused, by reason",
            (
                Query(
                    f"sum by (shard, reason) (increase(resampler_refused_commits_total{{{STREAM}}}[{RATE}])) > 0",
                    "{{shard}} {{reason}}",
                    _NO_REFUSAL,
                ),
            ),
            alerts=("ResamplerCommitsRefused",),
        ),
        Panel(
            "Connections made again",
            (
                Query(
                    f"sum by (shard) (increase(resampler_reconnects_total{{{STREAM}}}[{RATE}]))",
                    "{{shard}}",
                ),
            ),
            alerts=("ResamplerServerDown",),
        ),
        Panel(
            "Time of a commit, 99 of 100 below",
            (
                Query(
                    "histogram_quantile(0.99, sum by (shard, le) "
                    f"(rate(resampler_commit_seconds_bucket{{{STREAM}}}[{RATE}])))",
                    "{{shard}}",
                ),
            ),
            unit="s",
        ),
        Panel(
            "Rows that break the contract, by reason",
            (
                Query(
                    f"sum by (stream, reason) (increase(resampler_dead_letters_total{{{STREAM}}}[{RATE}])) > 0",
                    "{{stream}} {{reason}}",
                    _NO_LETTERS,
                ),
            ),
            alerts=("ResamplerDeadLetters", "ResamplerSchemaChange"),
        ),
        Panel(
            "Dead letters that wait",
            (Query(f"max by (stream, shard) (resampler_dead_letter_entries{{{STREAM}}})", "{{shard}}"),),
            alerts=("ResamplerDeadLetters", "ResamplerSchemaChange"),
        ),
        Panel(
            "Rows that feeds have not confirmed",
            (
                Query(
                    f"max by (stream, shard, feed) (resampler_feed_lag_rows{{{STREAM}}})",
                    "{{shard}} {{feed}}",
                    _NOBODY_FEEDS,
                ),
            ),
            limit=Limit("ResamplerFeedLagging", "resampler_feed_lag_rows"),
        ),
    ),
)

_ODD = Row(
    "Is anything odd about them?",
    (
        Panel(
            "Share of each class, real rows of 10 minutes",
            (
                Query(f"stream_class:resampler_rows:share10m{{{STREAM}}}", "{{stream}} {{class}}"),
                Query(f"stream_class:resampler_rows:share1d{{{STREAM}}}", "{{stream}} {{class}}, a day"),
            ),
            unit="percentunit",
            alerts=("ResamplerLabelShift",),
            width=6,
        ),
        Panel(
            "Paused, without synthetic rows",
            (Query(f"max by (stream, shard) (resampler_paused{{{STREAM}}})", "{{shard}}"),),
            shape="states",
            words=(("0", "running", "green"), ("1", "paused", "yellow")),
            alerts=("ResamplerPausedLong",),
            width=6,
        ),
        Panel(
            "Hardly any synthetic rows for long, unasked",
            (Query(f"max by (stream, shard) (resampler_idle{{{STREAM}}})", "{{shard}}"),),
            shape="states",
            words=(("0", "as asked", "green"), ("1", "see stream status", "yellow")),
            alerts=("ResamplerIdle",),
            width=6,
        ),
        Panel(
            "Clocks of worker and server apart",
            (Query(f"max by (stream, shard) (abs(resampler_clock_skew_seconds{{{STREAM}}}))", "{{shard}}"),),
            unit="s",
            limit=Limit("ResamplerClockSkew", "resampler_clock_skew_seconds"),
            width=6,
        ),
        Panel(
            "What each class is to have of the largest, and what a learner leaves it of that",
            (
                Query(
                    f"max by (stream, shard, class) (resampler_class_target_ratio{{{STREAM}}})", "{{shard}} {{class}}"
                ),
                Query(
                    f"max by (stream, shard, class) (resampler_class_weight{{{STREAM}}})",
                    "{{shard}} {{class}}, weight",
                    _NO_LEARNER,
                ),
            ),
            alerts=("ResamplerRatioOffTarget",),
            width=12,
        ),
        Panel(
            "A learner's last report",
            (
                Query(
                    f"max by (stream, shard, standing) (resampler_feedback{{{STREAM}}})",
                    "{{shard}} {{standing}}",
                    _NO_LEARNER,
                ),
            ),
            shape="states",
            words=(("0", "no", "text"), ("1", "yes", "blue")),
            alerts=("ResamplerFeedbackNotFollowed",),
            width=12,
        ),
    ),
)

_JOBS = Row(
    "Do scheduled runs get through?",
    (
        Panel(
            "Runs that were cut and wait",
            (
                Query(
                    f"max by (snapshot, step) (resampler_unfinished_runs{{{SNAPSHOT}}})",
                    "{{snapshot}} {{step}}",
                    "no run was cut",
                ),
            ),
            limit=Limit("ResamplerRunUnfinished", "resampler_unfinished_runs"),
            width=6,
        ),
        Panel(
            "Events of lineage that wait",
            (
                Query(
                    f"max by (snapshot) (resampler_lineage_outbox_events{{{SNAPSHOT}}})",
                    "{{snapshot}}",
                    "no lineage is sent",
                ),
            ),
            limit=Limit("ResamplerLineageUnsent", "resampler_lineage_outbox_events"),
            width=6,
        ),
        Panel(
            "Since ledgers were read",
            (
                Query(
                    f"time() - max by (snapshot) (resampler_ledger_read_timestamp_seconds{{{SNAPSHOT}}})",
                    "{{snapshot}}",
                ),
            ),
            unit="s",
            limit=Limit("ResamplerLedgerUnread", "resampler_ledger_read_timestamp_seconds"),
            width=6,
        ),
        Panel(
            "Damaged runs of ledgers",
            (Query(f"max by (snapshot) (resampler_ledger_unread_files{{{SNAPSHOT}}})", "{{snapshot}}"),),
            limit=Limit("ResamplerLedgerDamaged", "resampler_ledger_unread_files"),
            width=6,
        ),
    ),
)

ONCALL = Dashboard(
    uid="oncall",
    title="Resampler: on call",
    description="What is wrong now and where; for whoever was paged.",
    since="now-3h",
    refresh="30s",
    rows=(_NOW, _ROWS, _ODD, _JOBS),
)
