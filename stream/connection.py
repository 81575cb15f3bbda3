"""From a URL to a redis-py client, and errors that say where without saying the password."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from resampler.errors import InvalidInputError, MissingExtraError, ResamplerError

if TYPE_CHECKING:
    import redis

URL_VARIABLE = "RESAMPLER_REDIS_URL"
# Above the longest XREAD BLOCK, so that a quiet stream never looks like a dead server.
SOCKET_TIMEOUT_S = 10.0


def resolve_url(url: str | None) -> str:
    """Choose the URL: the one given, else the environment's.

    Parameters
    ----------
    url : str or None
        Such as ``redis://host:6379/0``, ``rediss://...`` or ``unix:///path``.

    Returns
    -------
    str
        The URL.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    chosen = url or os.environ.get(URL_VARIABLE)
    if not chosen:
        raise InvalidInputError(f"no Redis URL: pass --url redis://host:6379 or set {URL_VARIABLE}")
    return chosen


def redact(url: str) -> str:
    """Return `url` without user, password and query, fit to be shown.

    Parameters
    ----------
    url : str
        Any URL.

    Returns
    -------
    str
        Scheme, host and path.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the given URL"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def connect(url: str, **options: Any) -> redis.Redis:
    """Make a client and check that the server answers.

    Parameters
    ----------
    url : str
        What `resolve_url` gives.
    **options
        Passed on to redis-py.

    Returns
    -------
    redis.Redis
        A client that speaks RESP2, returns bytes, and never resends a command by itself: a resent write is a
        duplicate.

    Raises
    ------
    InvalidInputError
        If the URL cannot be read.
    MissingExtraError
        If redis-py is not installed.
    ResamplerError
        If the server does not answer or refuses the credentials.
    """
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise MissingExtraError("redis-py is missing: pip install 'feast-resampler[stream]'") from error
    settings: dict[str, Any] = {
        "protocol": 2,
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": 5.0,
        "decode_responses": False,
    }
    try:
        client = redis.Redis.from_url(url, **settings | options)
    except ValueError as error:
        raise InvalidInputError(
            f"Redis URL {redact(url)!r} cannot be read: use redis://host:6379, rediss:// or unix:///path"
        ) from error
    try:
        client.ping()
    except redis.AuthenticationError as error:
        raise ResamplerError(f"Redis at {redact(url)} refuses the credentials: correct the URL's") from error
    except (redis.RedisError, OSError) as error:
        raise ResamplerError(
            f"Redis at {redact(url)} does not answer ({type(error).__name__}): "
            f"start the server or correct --url / {URL_VARIABLE}"
        ) from error
    return client


def raw_command(client: redis.Redis, *command: bytes | str | int) -> Any:
    """Run one command and return its reply as it came: redis-py would fold repeated fields into a dict.

    Parameters
    ----------
    client : redis.Redis
        The client.
    *command : bytes, str or int
        The command and its arguments.

    Returns
    -------
    object
        Nested lists, bytes, integers, None.
    """
    pool: Any = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_command(*command)
        return connection.read_response()
    except BaseException:
        connection.disconnect()  # an unread reply must not reach the connection's next user
        raise
    finally:
        pool.release(connection)
