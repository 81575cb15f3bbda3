"""In which formats rows wait: on a new machine a worker compiles what reads these, and its companion the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from resampler.errors import ResamplerError
from stream.formats import Decoder
from stream.formats.table import InputFormat
from stream.redis.connection import open_client, raw_command
from stream.warmup import READ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.redis.keys import ShardKeys
    from stream.settings import Settings

SHARDS = 4  # that are looked at: producers of one stream write alike


def waiting_formats(url: str, shards: Sequence[ShardKeys], settings: Settings) -> tuple[InputFormat, ...]:
    """Look at the newest entries of a stream's input.

    Parameters
    ----------
    url : str
        Server URL.
    shards : sequence of ShardKeys
        The stream's.
    settings : Settings
        Their contract, and the format if it was said.

    Returns
    -------
    tuple of InputFormat
        Those that kernels read; all of them where nothing waits or the server does not say. Of Arrow, which none reads,
        the format with least to compile: entries are taken in alike whatever is in them.
    """
    decoder = Decoder(settings.schema, settings.input_format)
    if decoder.input_format is not InputFormat.AUTO:
        return _read_by_kernels({decoder.input_format})
    found = set()
    try:
        for keys in shards[:SHARDS]:
            with open_client(url, keys.input) as client:
                newest = raw_command(client, "XREVRANGE", keys.input, "+", "-", "COUNT", 1)
            found |= {decoder.format_of(items) for _, items in newest}
    except (redis.RedisError, OSError, ResamplerError):  # the worker's own reading says what is wrong
        return READ
    return _read_by_kernels(found) if found else READ


def _read_by_kernels(formats: set[InputFormat]) -> tuple[InputFormat, ...]:
    return tuple(kind for kind in READ if kind in formats) or (InputFormat.ROWS,)
