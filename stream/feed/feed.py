"""`Feed`: the output of a stream as an iterator of micro-batches, with a place to come back to."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Self

from resampler.errors import InvalidInputError
from stream.feed.shardfeed import ShardFeed
from stream.redis.connection import resolve_url
from stream.redis.entryid import id_pair
from stream.redis.keys import shard_keys
from stream.shard.report import check_report
from stream.sharding import open_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from resampler.provenance import MicroBatch

MAX_BLOCK_MS = 200


class Feed:
    """Iterate over the micro-batches of a stream.

    Parameters
    ----------
    url : str or None
        The Redis server; by default RESAMPLER_REDIS_URL.
    stream : str
        Name of the stream.
    name : str
        Who consumes: places are stored under this name, and the worker's back-pressure looks at them.
    shards : int
        Number of shards of the stream.
    only : sequence of int, optional
        Read these shards only; by default all of them, each in its own order, in turn.
    cursors : mapping of str to str, optional
        Begin behind these output entry IDs, by input stream, whatever is stored: what a trainer does that keeps
        `cursors` with its model, and so sees every batch exactly once. ``0-0`` stands for the beginning.
    idle_s : float or None
        End the iteration when nothing has come for so long. None: wait for ever.
    allow_gap : bool
        Go on, with a warning in the log, where output was trimmed or deleted before it was read.

    Raises
    ------
    InvalidInputError
        If a shard number is out of range, the stream was begun with another number of shards, or a cursor is not an
        entry ID of one of its shards.
    ResamplerError
        If the server does not answer.

    Notes
    -----
    With `commit` after each batch a consumer that crashes sees again what it had not committed: at least once. A
    server that restarts, is loading or has no memory left is waited for, for 15 seconds. Not thread-safe.

    A feed that has a place, stored or given as `cursors`, passes over nothing: where output behind it was trimmed or
    deleted, or the output was deleted, renamed, put back or begun anew, the iteration raises `GapError` with the number
    of rows. With `cursors` that were never committed only an upper bound is known. A feed without a place begins at the
    oldest entry there is; rows that were trimmed before it came are no gap, and count as consumed.

    Examples
    --------
    >>> feed = Feed("redis://localhost:6379", "fraud", idle_s=5)  # doctest: +SKIP
    >>> for batch in feed:  # doctest: +SKIP
    ...     model.partial_fit(batch.X, batch.y, classes=[0, 1])
    ...     feed.commit()
    """

    def __init__(
        self,
        url: str | None,
        stream: str,
        *,
        name: str = "default",
        shards: int = 1,
        only: tuple[int, ...] | None = None,
        cursors: Mapping[str, str] | None = None,
        idle_s: float | None = None,
        allow_gap: bool = False,
    ) -> None:
        chosen = range(shards) if only is None else only
        if any(not 0 <= shard < shards for shard in chosen):
            raise InvalidInputError(f"only must name shards from 0 to {shards - 1}, got {tuple(chosen)}")
        if idle_s is not None and not 0 <= idle_s < math.inf:
            raise InvalidInputError(f"idle_s must be 0 or more and finite, or None to go on for ever, got {idle_s}")
        self.name = name
        self.idle_s = idle_s
        cursors = dict(cursors or {})
        unknown = cursors.keys() - {keys.input for keys in shard_keys(stream, shards)}
        if unknown:
            raise InvalidInputError(
                f"cursors must be by input stream of {stream!r} with {shards} shards, got one of {min(unknown)!r}"
            )
        for cursor in cursors.values():
            id_pair(cursor)  # refuses what is none
        url = resolve_url(url)
        opened = open_stream(url, stream, shards, chosen)
        self._shards = [
            ShardFeed(client, keys, name, url, cursors.get(keys.input), allow_gap=allow_gap) for client, keys in opened
        ]

    @property
    def cursors(self) -> dict[str, str]:
        """ID of the last output entry handed out, by input stream; ``0-0`` before the first."""
        return {shard.keys.input: shard.place.cursor for shard in self._shards}

    @property
    def undersample(self) -> float | None:
        """What the stream is under-sampled to, by rows that no feed has; None if not, or before the first batch."""
        return next((shard.undersample for shard in self._shards if shard.undersample is not None), None)

    def __iter__(self) -> Iterator[MicroBatch]:
        last = time.monotonic()
        while True:
            found = False
            for shard in self._shards:
                block_ms = 0 if len(self._shards) > 1 else MAX_BLOCK_MS
                for batch in shard.read(block_ms):
                    found = True
                    yield batch
            if found:
                last = time.monotonic()
            elif self.idle_s is not None and time.monotonic() - last >= self.idle_s:
                for shard in self._shards:
                    shard.finish()
                return
            elif len(self._shards) > 1:
                time.sleep(0.005)

    def commit(self) -> None:
        """Store the place behind the last batch handed out; committing again does no harm.

        Raises
        ------
        UnavailableError
            If the server does not answer or cannot take writes (restart, fail-over, full memory) for 15 seconds.
        ResamplerError
            If it refuses for a reason that time does not heal.
        """
        for shard in self._shards:
            shard.commit()

    def report_recall(self, recall: Mapping[Any, float | None], *, model: str = "") -> None:
        """Report how well a learner recognises each class, so that the stream makes more of what it misses.

        Workers that run with ``--feedback`` follow it, each shard behind its own cursor; others leave it alone.

        Parameters
        ----------
        recall : mapping of str or int to float or None
            By class, its name or code: the share of its real rows that the learner recognised lately; None where that
            is not known, and the class keeps its whole ratio. Name the largest class too.
        model : str
            Which model, for those who read `resampler stream status`; at most 200 characters.

        Raises
        ------
        InvalidInputError
            If a class is unknown, or a recall is no number from 0 to 1; nothing is written.
        ResamplerError
            If no worker has begun the stream, or the server does not answer or refuses.

        Notes
        -----
        Written for all shards that this feed reads. The time is the server's.

        Examples
        --------
        >>> feed.report_recall({"fine": 0.97, "fraud": 0.61}, model="v7")  # doctest: +SKIP
        """
        stored = [shard.stored() for shard in self._shards]
        seen = {int(label) for one in stored for label in one.classes}
        by_code = check_report(stored[0].schema, seen, recall, model)
        for shard in self._shards:
            shard.report_recall(by_code, model)

    def close(self) -> None:
        """Close the connection; nothing is committed."""
        for shard in self._shards:
            shard.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
