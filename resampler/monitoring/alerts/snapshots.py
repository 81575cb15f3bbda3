"""What is wrong with versions, and with the runs on them."""

from __future__ import annotations

from resampler.monitoring.rule import Alert


def _last(step: str, outcome: str) -> str:
    return f'max by (snapshot, step) (resampler_last_run_outcome{{step=~"{step}", outcome="{outcome}"}}) == 1'


_AGE = "time() - max by (snapshot) (resampler_snapshot_created_timestamp_seconds)"

SNAPSHOTS = (
    Alert(
        "ResamplerLedgerUnread",
        # By the freshest reader; and of what nobody exports any more, for a day.
        "min by (snapshot) (time() - resampler_ledger_read_timestamp_seconds) > 60 * 60\n"
        "or (time() - max by (snapshot) (max_over_time(resampler_ledger_read_timestamp_seconds[1d]))\n"
        "  unless on (snapshot) resampler_ledger_read_timestamp_seconds)",
        lasting="10m",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: its ledger is not read, so its other alerts are blind",
        description=(
            "What Prometheus knows of {{ $labels.snapshot }} is {{ $value | humanizeDuration }} old: `resampler "
            "metrics` does not run, or cannot read the ledger. Failed gates and old versions do not show meanwhile. "
            "First: run it by hand and read what it says."
        ),
    ),
    Alert(
        "ResamplerLedgerDamaged",
        "max by (snapshot) (resampler_ledger_unread_files) > 0",
        lasting="10m",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: {{ $value }} file(s) of its ledger or of its newest version are damaged",
        description=(
            "{{ $value }} file(s) of {{ $labels.snapshot }} cannot be read, and what they say is missing from its "
            "other metrics: a gate that said no may not show. First: `resampler metrics` names them; restore them from "
            "a copy, or remove them."
        ),
    ),
    Alert(
        "ResamplerGateFailed",
        _last("gate", "no"),
        lasting="",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: the gate said no to the last model",
        description=(
            "The predictions of the last model on {{ $labels.snapshot }} are not what the policy asks for. The model "
            "in use stays. First: `resampler gate --history 5 --snapshot {{ $labels.snapshot }}` names the figures."
        ),
        explained_by=("ResamplerRecallBudgetBurnFast", "ResamplerPrecisionBudgetBurnFast"),
    ),
    Alert(
        "ResamplerPrivacyFailed",
        _last("privacy", "no"),
        lasting="",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: an attack recovers more of its real rows than allowed",
        description=(
            "The last audit of {{ $labels.snapshot }} found more of the real rows behind synthetic ones than its "
            "limits allow. First: do not hand this version on; `resampler explain snapshot:{{ $labels.snapshot }}` "
            "says which version, and the audit's own output names class, attack and what would lower it."
        ),
    ),
    Alert(
        "ResamplerRunFailed",
        _last(".+", "failed"),
        lasting="",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: the last {{ $labels.step }} run failed",
        description=(
            "The last {{ $labels.step }} run on {{ $labels.snapshot }} ended with an error instead of an answer. "
            "First: its log, or the ledger's newest entry, has the message and the remedy; run it again."
        ),
    ),
    Alert(
        "ResamplerRunUnfinished",
        "max by (snapshot, step) (resampler_unfinished_runs) > 0",
        lasting="1h",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: {{ $value }} {{ $labels.step }} run(s) were cut by a budget and wait",
        description=(
            "{{ $value }} {{ $labels.step }} run(s) on {{ $labels.snapshot }} stopped at the end of their budget an "
            "hour ago or earlier, and nobody has let them go on. First: run the same command again with --resume "
            "latest; finished parts are not done twice."
        ),
    ),
    Alert(
        "ResamplerSnapshotStale",
        # Made weekly or monthly: late is half as long again as usual. Of failed and unfinished runs only those that
        # make versions: another step's may lie there for long.
        f"{_AGE} > 48 * 3600\n"
        f"unless on (snapshot) {_AGE} < 1.5 * max by (snapshot) (resampler_snapshot_interval_seconds)\n"
        f"unless on (snapshot) {_last('snapshot', 'failed')}\n"
        'unless on (snapshot) max by (snapshot) (resampler_unfinished_runs{step="snapshot"}) > 0',
        lasting="",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: the newest version is {{ $value | humanizeDuration }} old",
        description=(
            "No version of {{ $labels.snapshot }} was made for {{ $value | humanizeDuration }}, longer than usual: "
            "models learn from old rows. First: see why the scheduled run made none - it did not start, failed, or "
            "found the rows unchanged."
        ),
        explained_by=("ResamplerLedgerUnread",),
    ),
    Alert(
        "ResamplerSnapshotRatioOffTarget",
        "max by (snapshot, class) (resampler_snapshot_ratio)\n"
        "/ on (snapshot) group_left () max by (snapshot) (resampler_snapshot_target_ratio) < 0.95",
        lasting="",
        severity="ticket",
        subject="snapshot",
        summary=(
            "{{ $labels.snapshot }}: class {{ $labels.class }} has {{ $value | humanizePercentage }} of the ratio "
            "asked for"
        ),
        description=(
            "In the training split of the newest version of {{ $labels.snapshot }} class {{ $labels.class }} reaches "
            "{{ $value | humanizePercentage }} of the ratio that was asked for. First: `resampler snapshot show` says "
            "whether cleaning removed rows or a class had too few to make others of."
        ),
    ),
    Alert(
        "ResamplerSnapshotDrift",
        _last("drift", "no"),
        lasting="",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: rows have drifted, train again",
        description=(
            "The last drift run decided that rows have moved too far from those that {{ $labels.snapshot }} was made "
            "of. First: the run's ledger names the features; make a version of today's rows and train."
        ),
    ),
    Alert(
        "ResamplerLineageUnsent",
        "max by (snapshot) (resampler_lineage_outbox_events) > 0",
        lasting="1h",
        severity="ticket",
        subject="snapshot",
        summary="{{ $labels.snapshot }}: {{ $value }} events of lineage wait to be sent",
        description=(
            "{{ $value }} events of {{ $labels.snapshot }} have waited in the outbox for an hour or more: the lineage "
            "server was down or refuses them. Versions are published all the same and no event is lost. First: see "
            "whether the server answers; the next publication sends what waits."
        ),
    ),
)
