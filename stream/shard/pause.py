"""Pauses: asking every shard of a stream for one or for its end, and waiting until the owners have carried it out."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from resampler.errors import CorruptStateError, InvalidInputError
from resampler.ledger import now
from stream.shard.changes import Changes
from stream.shard.position import require_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from stream.redis.keys import ShardKeys
    from stream.shard.changes import Switch

MAX_REASON = 200  # characters: it stands in the checkpoint for good
_POLL_S = 0.02


class PauseRequest(NamedTuple):
    """What the key `ShardKeys.pause` holds while a pause is asked for.

    Parameters
    ----------
    at : str
        When it was asked for: ISO 8601, UTC.
    reason : str
        Why; empty if nobody said.
    """

    at: str
    reason: str


class ShardPause(NamedTuple):
    """What became of a request in one shard.

    Parameters
    ----------
    input : str
        The shard's input.
    owner : str or None
        Who owns it; None while nobody does: whoever takes it begins with the request.
    done : bool
        Whether the shard stands as asked.
    switch : Switch or None
        The last that was carried out; None if there never was one.
    """

    input: str
    owner: str | None
    done: bool
    switch: Switch | None

    @property
    def waits(self) -> bool:
        """Whether an owner is there that has not carried the request out."""
        return self.owner is not None and not self.done


def check_reason(reason: str) -> str:
    """Return a reason as it is kept.

    Parameters
    ----------
    reason : str
        In somebody's words.

    Returns
    -------
    str
        In one line.

    Raises
    ------
    InvalidInputError
        If it is too long.
    """
    words = " ".join("".join(c if c.isprintable() else " " for c in reason).split())
    if len(words) > MAX_REASON:
        raise InvalidInputError(f"--reason must have at most {MAX_REASON} characters, got {len(words)}: shorten it")
    return words


def read_request(client: redis.Redis, keys: ShardKeys) -> PauseRequest | None:
    """Find out whether a pause is asked for.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.

    Returns
    -------
    PauseRequest or None
        None if not.

    Raises
    ------
    CorruptStateError
        If the key holds something else.
    redis.RedisError
        If the server does not answer, or the key is of another type.
    """
    found: bytes | None = client.get(keys.pause)  # type: ignore[assignment]
    if found is None:
        return None
    try:
        said = json.loads(found)
        return PauseRequest(str(said["at"]), str(said["reason"]))
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptStateError(
            f"key {keys.pause!r} holds no request for a pause: delete it, and ask again with `resampler stream pause`"
        ) from error


def request_pause(shards: Sequence[tuple[redis.Redis, ShardKeys]], reason: str) -> list[PauseRequest]:
    """Ask the owners of all shards to make no synthetic rows.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        The stream's.
    reason : str
        What `check_reason` gave.

    Returns
    -------
    list of PauseRequest
        Those that stood before, and stand as they were; empty where no shard was asked to pause yet.

    Raises
    ------
    ResamplerError
        If the stream does not exist.
    """
    require_stream(shards)
    request = PauseRequest(now(), reason)
    text = json.dumps(request._asdict())
    stood = [read_request(client, keys) for client, keys in shards if not client.set(keys.pause, text, nx=True)]
    return [one for one in stood if one is not None]


def request_resume(shards: Sequence[tuple[redis.Redis, ShardKeys]]) -> int:
    """Ask the owners of all shards to make synthetic rows again.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        The stream's.

    Returns
    -------
    int
        How many of them were asked to pause, or are paused still.

    Raises
    ------
    ResamplerError
        If the stream does not exist.
    """
    require_stream(shards)
    asked = [bool(client.delete(keys.pause)) for client, keys in shards]
    return sum(was or is_paused(client, keys) for was, (client, keys) in zip(asked, shards, strict=True))


def read_switches(client: redis.Redis, keys: ShardKeys) -> list[Switch]:
    """Read at which cursors a shard was paused and went on.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.

    Returns
    -------
    list of Switch
        In order.

    Raises
    ------
    CorruptStateError
        If the checkpoint holds something else in their place.
    """
    found: bytes | None = client.hget(keys.checkpoint, "pauses")  # type: ignore[assignment]
    try:
        return Changes.parse({b"pauses": found or b"[]"}).switches
    except ValueError as error:
        raise CorruptStateError(f"checkpoint {keys.checkpoint!r}: {error}: restore it from a backup") from error


def is_paused(client: redis.Redis, keys: ShardKeys) -> bool:
    """Say whether a shard is paused, whatever is asked for by now.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.

    Returns
    -------
    bool
        As its last commit has it.
    """
    switches = read_switches(client, keys)
    return bool(switches) and switches[-1].paused


def wait_until(
    shards: Sequence[tuple[redis.Redis, ShardKeys]], *, paused: bool, wait_s: float = 0.0
) -> list[ShardPause]:
    """Wait until the owners of all shards have carried out what is asked for.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        The stream's.
    paused : bool
        Whether a pause is asked for, or its end.
    wait_s : float
        How long to wait at most; a shard that nobody owns is not waited for.

    Returns
    -------
    list of ShardPause
        One for each shard.
    """
    deadline = time.monotonic() + wait_s
    while True:
        found = [_look(client, keys, paused=paused) for client, keys in shards]
        if not any(shard.waits for shard in found) or time.monotonic() >= deadline:
            return found
        time.sleep(_POLL_S)


def _look(client: redis.Redis, keys: ShardKeys, *, paused: bool) -> ShardPause:
    owner: bytes | None = client.get(keys.lease)  # type: ignore[assignment]
    switches = read_switches(client, keys)
    done = bool(switches and switches[-1].paused) == paused
    name = None if owner is None else owner.decode(errors="backslashreplace")
    return ShardPause(keys.input, name, done, switches[-1] if switches else None)
