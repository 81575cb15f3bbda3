"""`Probe`: how an owned shard is doing: its lag, its streams, its buffers, its server's clock, the feeds behind it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from resampler.quotas import weights_of
from stream.redis.connection import server_ms
from stream.redis.entryid import id_pair
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import MovedError, gap_error, lost_output_error
from stream.shard.feedplace import FeedPlace, feed_lags
from stream.shard.position import input_info

if TYPE_CHECKING:
    import redis

    from stream.shard.context import ShardContext
    from stream.shard.writing import Writer

CHECK_S = 1.0  # how often a quiet stream is examined, and its lag measured
MEASURE_S = 30.0  # how often the buffers are measured, at most
MEASURE_SHARE = 0.01  # of the time, at most


class Probe:
    """Examine a shard that this worker owns.

    Parameters
    ----------
    context : ShardContext
        The shard.
    writer : Writer
        Has its checkpoint and its resampler; takes in what the server says of the input.
    """

    def __init__(self, context: ShardContext, writer: Writer) -> None:
        self._context = context
        self._writer = writer
        self._last_check = context.clock()
        self._next_measure = 0.0

    def check_if_due(self) -> None:
        """Check the shard unless that was done a short while ago."""
        if self._context.clock() - self._last_check > CHECK_S:
            self.check()

    def check(self) -> None:
        """Measure the lag, and notice streams that were deleted, renamed or put back to an older state.

        Raises
        ------
        MovedError
            If the server as a whole went back to an older state.
        GapError, LostOutputError
            If entries were lost, unless that is allowed.
        """
        client, keys, settings, metrics = (
            self._context.client,
            self._context.keys,
            self._context.settings,
            self._context.metrics,
        )
        writer, clock = self._writer, self._context.clock
        writer.settle()
        self._last_check = clock()
        stored, info = writer.checkpoint, input_info(client, keys.input)
        began = stored.entries > stored.start_entries  # a start may lie in the future
        replaced = info.entries_added < stored.entries or (began and id_pair(info.last_id) < id_pair(stored.cursor))
        deleted = stored.emitted > 0 and not client.exists(keys.output)
        if (replaced or deleted) and not settings.allow_gap:
            now = Checkpoint.load(client, keys)
            if now is None or now.cursor != stored.cursor:  # the server as a whole went back, and the cursor with it
                raise MovedError(f"shard {keys.input!r} stands no longer at {stored.cursor!r}: load it again")
            raise gap_error(keys, stored.cursor, -1) if replaced else lost_output_error(keys, stored.emitted)
        read = max(1, stored.entries - stored.start_entries)
        rows_per_entry = max(1.0, (stored.rows + stored.rejected) / read)
        # On a quiet stream no commit reports these.
        writer.forget_requests = int(client.scard(keys.forget))
        writer.gone = info.entries_added - info.length
        metrics.examined(
            max(0, info.entries_added - stored.entries) * rows_per_entry,
            feed_lags(client.hgetall(keys.feeds), stored.emitted),  # type: ignore[arg-type]
            int(client.xlen(keys.dead)),
            clock_skew_s(client),
        )
        resampler = writer.resampler
        weights = dict.fromkeys(resampler.stats().real, 1.0) | weights_of(resampler.recall)
        metrics.asked(resampler.class_targets(), weights if settings.feedback is not None else {})
        if stored.rows and self._last_check >= self._next_measure:
            metrics.measured(resampler.buffer_stats())
            took = clock() - self._last_check
            self._next_measure = clock() + max(MEASURE_S, took / MEASURE_SHARE)

    def is_held_back(self) -> bool:
        """Say whether the slowest feed is too far behind what was written.

        Returns
        -------
        bool
            False without a limit, and without feeds.
        """
        limit = self._context.settings.max_lag_rows
        if limit is None:
            return False
        stored: list[bytes] = self._context.client.hvals(self._context.keys.feeds)  # type: ignore[assignment]
        places = [FeedPlace.parse(value).rows for value in stored]
        return bool(places) and self._writer.checkpoint.emitted - min(places) > limit


def clock_skew_s(client: redis.Redis) -> float:
    """Measure this machine's clock against a server's, as if the question and the answer took equally long.

    Parameters
    ----------
    client : redis.Redis
        Connection to the server.

    Returns
    -------
    float
        Seconds by which this machine is ahead; exact to half of what the question took.
    """
    asked_s = time.time()
    said_s = server_ms(client) / 1000
    return (asked_s + time.time()) / 2 - said_s
