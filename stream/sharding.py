"""How many shards a stream has: its first worker stores the number, and whoever names another is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.errors import CorruptStateError, InvalidInputError
from stream.redis.connection import connect, connect_shards, open_client
from stream.redis.errors import code_of, explain, is_cluster
from stream.redis.keys import ShardKeys, shard_keys, shards_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    import redis

_RESHARD = "the number never changes: to re-shard, write to a stream of another name (docs/streaming.md, 'Shards')"


def open_stream(
    url: str, stream: str, shards: int = 1, only: Iterable[int] | None = None
) -> list[tuple[redis.Redis, ShardKeys]]:
    """Make a client for each shard of a stream, after a look whether it has that many.

    Parameters
    ----------
    url : str
        See `stream.redis.connection.open_client`.
    stream : str
        Name of the stream.
    shards : int
        Number of shards that the caller was given.
    only : iterable of int, optional
        These shards; by default all.

    Returns
    -------
    list of (redis.Redis, ShardKeys)
        In order.

    Raises
    ------
    InvalidInputError
        If the stream was begun with another number of shards.
    CorruptStateError
        If the stored number is none.
    ResamplerError
        As `stream.redis.connection.connect`.
    """
    import redis

    keys = shard_keys(stream, shards)
    try:
        require_shards(url, stream, shards)
    except redis.RedisError as error:
        raise explain(error, url) from error
    return connect_shards(url, keys if only is None else [keys[shard] for shard in only])


def require_shards(url: str, stream: str, shards: int, *, claim: bool = False) -> None:
    """Refuse a number of shards that is not the stream's.

    Parameters
    ----------
    url : str
        See `stream.redis.connection.open_client`.
    stream : str
        Name of the stream.
    shards : int
        Number of shards that the caller was given.
    claim : bool
        Store the number if none is stored, as a worker does.

    Raises
    ------
    InvalidInputError
        If the stream was begun with another number of shards.
    CorruptStateError
        If the stored number is none.
    redis.RedisError
        If the server refuses.
    """
    key = shards_key(stream)
    with connect(url, key) as client:
        stored = _stored(client, key)
        if stored is None:
            _require_no_other(url, stream, shards)
            if not claim:
                return
            client.set(key, shards, nx=True)
            stored = _stored(client, key)  # another worker may have been first
    if stored != shards:
        raise InvalidInputError(
            f"stream {stream!r} has {stored} shards, got {shards}: pass {stored}; {_RESHARD}. "
            f"If the stream's keys were deleted to begin it again, delete {key!r} too"
        )


def stored_shards(url: str, stream: str) -> int:
    """Find out how many shards a stream has.

    Parameters
    ----------
    url : str
        See `stream.redis.connection.open_client`.
    stream : str
        Name of the stream.

    Returns
    -------
    int
        1 where its first worker has stored none.

    Raises
    ------
    CorruptStateError
        If the stored number is none.
    ResamplerError
        As `stream.redis.connection.connect`, and where the server refuses.
    """
    import redis

    shard_keys(stream)  # refuses what is no name
    key = shards_key(stream)
    try:
        with connect(url, key) as client:
            return _stored(client, key) or 1
    except redis.RedisError as error:
        raise explain(error, url) from error


def _stored(client: redis.Redis, key: str) -> int | None:
    import redis

    try:
        found: bytes | None = client.get(key)  # type: ignore[assignment]
    except redis.ResponseError as error:
        if code_of(error) != "WRONGTYPE":
            raise
        found = b""
    if found is None:
        return None
    if not found.isdigit() or int(found) < 1:
        raise CorruptStateError(
            f"key {key!r} must hold the stream's number of shards and does not: delete it, or set it to that number"
        )
    return int(found)


def _require_no_other(url: str, stream: str, shards: int) -> None:
    """Look for checkpoints under another number's names: streams begun before the number was stored."""
    seen = _Traces(url)
    one, first = ShardKeys(stream), ShardKeys(f"{stream}.0")
    if shards > 1 and seen.begun(one):
        found = "1 shard"
    elif shards == 1 and seen.begun(first):
        found = f"{_count(seen, stream)} shards"
    elif shards > 1 and seen.begun(ShardKeys(f"{stream}.{shards}")):
        found = f"more than {shards} shards"
    elif shards > 1 and seen.begun(first) and not seen.there(ShardKeys(f"{stream}.{shards - 1}")):
        found = f"{_count(seen, stream)} shards"
    else:
        return
    raise InvalidInputError(
        f"stream {stream!r} has checkpoints of {found}, got {shards}: pass the number that it was begun with; "
        f"{_RESHARD}. "
        f"If {shards} is right all the same, set key {shards_key(stream)!r} to {shards}"
    )


def _count(seen: _Traces, stream: str) -> int:
    count = 1
    while seen.begun(ShardKeys(f"{stream}.{count}")):
        count += 1
    return count


class _Traces:
    """What is left of shards, wherever their slots are."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: redis.Redis | None = None

    def _of(self, key: str) -> redis.Redis:
        if self._client is None or is_cluster(self._url):
            self._client = open_client(self._url, key)
        return self._client

    def begun(self, keys: ShardKeys) -> bool:
        import redis

        try:
            found = bool(self._of(keys.input).hexists(keys.checkpoint, "cursor"))
        except redis.ResponseError as error:
            if code_of(error) != "WRONGTYPE":
                raise
            return False  # who loads the checkpoint says so
        own = shards_key(keys.input)  # another stream's, which happens to be called like a shard of this one
        return found and not self._of(own).exists(own)

    def there(self, keys: ShardKeys) -> bool:
        return bool(self._of(keys.input).exists(keys.input)) or self.begun(keys)
