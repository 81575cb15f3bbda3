"""`RECORDINGS`: series that alerts and panels share."""

from __future__ import annotations

from typing import Any

from resampler.monitoring.rule import Recording
from resampler.quality.gate.rules import GUIDE

# A producer that names, drops or adds columns breaks these; single bad values break the others.
SCHEMA_REASONS = "missing_field|extra_field|duplicate_field|wrong_schema"

# Of each measure that has an objective: the result of a gate's predictions that spends its budget, and the least that
# is asked of it where no policy says. True positives are what both count as well.
OBJECTIVES: dict[str, tuple[str, Any]] = {
    "recall": ("false_negative", GUIDE["recall"]),
    "precision": ("false_positive", GUIDE["precision"]),
}
WINDOWS = ("5m", "1h", "6h", "3d")
_ROWS = "resampler_rows:increase"


def _rows() -> tuple[Recording, ...]:
    """Return rows of the last minutes, what became of them, and which share of them each class has."""
    rows, made = "shard_class:resampler_rows:increase10m", "shard_class:resampler_samples_generated:increase10m"
    written = "shard_class:resampler_rows_written:increase10m"
    # Of sums, not of the counters: a day of these, of thousands of shards, takes longer than there is.
    usual = "sum_over_time(stream_class:resampler_rows:increase10m[1d:10m] offset 10m)"
    recent = f"sum by (stream, class) ({rows})"
    return (
        Recording("stream:resampler_rows:rate5m", "sum by (stream) (rate(resampler_rows_total[5m]))"),
        Recording(
            "stream:resampler_samples_generated:rate5m", "sum by (stream) (rate(resampler_samples_generated_total[5m]))"
        ),
        Recording(rows, "sum by (stream, shard, class) (increase(resampler_rows_total[10m]))"),
        Recording(made, "sum by (stream, shard, class) (increase(resampler_samples_generated_total[10m]))"),
        Recording(written, f"{rows}\n+ ({made} or 0 * {rows})"),
        Recording(
            "shard_class:resampler_ratio:ratio10m",
            f"{written}\n/ on (stream, shard) group_left () (max by (stream, shard) ({written}) > 0)",
        ),
        # A class that is new, and one that has stopped, count as 0 where they are not.
        Recording("stream_class:resampler_rows:increase10m", f"{recent}\nor 0 * (stream_class:{_ROWS}1d > 0)"),
        Recording("stream_class:resampler_rows:increase1d", f"{usual}\nor 0 * {recent}"),
        *(
            Recording(f"stream:resampler_rows:increase{window}", f"sum by (stream) (stream_class:{_ROWS}{window})")
            for window in ("10m", "1d")
        ),
        *(
            Recording(
                f"stream_class:resampler_rows:share{window}",
                f"stream_class:{_ROWS}{window}\n/ on (stream) group_left () (stream:{_ROWS}{window} > 0)",
            )
            for window in ("10m", "1d")
        ),
        # Of both together: what the two shares would be, were they the same.
        Recording(
            "stream_class:resampler_rows:share_pooled",
            f"(stream_class:{_ROWS}10m + stream_class:{_ROWS}1d)\n"
            f"/ on (stream) group_left () (stream:{_ROWS}10m + stream:{_ROWS}1d > 0)",
        ),
        # The z test of two shares: how many standard errors they are apart.
        Recording(
            "stream_class:resampler_label_shift:z",
            "(stream_class:resampler_rows:share10m - stream_class:resampler_rows:share1d)\n"
            "/ sqrt(stream_class:resampler_rows:share_pooled * (1 - stream_class:resampler_rows:share_pooled)\n"
            f"  * on (stream) group_left () (1 / stream:{_ROWS}10m + 1 / stream:{_ROWS}1d))",
        ),
    )


