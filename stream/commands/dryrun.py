"""What a worker would do with the input there is, without a lease and without a write."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from stream.formats import Decoder
from stream.shard.admission import Admission
from stream.shard.pending import Pending
from stream.shard.position import start_position
from stream.shard.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import redis

    from stream.redis.keys import ShardKeys
    from stream.settings import Settings

CHUNK_ENTRIES = 1_024


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
        As the worker would be told.
    progress : callable
        Called with the number of entries of each read.

    Returns
    -------
    dict
        JSON types: rows, synthetic, rejected, classes, and for each reason the number of rows and a first example.
    """
    classes: dict[str, dict[str, int]] = {}
    reasons: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for client, keys in shards:
        resampler, decoder, limit = (
            settings.new_resampler(),
            Decoder(settings.schema, settings.input_format),
            Admission(settings),
        )
        cursor, _ = start_position(client, keys.input, settings.start_id())
        source = Source(client, keys.input, cursor, CHUNK_ENTRIES)
        try:
            while len(entries := source.read().entries):
                pending = Pending.of(entries, limit.admit(entries, decoder.decode(entries)))
                resampler.process(pending.rows.X, pending.rows.y, pending.row_ids())
                for reject in pending.rows.rejects:
                    reasons[reject.reason.value] += reject.n_rows
                    examples.setdefault(
                        reject.reason.value, f"{keys.input} {entries.id(reject.entry)}: {reject.detail}"
                    )
                progress(len(entries))
        finally:
            source.close()
        stats = resampler.stats()
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
    }
