"""Ask for rows to be forgotten."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from resampler.errors import ResamplerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from stream.keys import ShardKeys

_POLL_S = 0.02


def request_forget(shards: Sequence[tuple[redis.Redis, ShardKeys]], row_ids: Sequence[int], wait_s: float) -> int:
    """Ask the owner of each shard to remove rows from its buffers, and maybe wait until it has.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        All shards of the stream: a row id does not say which it came through.
    row_ids : sequence of int
        Which rows.
    wait_s : float
        How long to wait at most.

    Returns
    -------
    int
        Requests that no worker has carried out yet. They last: the next worker begins with them.

    Raises
    ------
    ResamplerError
        If no shard has an input or a checkpoint.
    """
    if not any(client.exists(keys.input, keys.checkpoint) for client, keys in shards):
        raise ResamplerError(f"stream {shards[0][1].input!r} does not exist: correct --stream or --shards")
    members = [str(row_id) for row_id in row_ids]
    for client, keys in shards:
        client.sadd(keys.forget, *members)
    deadline = time.monotonic() + wait_s
    while True:
        pending = sum(sum(client.smismember(keys.forget, members)) for client, keys in shards)
        if not pending or time.monotonic() >= deadline:
            return int(pending)
        time.sleep(_POLL_S)
