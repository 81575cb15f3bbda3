"""Resample Redis streams, exactly once: the worker, the feeds that read its output, and a server to try it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.lazy import attach

if TYPE_CHECKING:
    from stream.codec import InputFormat, OutputFormat, decode_output, encode_batch, encode_row
    from stream.commit import GapError
    from stream.feed import Feed
    from stream.keys import ShardKeys, shard_keys
    from stream.redis_errors import UnavailableError
    from stream.server import EmbeddedServer
    from stream.settings import Settings
    from stream.worker import Worker

# Imported when first asked for, so that `import stream` needs no Redis client.
_HOME = {
    "EmbeddedServer": "server",
    "Feed": "feed",
    "GapError": "commit",
    "InputFormat": "codec",
    "OutputFormat": "codec",
    "Settings": "settings",
    "UnavailableError": "redis_errors",
    "ShardKeys": "keys",
    "Worker": "worker",
    "decode_output": "codec",
    "encode_batch": "codec",
    "encode_row": "codec",
    "shard_keys": "keys",
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
