"""What a server does with keys when it is killed, and when its memory is full."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import redis

KEEPS_ALL = "noeviction"  # the only policy under which no key is thrown away


def eviction_policy(client: redis.Redis) -> str | None:
    """Ask which keys a server throws away when its memory is full.

    Parameters
    ----------
    client : redis.Redis
        Connection to the server.

    Returns
    -------
    str or None
        Its ``maxmemory-policy``; None where the user may not ask.

    Raises
    ------
    redis.RedisError
        If the server does not answer.
    """
    import redis

    try:
        return str(client.info("memory").get("maxmemory_policy", KEEPS_ALL))  # needs no right to CONFIG
    except redis.ResponseError:
        return None


def append_only(client: redis.Redis) -> bool | None:
    """Ask whether a server writes each command down, so that a kill loses two seconds of them at most.

    Parameters
    ----------
    client : redis.Redis
        Connection to the server.

    Returns
    -------
    bool or None
        None where the user may not ask.

    Raises
    ------
    redis.RedisError
        If the server does not answer.
    """
    import redis

    try:
        return bool(client.info("persistence").get("aof_enabled"))
    except redis.ResponseError:
        return None
