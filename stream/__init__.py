"""Resample Redis streams, exactly once: the worker, the feeds that read its output, and a server to try it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.lazy import attach

if TYPE_CHECKING:
    from stream.feed.feed import Feed
    from stream.formats import InputFormat, OutputFormat, decode_output, encode_batch, encode_row
    from stream.redis.errors import UnavailableError
    from stream.redis.keys import ShardKeys, shard_keys
    from stream.redis.server import EmbeddedServer
    from stream.settings import Settings
    from stream.shard.commit import GapError
    from stream.worker.worker import Worker

# Imported when first asked for, so that `import stream` needs no Redis client.
_HOME = {
    "EmbeddedServer": "redis.server",
    "Feed": "feed.feed",
    "GapError": "shard.commit",
    "InputFormat": "formats",
    "OutputFormat": "formats",
    "Settings": "settings",
    "UnavailableError": "redis.errors",
    "ShardKeys": "redis.keys",
    "Worker": "worker.worker",
    "decode_output": "formats",
    "encode_batch": "formats",
    "encode_row": "formats",
    "shard_keys": "redis.keys",
}

__all__ = [
    "EmbeddedServer",
    "Feed",
    "GapError",
    "InputFormat",
    "OutputFormat",
    "Settings",
    "ShardKeys",
    "UnavailableError",
    "Worker",
    "decode_output",
    "encode_batch",
    "encode_row",
    "shard_keys",
]

__getattr__, __dir__ = attach(__name__, _HOME, extra="stream")
