"""What is wrong with the synthetic rows that come out."""

from __future__ import annotations

from resampler.monitoring.rule import Alert

_WRITTEN = "shard_class:resampler_rows_written:increase10m"
_MADE = "shard_class:resampler_samples_generated:increase10m"
# By ratio, cost and a learner's recall; of all classes but the largest.
_TARGET = "max by (stream, shard, class) (avg_over_time(resampler_class_target_ratio[10m]))"
_ASKED = f"({_TARGET} * on (stream, shard) group_left () max by (stream, shard) ({_WRITTEN}))"
_HAS_ASKED = f"{_WRITTEN} - on (stream, shard, class) {_ASKED}"
_OF_ASKED = f"{_WRITTEN} / on (stream, shard, class) {_ASKED}"
# Three standard errors of a count of as many rows as were asked for; a cost may ask for hardly any.
_CHANCE = f"3 * sqrt(clamp_min({_ASKED}, 10))"

OUTPUT = (
    Alert(
        "ResamplerRatioOffTarget",
        # Too few: only of classes of which rows have been made, so after warm-up. Too many: made, not come.
        f"(({_OF_ASKED} < 0.8 and on (stream, shard, class)\n"
        "    sum by (stream, shard, class) (resampler_samples_generated_total) > 0)\n"
        f"  or ({_OF_ASKED} > 1.25 and on (stream, shard, class)\n"
        f"    {_MADE} > on (stream, shard, class) 0.25 * {_ASKED}))\n"
        f"and on (stream, shard, class) abs({_HAS_ASKED}) > on (stream, shard, class) {_CHANCE}\n"
        "unless on (stream, shard) max by (stream, shard) (max_over_time(resampler_paused[10m])) == 1",
        lasting="10m",
        severity="ticket",
        summary=(
            "{{ $labels.shard }}: class {{ $labels.class }} has {{ $value | humanizePercentage }} of the rows asked for"
        ),
        description=(
            "In the last 10 minutes class {{ $labels.class }} came out with {{ $value | humanizePercentage }} of the "
            "rows that its quota asks for, real and synthetic together, and more than chance explains. First: "
            "`resampler stream status` shows rows, ratio and weights; see whether the worker runs with the quotas that "
            "are meant."
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
        "ResamplerIdle",
        "max by (stream, shard) (resampler_idle) == 1\n"
        "unless on (stream, shard) max by (stream, shard) (resampler_paused) == 1",
        lasting="15m",
        severity="ticket",
        summary="{{ $labels.shard }}: hardly any synthetic rows are made",
        description=(
            "For 10,000 rows or more {{ $labels.shard }} has made hardly any synthetic row, and neither pause, warm-up "
            "nor the ratio that was asked for explains it: what learns from its output sees the rows as they come. "
            "First: `resampler stream status` says why, class by class, and what helps."
        ),
        explained_by=("ResamplerLabelShift", "ResamplerRatioOffTarget"),
    ),
    Alert(
        "ResamplerFeedbackNotFollowed",
        'max by (stream, shard, standing) (resampler_feedback{standing!="followed"}) == 1',
        lasting="15m",
        severity="ticket",
        summary="{{ $labels.shard }}: a learner's reports are not followed ({{ $labels.standing }})",
        description=(
            "{{ $labels.shard }} is to follow a learner's recall and does not. {{ $labels.standing }} is why: none - "
            "nothing was reported yet; stale - the last report is older than --feedback allows, so each class has its "
            "whole ratio; ahead - it is of a time to come; refused - the last report is none, and what was followed "
            "before becomes stale. First: see whether the trainer runs; `resampler stream status` says more."
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
