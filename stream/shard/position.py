"""Where an input stream stands, and where reading it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from resampler.errors import ResamplerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

    from stream.redis.keys import ShardKeys

_COUNT_PAGE = 10_000
# Counts in Redis, a page at a time: nothing but the number crosses the wire, and no call holds the server up for long.
_COUNT_SCRIPT = """
local page = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
return {#page, #page > 0 and page[#page][1] or ARGV[1]}
"""


class InputInfo(NamedTuple):
    """What Redis says of a stream.

    Parameters
    ----------
    length : int
        Entries in it.
    entries_added : int
        Entries ever added.
    last_id : str
        ID of the newest ever added.
    """

    length: int
    entries_added: int
    last_id: str


def input_info(client: redis.Redis, key: str) -> InputInfo:
    """Ask Redis about a stream.

    Parameters
    ----------
    client : redis.Redis
        Connection to its server.
    key : str
        The stream.

    Returns
    -------
    InputInfo
        Zeros for a stream that does not exist.

    Raises
    ------
    ResamplerError
        If the server is older than Redis 7.0, or the key holds something else.
    """
    import redis

    from stream.redis.errors import code_of, wrong_type_error

    try:
        info = client.xinfo_stream(key)
    except redis.ResponseError as error:
        if "no such key" in str(error):
            return InputInfo(0, 0, "0-0")
        if code_of(error) != "WRONGTYPE":
            raise
        found: bytes = client.type(key)  # type: ignore[assignment]
        raise wrong_type_error(key, found.decode(), "stream") from error
    if "entries-added" not in info:
        raise ResamplerError("the server does not count added entries: Redis 7.0 or Valkey is needed")
    last: bytes = info["last-generated-id"]
    return InputInfo(info["length"], info["entries-added"], last.decode())


def start_position(client: redis.Redis, key: str, start: str) -> tuple[str, int]:
    """Find out where reading begins.

    Parameters
    ----------
    client : redis.Redis
        Connection to the stream's server.
    key : str
        The input stream.
    start : str
        ``$`` or an entry ID.

    Returns
    -------
    cursor : str
        Reading begins behind this ID.
    entries : int
        How many entries were ever added up to it.
    """
    info = input_info(client, key)
    if start == "$":
        return info.last_id, info.entries_added
    if start == "0-0":
        return start, info.entries_added - info.length
    count, position = client.register_script(_COUNT_SCRIPT), start
    behind = page = 0
    while True:
        page, last = count(keys=[key], args=[position, _COUNT_PAGE])
        behind, position = behind + page, last.decode()
        if page < _COUNT_PAGE:
            # Asked again: producers may have added entries since.
            return start, input_info(client, key).entries_added - behind


def require_stream(shards: Sequence[tuple[redis.Redis, ShardKeys]]) -> None:
    """Refuse the name of a stream that is not there: it would look like a quiet one.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        The stream's shards.

    Raises
    ------
    ResamplerError
        If none of the shards' keys is there.
    """
    if not any(client.exists(*keys.types) for client, keys in shards):
        raise ResamplerError(f"stream {shards[0][1].input!r} does not exist: correct --stream or --shards")
