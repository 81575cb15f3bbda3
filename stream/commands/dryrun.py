"""What a worker would do with the input there is, without a lease and without a write."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any

from stream.shard.intake import Intake
from stream.shard.position import start_position

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

    from stream.redis.keys import ShardKeys
    from stream.settings import Settings


def dry_run(
    shards: Sequence[tuple[redis.Redis, ShardKeys]],
    settings: Settings,
    *,
    progress: Callable[[int], object] = lambda _: None,
) -> dict[str, Any]:
    """Decode and resample what stands in the input from `settings.start` on.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        The stream's shards.
    settings : Settings
        Those that the worker would have.
    progress : callable
        Called with the number of entries of each read.

    Returns
    -------
    dict
        JSON types: rows, synthetic, rejected, classes, for each reason the number of rows and a first example, and
        idle: of each input of which nothing was made, why not, at its end (reason, label and words).
    """
    classes: dict[str, dict[str, int]] = {}
    reasons: Counter[str] = Counter()
    examples: dict[str, str] = {}
    idle: dict[str, list[dict[str, Any]]] = {}
    for client, keys in shards:
        resampler = settings.new_resampler()
        cursor, _ = start_position(client, keys.input, settings.start_id())
        with closing(Intake(client, keys.input, settings, cursor)) as intake:
            while (decoded := intake.read().decoded) is not None:
                resampler.process(decoded.X, decoded.y, decoded.row_ids())
                for reject in decoded.rejects:
                    reasons[reject.reason.value] += reject.n_rows
                    examples.setdefault(
                        reject.reason.value, f"{keys.input} {decoded.id(reject.entry)}: {reject.detail}"
                    )
                progress(decoded.n_entries)
        stats = resampler.stats()
        if not any(stats.synthetic.values()):
            idle[keys.input] = [reason._asdict() for reason in resampler.idle_reasons()]
        for label, real in stats.real.items():
            counts = classes.setdefault(str(label), {"real": 0, "synthetic": 0})
            counts["real"] += real
            counts["synthetic"] += stats.synthetic[label]
    return {
        "rows": sum(counts["real"] for counts in classes.values()),
        "synthetic": sum(counts["synthetic"] for counts in classes.values()),
        "rejected": sum(reasons.values()),
        "classes": classes,
        "reasons": {reason: {"rows": n, "example": examples[reason]} for reason, n in reasons.most_common()},
        "idle": idle,
    }