def _shards() -> tuple[Recording, ...]:
    """Return who owns which shard, which workers there were, and what was refused of the input."""
    owners = "shard:resampler_shard_owned:sum"
    shards = "stream:resampler_shards:count"
    distance, apart = (
        "max by (stream, shard, class) (resampler_neighbor_distance)",
        "shard_class:resampler_neighbor_distance:apart",
    )
    dead = "sum by (stream, shard) (increase(resampler_dead_letters_total{}[5m]))"
    return (
        Recording(owners, "sum by (stream, shard) (resampler_shard_owned)"),
        Recording(shards, "max by (stream) (sum by (job, instance, stream) (resampler_shards))"),
        # A worker sees all shards of its stream. Where there is none left, what was there within a day is remembered.
        Recording(
            "stream:resampler_shards_unowned:count",
            'max by (stream) (resampler_shards{state="unowned"}) > 0\n'
            f"or (max_over_time({shards}[1d]) unless on (stream) resampler_worker_info)",
        ),
        # Which stream a target serves: remembered while the target does not answer.
        Recording(
            "instance:resampler_worker:known",
            "max by (job, instance, stream) (resampler_worker_info)\n"
            "or (instance:resampler_worker:known and on (job, instance) up == 0)",
        ),
        # The last distance that was more than 0, while there is a worker, or was within the hour.
        Recording(
            apart,
            f"{distance} > 0\nor ({apart} and on (stream, shard) max_over_time({owners}[1h]))",
        ),
        Recording("shard:resampler_dead_letters:increase5m", dead.replace("{}", "")),
        Recording(
            "shard:resampler_dead_letters_schema:increase5m",
            dead.replace("{}", f'{{reason=~"{SCHEMA_REASONS}"}}'),
        ),
        Recording(
            "shard:resampler_rows_read:increase5m",
            "(sum by (stream, shard) (increase(resampler_rows_total[5m]))\n"
            "  or 0 * shard:resampler_dead_letters:increase5m)\n"
            "+ (shard:resampler_dead_letters:increase5m or 0 * sum by (stream, shard) (resampler_rows_total))",
        ),
    )


def _predictions() -> tuple[Recording, ...]:
    """Return what gates counted; max, not sum: a ledger that two processes read is one."""
    return tuple(
        Recording(
            f"snapshot_result:resampler_gate_predictions:increase{window}",
            f"max by (snapshot, result) (increase(resampler_gate_predictions_total[{window}]))",
        )
        for window in WINDOWS
    )


def _objective(measure: str) -> tuple[Recording, ...]:
    """Return what is asked of a measure, and how fast it spends the errors that this allows.

    Windows of few predictions have these series too: rules look at how many errors the objective allowed, and leave
    windows alone where chance would explain what they see.
    """
    wrong, least = OBJECTIVES[measure]
    name = f"snapshot:resampler_gate_{measure}"
    found = [
        Recording(
            f"{name}:objective",
            f'max by (snapshot) (resampler_gate_objective{{measure="{measure}"}})\n'
            f"or {least} + 0 * max by (snapshot) (resampler_gate_predictions_total)",
        )
    ]
    for window in WINDOWS:
        counted = f'snapshot_result:resampler_gate_predictions:increase{window}{{result=~"%s"}}'
        rows = f"sum by (snapshot) ({counted % f'true_positive|{wrong}'})"
        errors = f"(sum by (snapshot) ({counted % wrong}) or 0 * {rows})"
        found += [
            Recording(f"{name}:ratio{window}", f"1 - {errors}\n/ ({rows} > 0)"),
            Recording(f"{name}_allowed:increase{window}", f"{rows}\n* (1 - {name}:objective)"),
            Recording(f"{name}_burn:ratio{window}", f"{errors}\n/ ({name}_allowed:increase{window} > 0)"),
        ]
    return tuple(found)


RECORDINGS: tuple[Recording, ...] = (
    *_rows(),
    *_shards(),
    *_predictions(),
    *(one for each in OBJECTIVES for one in _objective(each)),
)
