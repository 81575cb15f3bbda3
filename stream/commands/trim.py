"""Trim a stream safely: output that every reader has consumed, input that no replay needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stream.scripts import load_script
from stream.shard.feedplace import FIRST_PLACE
from stream.shard.position import require_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from stream.redis.keys import ShardKeys


class Trimmed(NamedTuple):
    """What was trimmed of one Redis stream, and why not more.

    Parameters
    ----------
    key : str
        The Redis stream.
    entries : int
        How many were trimmed.
    kept_from : str
        ID of the oldest entry that is kept; empty where nothing may be trimmed.
    because : str
        What needs that entry, or what is missing, in words.
    """

    key: str
    entries: int
    kept_from: str
    because: str


def trim_shards(shards: Sequence[tuple[redis.Redis, ShardKeys]], *, without_feeds: bool = False) -> list[Trimmed]:
    """Trim each shard's input behind its saved state, and its output behind its slowest reader.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        The stream's shards.
    without_feeds : bool
        Trim an output that nobody reads too, up to its newest entry.

    Returns
    -------
    list of Trimmed
        The input and the output of each shard.

    Raises
    ------
    ResamplerError
        If no shard has an input or an output.
    redis.RedisError
        If the server does not answer or refuses; what shards before were trimmed of stays trimmed.

    Notes
    -----
    Readers of an output are the feeds that have committed a place, and consumer groups of others; those of an input are
    the saved state, behind which a replay begins, and consumer groups of others. The entry at a reader's place is kept,
    as the proof that nothing behind it was trimmed. A shard is trimmed in one step, so that no place moves meanwhile.
    """
    require_stream(shards)
    trimmed = []
    for client, keys in shards:
        found = load_script(client, "trim")(
            keys=[keys.input, keys.output, keys.snapshot, keys.feeds], args=[int(without_feeds)]
        )
        for key, (entries, kept_from, kind, reader) in zip((keys.input, keys.output), found, strict=True):
            because = _reason(key, keys, kept_from.decode(), kind.decode(), reader.decode(errors="backslashreplace"))
            trimmed.append(Trimmed(key, entries, kept_from.decode(), because))
    return trimmed


def _reason(key: str, keys: ShardKeys, kept_from: str, kind: str, reader: str) -> str:
    if kind == "absent":
        return "there is no such Redis stream"
    if kind == "snapshot":
        return "a restart replays the input from the saved state on"
    if kind == "newest":
        return "it is the newest entry"
    if kind == "group":
        return f"consumer group {reader!r} stands there: acknowledge what it has read, or XGROUP DESTROY it"
    if kind == "feed":
        place = "has a place before every entry" if kept_from == FIRST_PLACE else "has committed no more"
        return f"feed {reader!r} {place}: if it is gone for good, HDEL {keys.feeds} {reader}"
    if key == keys.input:
        return (
            "there is no saved state yet, so a restart replays all of it: a worker takes one each --snapshot-rows rows"
        )
    return "no feed has committed a place: pass --without-feeds if nobody is to read this output again"
