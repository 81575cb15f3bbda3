"""Decisions on a Redis stream: what the entry point `resampler.decisions` names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import redis

from stream.redis.connection import connect, resolve_url
from stream.redis.errors import explain, wrong_type_error
from stream.scripts import load_script

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOK_BACK = 1_000  # entries among which the same decision is looked for
KEPT = 10_000  # entries, about


def to_stream(stream: str, decision: Mapping[str, Any], *, url: str | None = None) -> str:
    """Write a decision, once however often it is sent.

    Parameters
    ----------
    stream : str
        Key of the Redis stream.
    decision : mapping
        JSON types; its ``key`` says which run it is of.
    url : str, optional
        The Redis server; by default the environment's.

    Returns
    -------
    str
        ID of the entry, whose fields are ``key`` and ``decision`` (JSON).

    Raises
    ------
    InvalidInputError
        If there is no URL.
    ResamplerError
        If the key holds something else, or the server does not answer or refuses.
    """
    server = resolve_url(url)
    try:
        with connect(server, stream) as client:
            text = json.dumps(decision, sort_keys=True, allow_nan=False)
            emit = load_script(client, "emit")
            status, found = emit(keys=[stream], args=[str(decision["key"]), LOOK_BACK, KEPT, text])
    except redis.RedisError as error:
        raise explain(error, server, keys=(stream,)) from error
    if status == b"type":
        raise wrong_type_error(stream, found.decode(), "stream")
    return str(found.decode())
