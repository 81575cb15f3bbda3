"""`Feed`: the output of a stream as an iterator of micro-batches, with a place to come back to."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Self

from resampler.errors import InvalidInputError, ResamplerError
from stream.checkpoint import Checkpoint
from stream.codec import decode_output
from stream.connection import raw_command, resolve_url
from stream.feedplace import FeedPlace
from stream.sharding import open_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    import redis

    from resampler.provenance import MicroBatch
    from resampler.schema import FeatureSchema
    from stream.keys import ShardKeys

MAX_BLOCK_MS = 200
PAGE = 64  # output entries read at once
PATIENCE_S = 15.0  # how long a server may be away, as while it restarts or another takes over
FIRST_PAUSE_S, LAST_PAUSE_S = 0.05, 1.0


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
        `cursors` with its model, and so sees every batch exactly once.
    idle_s : float or None
        End the iteration when nothing has come for so long. None: wait for ever.

    Raises
    ------
    InvalidInputError
        If a shard number is out of range, or the stream was begun with another number of shards.
    ResamplerError
        If the server does not answer.

    Notes
    -----
    With `commit` after each batch a consumer that crashes sees again what it had not committed: at least once. A
    server that restarts is waited for, for 15 seconds. Not thread-safe.

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
    ) -> None:
        chosen = range(shards) if only is None else only
        if any(not 0 <= shard < shards for shard in chosen):
            raise InvalidInputError(f"only must name shards from 0 to {shards - 1}, got {tuple(chosen)}")
        if idle_s is not None and not 0 <= idle_s < math.inf:
            raise InvalidInputError(f"idle_s must be 0 or more and finite, or None to go on for ever, got {idle_s}")
        self.name = name
        self.idle_s = idle_s
        opened = open_stream(resolve_url(url), stream, shards, chosen)
        self._lanes = [_Lane(client, key, name, (cursors or {}).get(key.input)) for client, key in opened]

    @property
    def cursors(self) -> dict[str, str]:
        """ID of the last output entry handed out, by input stream."""
        return {lane.keys.input: lane.place.cursor for lane in self._lanes}

    def __iter__(self) -> Iterator[MicroBatch]:
        last = time.monotonic()
        while True:
            found = False
            for lane in self._lanes:
                block_ms = 0 if len(self._lanes) > 1 else MAX_BLOCK_MS
                for batch in lane.read(block_ms):
                    found = True
                    yield batch
            if found:
                last = time.monotonic()
            elif self.idle_s is not None and time.monotonic() - last >= self.idle_s:
                return
            elif len(self._lanes) > 1:
                time.sleep(0.005)

    def commit(self) -> None:
        """Store the place behind the last batch handed out.

        Raises
        ------
        redis.RedisError
            If the server does not answer; committing again does no harm.
        """
        for lane in self._lanes:
            lane.commit()

    def close(self) -> None:
        """Close the connection; nothing is committed."""
        for lane in self._lanes:
            lane.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Lane:
    """The output of one shard."""

    def __init__(self, client: redis.Redis, keys: ShardKeys, name: str, cursor: str | None) -> None:
        self.keys = keys
        self._client = client
        self._name = name
        stored: bytes | None = client.hget(keys.feeds, name)  # type: ignore[assignment]
        self.place = FeedPlace.parse(stored)
        if cursor is not None:
            self.place = self.place._replace(cursor=cursor)
        self._read_to = self.place.cursor
        self._committed = FeedPlace.parse(stored)
        self._schema: FeatureSchema | None = None

    def read(self, block_ms: int) -> Iterator[MicroBatch]:
        """Hand out what is there; `place` follows each batch."""
        block = ("BLOCK", block_ms) if block_ms else ()
        command = ("XREAD", "COUNT", PAGE, *block, "STREAMS", self.keys.output, self._read_to)
        reply = _patiently(lambda: raw_command(self._client, *command))
        if not reply:
            self._mend()
        for entry_id, items in reply[0][1] if reply else ():
            batch = decode_output(dict(zip(items[::2], items[1::2], strict=True)), self._contract())
            self._read_to = entry_id.decode()
            self.place = FeedPlace(self._read_to, self.place.rows + len(batch))
            yield batch

    def commit(self) -> None:
        """Store `place` if it has moved."""
        if self.place != self._committed:
            _patiently(lambda: self._client.hset(self.keys.feeds, self._name, self.place.dump()))
            self._committed = self.place

    def _mend(self) -> None:
        """Having read all there is, count as consumed what was trimmed before this consumer came.

        Otherwise back-pressure would wait for rows that nobody can read any more.
        """
        emitted = int(self._client.hget(self.keys.checkpoint, "emitted") or 0)
        if self.place.rows >= emitted:
            return
        # Whatever stood there when `emitted` did has been read if nothing is there now.
        if raw_command(self._client, "XREAD", "COUNT", 1, "STREAMS", self.keys.output, self._read_to):
            return
        self.place = FeedPlace(self._read_to, emitted)
        if self._committed.rows and self._committed.cursor == self._read_to:
            self.commit()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _contract(self) -> FeatureSchema:
        if self._schema is None:
            stored = Checkpoint.load(self._client, self.keys)
            if stored is None:
                raise ResamplerError(f"{self.keys.checkpoint!r} is gone: the contract of the output is unknown")
            self._schema = stored.schema
        return self._schema


def _patiently(call: Callable[[], Any]) -> Any:
    """Call, again and again while the server is away; what is called does no harm when it is done twice."""
    import redis

    deadline, pause_s = time.monotonic() + PATIENCE_S, FIRST_PAUSE_S
    while True:
        try:
            return call()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            if isinstance(error, redis.AuthenticationError) or time.monotonic() >= deadline:
                raise
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LAST_PAUSE_S)
