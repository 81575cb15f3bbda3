"""What a stream's shards say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream.checkpoint import Checkpoint
from stream.feedplace import FeedPlace
from stream.position import input_info

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from stream.keys import ShardKeys


def shard_status(client: redis.Redis, keys: ShardKeys) -> dict[str, Any]:
    """Describe one shard.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.

    Returns
    -------
    dict
        JSON types: input, cursor, lag (entries not committed yet), rows, synthetic, emitted, rejected,
        synthetic_ratio, classes, owner (None while nobody holds the lease), dead_letters, forget_requests, feeds.
    """
    stored = Checkpoint.load(client, keys)
    info = input_info(client, keys.input)
    owner: bytes | None = client.get(keys.lease)  # type: ignore[assignment]
    feeds: dict[bytes, bytes] = client.hgetall(keys.feeds)  # type: ignore[assignment]
    known = stored or Checkpoint("0-0", entries=info.entries_added - info.length)
    return {
        "input": keys.input,
        "output": keys.output,
        "begun": stored is not None,
        "cursor": known.cursor,
        "lag": max(0, info.entries_added - known.entries),
        "rows": known.rows,
        "synthetic": known.synthetic,
        "emitted": known.emitted,
        "rejected": known.rejected,
        "synthetic_ratio": known.synthetic / max(1, known.emitted),
        "classes": {
            label: {"real": real, "synthetic": synthetic, "buffer_rows": held}
            for label, (real, synthetic, held) in known.classes.items()
        },
        "owner": owner.decode() if owner else None,
        "dead_letters": client.xlen(keys.dead),
        "forget_requests": client.scard(keys.forget),
        "feeds": {
            name.decode(): {"cursor": place.cursor, "lag_rows": max(0, known.emitted - place.rows)}
            for name, place in ((name, FeedPlace.parse(value)) for name, value in feeds.items())
        },
    }


def stream_status(stream: str, shards: Sequence[tuple[redis.Redis, ShardKeys]]) -> dict[str, Any]:
    """Describe a stream.

    Parameters
    ----------
    stream : str
        Its name.
    shards : sequence of (redis.Redis, ShardKeys)
        All its shards.

    Returns
    -------
    dict
        The shards, and the sums of their counters.
    """
    each = [shard_status(client, keys) for client, keys in shards]
    total = {name: sum(s[name] for s in each) for name in ("lag", "rows", "synthetic", "emitted", "rejected")}
    ratio = total["synthetic"] / max(1, total["emitted"])
    return {"stream": stream, **total, "synthetic_ratio": ratio, "shards": each}
