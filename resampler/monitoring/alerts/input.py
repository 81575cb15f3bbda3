"""What is wrong with the rows that come in."""

from __future__ import annotations

from resampler.monitoring.rule import Alert

_DEAD = "shard:resampler_dead_letters:increase5m"
_SCHEMA = "shard:resampler_dead_letters_schema:increase5m"
# One row in a hundred, and ten rows: single bad rows are what dead letters are for.
_MANY_DEAD = f"{_DEAD} / shard:resampler_rows_read:increase5m > 0.01 and on (stream, shard) {_DEAD} >= 10"
# Kolmogorov-Smirnov and total variation of n rows over the 33 cells of a category stay below this without drift.
_CHANCE = "4 / sqrt(max by (stream, shard) (resampler_drift_window_rows))"
_SHARE, _USUAL = "stream_class:resampler_rows:share10m", "stream_class:resampler_rows:share1d"
# Half an hour on either side of this time yesterday and a week ago, for shares that go with the hour or the weekday.
_LIKE = "avg_over_time(stream_class:resampler_rows:share10m[1h] offset {})"
_THEN = ("1410m", "10050m")
_SHIFT = "stream_class:resampler_label_shift:z"

INPUT = (
    Alert(
        "ResamplerSchemaChange",
        f"{_MANY_DEAD} and on (stream, shard) {_SCHEMA} / {_DEAD} >= 0.5",
        lasting="1m",
        severity="page",
        summary="{{ $labels.shard }}: {{ $value | humanizePercentage }} of rows have other columns than the contract",
        description=(
            "{{ $value | humanizePercentage }} of the rows of the last 5 minutes became dead letters, most because "
            "columns are missing, added or of another contract: a producer has changed. The rows are kept and can be "
            "sent again. First: `resampler stream dead-letters` shows which columns; ask the producer to go back."
        ),
    ),
    Alert(
        "ResamplerDeadLetters",
        f"{_MANY_DEAD} unless on (stream, shard) {_SCHEMA} / {_DEAD} >= 0.5",
        lasting="1m",
        severity="ticket",
        summary="{{ $labels.shard }}: {{ $value | humanizePercentage }} of rows break the contract",
        description=(
            "{{ $value | humanizePercentage }} of the rows of the last 5 minutes became dead letters because of their "
            "values: not finite, out of range, unknown. They are kept and can be sent again. First: `resampler stream "
            "dead-letters` shows reasons and rows."
        ),
        explained_by=("ResamplerSchemaChange",),
    ),
    Alert(
        "ResamplerDuplicateRows",
        # Rows that could always be equal, of a few categories, say nothing: they were never apart.
        "max by (stream, shard, class) (resampler_neighbor_distance) == 0\n"
        "and on (stream, shard, class) shard_class:resampler_neighbor_distance:apart",
        lasting="2m",
        severity="ticket",
        summary="{{ $labels.shard }}: half the rows of class {{ $labels.class }} or more are duplicates",
        description=(
            "The median distance of a kept row of class {{ $labels.class }} to its nearest is {{ $value }}: at least "
            "half of them stand there twice, which they did not before. Synthetic rows between equal rows are copies. "
            "First: see whether a producer sends again what it has sent (retries, a second producer)."
        ),
    ),
    Alert(
        "ResamplerLabelShift",
        # Twice or half the usual share, five standard errors away, and ten rows seen or expected.
        f"({_SHARE} > 2 * {_USUAL} or {_SHARE} < 0.5 * {_USUAL})\n"
        f"and on (stream, class) abs({_SHIFT}) > 5\n"
        "and on (stream, class) (stream_class:resampler_rows:increase10m >= 10\n"
        f"  or {_USUAL} * on (stream) group_left () sum by (stream) (stream_class:resampler_rows:increase10m) >= 10)\n"
        + "\n".join(f"unless on (stream, class) ({_SHARE} / {_LIKE.format(then)} > 0.5) < 2" for then in _THEN),
        lasting="2m",
        severity="ticket",
        summary="{{ $labels.stream }}: class {{ $labels.class }} has {{ $value | humanizePercentage }} of the rows now",
        description=(
            "In the last 10 minutes class {{ $labels.class }} had {{ $value | humanizePercentage }} of the real rows, "
            "twice or half its share of the day before, and of this hour yesterday and a week ago, and more than "
            "chance explains. Labels may be wrong, or a source fell silent. First: compare the sources by their number "
            "of rows; `resampler stream pause` stops synthetic rows until it is clear."
        ),
        explained_by=("ResamplerSchemaChange", "ResamplerDuplicateRows"),
    ),
    Alert(
        "ResamplerDrift",
        f"max by (stream, shard) (resampler_drift_distance_max)\n> on (stream, shard) clamp_min({_CHANCE}, 0.1)",
        lasting="10m",
        severity="ticket",
        summary="{{ $labels.shard }}: a feature has drifted by {{ printf `%.2f` $value }}",
        description=(
            "In the newest window of {{ $labels.shard }} a feature lies {{ printf `%.2f` $value }} (Kolmogorov-Smirnov "
            "or total variation) from the version that the stream is compared with, more than chance and .1. First: "
            "`resampler drift --stream` names the features and says whether to train again."
        ),
        explained_by=("ResamplerSchemaChange", "ResamplerDuplicateRows", "ResamplerLabelShift"),
    ),
)
