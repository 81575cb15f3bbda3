"""What is wrong with the synthetic rows that come out."""

from __future__ import annotations

from resampler.monitoring.rule import Alert

_WRITTEN = "shard_class:resampler_rows_written:increase10m"
_MADE = "shard_class:resampler_samples_generated:increase10m"
_ASKED = f"(max by (stream, shard) ({_WRITTEN}) * on (stream) group_left () max by (stream) (resampler_target_ratio))"
_HAS_ASKED = f"{_WRITTEN} - on (stream, shard) group_left () {_ASKED}"
_OF_ASKED = f"{_WRITTEN} / on (stream, shard) group_left () {_ASKED}"
# Three standard errors of a count of as many rows as were asked for.
_CHANCE = f"3 * sqrt({_ASKED})"

OUTPUT = (
    Alert(
        "ResamplerRatioOffTarget",
        # Too few: only of classes of which rows have been made, so after warm-up. Too many: made, not come.
        f"(({_OF_ASKED} < 0.8 and on (stream, shard, class)\n"
        "    sum by (stream, shard, class) (resampler_samples_generated_total) > 0)\n"
        f"  or ({_OF_ASKED} > 1.25 and on (stream, shard, class)\n"
        f"    {_MADE} > on (stream, shard) group_left () 0.25 * {_ASKED}))\n"
        f"and on (stream, shard, class) abs({_HAS_ASKED}) > on (stream, shard) group_left () {_CHANCE}\n"
        "unless on (stream, shard) max by (stream, shard) (max_over_time(resampler_paused[10m])) == 1",
        lasting="10m",
        severity="ticket",
        summary=(
            "{{ $labels.shard }}: class {{ $labels.class }} has {{ $value | humanizePercentage }} of the rows asked for"
        ),
        description=(
            "In the last 10 minutes class {{ $labels.class }} came out with {{ $value | humanizePercentage }} of the "
            "rows that the ratio asks for, real and synthetic together, and more than chance explains. First: "
            "`resampler stream status` shows rows and ratio; see whether the worker runs with the ratio that is meant."
        ),
        explained_by=(
            "ResamplerServerDown",
            "ResamplerCommitsRefused",
            "ResamplerWorkerDown",
            "ResamplerShardUnowned",
            "ResamplerCommitsStalled",
            "ResamplerLabelShift",
            "ResamplerDuplicateRows",
        ),
    ),
    Alert(
        "ResamplerBufferRecallLow",
        "max by (stream, shard, class) (avg_over_time(resampler_buffer_recall[10m])) < 0.9\n"
        "and on (stream, shard, class) max by (stream, shard, class) (resampler_buffer_rows) >= 200",
        lasting="10m",
        severity="ticket",
        summary=(
            "{{ $labels.shard }}: neighbours of class {{ $labels.class }} are found to {{ $value | humanizePercentage "
            "}}"
        ),
        description=(
            "Of the true neighbours in class {{ $labels.class }} the buffer knows {{ $value | humanizePercentage }}; "
            "95 % is what it aims at. Synthetic rows lie between rows that are less near than they could be. First: "
            "see whether rows became wide or evenly spread; a smaller --capacity is searched better."
        ),
    ),
)
