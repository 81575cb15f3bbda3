"""What a stream knows of an incident: what the entry point `resampler.incident` names."""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from resampler.incident.collector import NEWEST, Asked, Collector
from stream.commands.status import stream_status
from stream.formats.letters import decode_letter
from stream.maintenance import windows_of
from stream.redis.connection import raw_command, resolve_url
from stream.shard.position import require_stream
from stream.sharding import open_stream, stored_shards

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import redis

    from stream.formats.letters import DeadLetter
    from stream.redis.keys import ShardKeys

_COUNTED = 1_000  # dead letters, the newest: there may be millions
_PAGE = 50  # of them, as each may hold a megabyte
_SAID = ("redis_version", "uptime_in_seconds", "used_memory", "maxmemory", "maxmemory_policy", "role", "aof_enabled")


def _open(asked: Asked) -> list[tuple[redis.Redis, ShardKeys]]:
    server, name = resolve_url(asked.url), str(asked.stream)
    opened = open_stream(server, name, stored_shards(server, name))
    require_stream(opened)
    return opened


def _status(asked: Asked) -> Mapping[str, Any]:
    return {"stream-status.json": stream_status(str(asked.stream), _open(asked))}


def _letters(asked: Asked) -> Mapping[str, Any]:
    """Say why rows were rejected; what stood in them is left out, the words that name a value too."""
    found = {}
    for client, keys in _open(asked):
        reasons: Counter[str] = Counter()
        newest = []
        for letter in islice(_letters_backwards(client, keys), _COUNTED):
            reasons[letter.reason] += letter.rows
            newest.append({"id": letter.id, "reason": letter.reason, "rows": letter.rows})
        total = int(client.xlen(keys.dead))
        found[keys.input] = {"entries": total, "rows": dict(reasons), "newest": newest[:NEWEST]}
    return {"dead-letters.json": found}


def _letters_backwards(client: redis.Redis, keys: ShardKeys) -> Iterator[DeadLetter]:
    position = "+"
    while page := raw_command(client, "XREVRANGE", keys.dead, position, "-", "COUNT", _PAGE):
        for entry_id, items in page:
            yield decode_letter(entry_id, items)
        position = f"({page[-1][0].decode()}"


def _maintenance(asked: Asked) -> Mapping[str, Any]:
    window = windows_of(str(asked.stream), asked.url).current(time.time())
    return {"maintenance.json": None if window is None else window._asdict()}


def _server(asked: Asked) -> Mapping[str, Any]:
    found = {}
    for client, keys in _open(asked):
        info: dict[str, Any] = client.info()
        found[keys.input] = {name: info.get(name) for name in _SAID}
    return {"redis.json": found}


COLLECTORS = (
    Collector("stream status", "stream", _status),
    Collector("dead letters", "stream", _letters),
    Collector("maintenance", "stream", _maintenance),
    Collector("redis", "stream", _server),
)
