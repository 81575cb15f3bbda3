"""Whether servers answer, workers live, and shards are served."""

from __future__ import annotations

from resampler.monitoring.rule import Alert

_LAG = "max by (stream, shard) (resampler_stream_lag_rows)"
# As Prometheus sees it: the time itself is of the worker's clock, which may be off by minutes.
_COMMITS = "sum by (stream, shard) (changes(resampler_last_commit_timestamp_seconds[2m])) > 0"
_FEED = "max by (stream, shard, feed) (resampler_feed_lag_rows)"
_DOWN = "instance:resampler_worker:known and on (job, instance) up == 0"
# Down since before Prometheus began, so nobody knows whose it is: its job's name stands for the stream's.
_NEVER_SEEN = (
    'label_replace(up{job="resampler-worker"} == 0 unless on (job, instance) instance:resampler_worker:known, '
    '"stream", "$1", "job", "(.*)")'
)
_ANY_UP = 'up{job="resampler-worker"} == 1'
_UNOWNED = "stream:resampler_shards_unowned:count > 0"

WORKERS = (
    Alert(
        "ResamplerServerDown",
        "count by (stream) (max by (stream, shard) (resampler_server_up) == 0)",
        lasting="30s",
        severity="page",
        summary="{{ $labels.stream }}: the Redis server does not answer",
        description=(
            "No worker of {{ $labels.stream }} reaches the server of {{ $value }} shard(s). Nothing is read or written "
            "until it answers; then workers go on by themselves and nothing that was committed is lost. First: ask the "
            "server itself, `redis-cli PING`, then the network between."
        ),
    ),
    Alert(
        "ResamplerCommitsRefused",
        # Commits that came through since make a refusal history, and one refusal is over before it has lasted.
        'sum by (stream, shard, reason) (increase(resampler_refused_commits_total{reason!="moved"}[2m])) > 0\n'
        f"unless on (stream, shard) {_COMMITS}",
        lasting="2m",
        severity="page",
        summary="{{ $labels.shard }}: the server refuses commits ({{ $labels.reason }})",
        description=(
            "Redis refuses to write for {{ $labels.shard }}, about {{ $value | humanize }} times in 2 minutes; nothing "
            "has come through meanwhile, and producers may be refused too. What waits in the input is not lost. First: "
            "do what the reason asks. {{ $labels.reason }} is the one: full - give memory or trim; disk - make room; "
            "readonly - a replica was reached; gap - entries were trimmed unread; type - another program writes under "
            "this name; other - read the worker's log."
        ),
        explained_by=("ResamplerServerDown",),
    ),
    Alert(
        "ResamplerWorkerDown",
        f"({_DOWN} and on (stream) {_UNOWNED})\nor ({_NEVER_SEEN} unless on (job) {_ANY_UP})",
        lasting="1m",
        severity="page",
        summary="{{ $labels.stream }}: the worker at {{ $labels.instance }} does not answer, and nobody took over",
        description=(
            "{{ $labels.instance }} has not answered a scrape for a minute, and shards of {{ $labels.stream }} have no "
            "owner: rows wait in the input. It is frozen, dead or cut off. First: restart it, or start another worker "
            "anywhere; it goes on where the last commit was."
        ),
        explained_by=("ResamplerServerDown",),
    ),
    Alert(
        "ResamplerWorkerLost",
        f"({_DOWN} unless on (stream) {_UNOWNED})\nor ({_NEVER_SEEN} and on (job) {_ANY_UP})",
        lasting="5m",
        severity="ticket",
        summary="{{ $labels.stream }}: the worker at {{ $labels.instance }} does not answer; others have its shards",
        description=(
            "{{ $labels.instance }} has not answered a scrape for 5 minutes. Other workers serve all shards of {{ "
            "$labels.stream }}, so no row waits for it, but the next loss will count. First: look at its log and "
            "restart it, or take it off the targets if it was retired."
        ),
        explained_by=("ResamplerServerDown", "ResamplerWorkerDown"),
    ),
    Alert(
        "ResamplerWorkerHangs",
        "max by (job, instance, stream) (resampler_hanging_threads) > 0",
        lasting="1m",
        severity="page",
        summary="{{ $labels.stream }}: {{ $value }} thread(s) of the worker at {{ $labels.instance }} hang",
        description=(
            "{{ $value }} thread(s) of {{ $labels.instance }} neither get on nor compute, though the worker answers. "
            "Their shards pass on to other workers if there are any; else their rows wait. First: restart it; it goes "
            "on where the last commit was."
        ),
        explained_by=("ResamplerServerDown",),
    ),
    Alert(
        "ResamplerShardUnowned",
        _UNOWNED,
        lasting="1m",
        severity="page",
        summary="{{ $labels.stream }}: {{ $value }} shard(s) without an owner",
        description=(
            "Nobody serves {{ $value }} shard(s) of {{ $labels.stream }} that were served within a day: their rows "
            "wait in the input. First: `resampler stream status`, then start a worker. Of a stream that was ended on "
            "purpose this stops after a day; declare maintenance for it."
        ),
        explained_by=(
            "ResamplerServerDown",
            "ResamplerCommitsRefused",
            "ResamplerWorkerDown",
            "ResamplerWorkerHangs",
        ),
    ),
    Alert(
        "ResamplerCommitsStalled",
        f"{_LAG} > 0 and on (stream, shard) shard:resampler_shard_owned:sum > 0\nunless on (stream, shard) {_COMMITS}",
        lasting="2m",
        severity="page",
        summary="{{ $labels.shard }}: rows wait, and nothing is committed",
        description=(
            "{{ $value | humanize }} rows wait in {{ $labels.shard }}; its worker is there and answers, but has not "
            "committed for 2 minutes or more. It may wait for a feed (--max-lag-rows), compute for long, or hang. "
            "First: read /healthz of the worker, which says what is wrong; restart it if it says 'no progress'."
        ),
        explained_by=(
            "ResamplerServerDown",
            "ResamplerCommitsRefused",
            "ResamplerWorkerDown",
            "ResamplerWorkerHangs",
            "ResamplerShardUnowned",
        ),
    ),
    Alert(
        "ResamplerLagHigh",
        # Old: at the rate of the last 5 minutes it takes as long to catch up. Growing: it does not.
        f"{_LAG} > 1000\n"
        f"and on (stream, shard) {_LAG} > shard:resampler_rows_read:increase5m\n"
        "and on (stream, shard) max by (stream, shard) (deriv(resampler_stream_lag_rows[10m])) > 0",
        lasting="10m",
        severity="page",
        summary="{{ $labels.shard }}: {{ $value | humanize }} rows behind, and falling back",
        description=(
            "{{ $value | humanize }} rows of {{ $labels.shard }} are not committed, more than its worker handles in 5 "
            "minutes, and they become more. Input that grows fills the server's memory. First: see whether the input "
            "grew or the worker slowed; more workers help only where there are more shards."
        ),
        explained_by=(
            "ResamplerServerDown",
            "ResamplerCommitsRefused",
            "ResamplerWorkerDown",
            "ResamplerWorkerHangs",
            "ResamplerShardUnowned",
            "ResamplerCommitsStalled",
        ),
    ),
    Alert(
        "ResamplerFeedLagging",
        # Old: more than was written in 10 minutes. Growing, or as far behind as it was.
        f"{_FEED} > 1000\n"
        f"and on (stream, shard, feed) {_FEED} > on (stream, shard) group_left ()\n"
        "  sum by (stream, shard) (shard_class:resampler_rows_written:increase10m)\n"
        "and on (stream, shard, feed) max by (stream, shard, feed) (deriv(resampler_feed_lag_rows[10m])) >= 0",
        lasting="10m",
        severity="ticket",
        summary="{{ $labels.shard }}: feed {{ $labels.feed }} is {{ $value | humanize }} rows behind",
        description=(
            "The feed {{ $labels.feed }} has not confirmed {{ $value | humanize }} rows of the output of {{ "
            "$labels.shard }} and does not catch up. Until it does, they cannot be trimmed. First: see whether the "
            "program behind the feed runs; a feed that is no longer used is to be removed."
        ),
        explained_by=("ResamplerServerDown",),
    ),
    Alert(
        "ResamplerClockSkew",
        "max by (stream, shard) (abs(resampler_clock_skew_seconds)) > 1",
        lasting="5m",
        severity="ticket",
        summary="{{ $labels.shard }}: clocks of worker and server differ by {{ $value | humanizeDuration }}",
        description=(
            "The clock of the worker and that of the Redis server of {{ $labels.shard }} are {{ $value | "
            "humanizeDuration }} apart. Rows and leases go by the server's clock, so nothing is lost; times in logs, "
            "metrics and ledgers mislead. First: see which of the two has lost its time server (`chronyc tracking`)."
        ),
    ),
    Alert(
        "ResamplerPausedLong",
        "max by (stream, shard) (resampler_paused) == 1",
        lasting="1h",
        severity="ticket",
        summary="{{ $labels.shard }}: paused for an hour or more",
        description=(
            "{{ $labels.shard }} passes real rows on and makes no synthetic ones, as somebody asked for an hour ago or "
            "earlier. What learns from its output sees the rare class too seldom. First: ask who paused it and why; "
            "`resampler stream resume` ends it."
        ),
    ),
)
