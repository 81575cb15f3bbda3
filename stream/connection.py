"""From a URL to a redis-py client, and errors that say where without saying the password."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from resampler.errors import InvalidInputError, MissingExtraError, ResamplerError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from urllib.parse import SplitResult

    import redis

    from stream.keys import ShardKeys

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
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def open_client(url: str, key: str = "") -> redis.Redis:
    """Make a client, without asking whether anybody answers.

    Parameters
    ----------
    url : str
        ``redis://``, ``rediss://`` (TLS), ``unix://``; ``redis+sentinel://host:port,host:port/SERVICE/DB`` for the
        primary that Sentinel names; ``redis+cluster://host:port`` for the node of a Cluster that has `key`.
    key : str
        Which keys the client is for: those in this key's slot.

    Returns
    -------
    redis.Redis
        It speaks RESP2, returns bytes, and never resends a command by itself: a resent write is a duplicate.

    Raises
    ------
    InvalidInputError
        If the URL cannot be read.
    MissingExtraError
        If redis-py is not installed.
    redis.RedisError
        If no node of a Cluster answers.
    """
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise MissingExtraError("redis-py is missing: pip install 'feast-resampler[stream]'") from error
    settings: dict[str, Any] = {
        "protocol": 2,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": 5.0,
        "decode_responses": False,
    }
    try:
        parts = urlsplit(url)
        if parts.scheme == "redis+sentinel":
            return _sentinel_client(parts, settings | {"retry": Retry(NoBackoff(), 0)})
        if parts.scheme == "redis+cluster":
            cluster = redis.RedisCluster.from_url("redis" + url.removeprefix("redis+cluster"), **settings)
            node = cluster.get_redis_connection(cluster.get_node_from_key(key))
            options = node.connection_pool.connection_kwargs | {"retry": Retry(NoBackoff(), 0)}
            return redis.Redis(connection_pool=redis.ConnectionPool(**options))
        return redis.Redis.from_url(url, **settings, retry=Retry(NoBackoff(), 0))
    except ValueError as error:
        raise InvalidInputError(
            f"Redis URL {redact(url)!r} cannot be read: use redis://host:6379, rediss://, unix:///path, "
            "redis+sentinel://host:26379/service or redis+cluster://host:6379"
        ) from error


def _sentinel_client(parts: SplitResult, settings: dict[str, Any]) -> redis.Redis:
    from redis.sentinel import Sentinel

    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise ValueError("no service name")
    hosts = [host.rpartition(":") for host in parts.netloc.rpartition("@")[2].split(",")]
    sentinel = Sentinel([(host or port, int(port) if host else 26_379) for host, _, port in hosts], **settings)
    return sentinel.master_for(
        service,
        db=int(db or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def connect(url: str, key: str = "") -> redis.Redis:
    """Make a client and check that the server answers.

    Parameters
    ----------
    url : str
        As of `open_client`.
    key : str
        Which keys the client is for.

    Returns
    -------
    redis.Redis
        As of `open_client`.

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
    except ImportError as error:
        raise MissingExtraError("redis-py is missing: pip install 'feast-resampler[stream]'") from error
    try:
        client = open_client(url, key)
        client.ping()
    except redis.AuthenticationError as error:
        raise ResamplerError(f"Redis at {redact(url)} refuses the credentials: correct the URL's") from error
    except (redis.RedisError, OSError) as error:
        raise ResamplerError(
            f"Redis at {redact(url)} does not answer ({type(error).__name__}): "
            f"start the server or correct --url / {URL_VARIABLE}"
        ) from error
    return client


def connect_shards(url: str, shards: Iterable[ShardKeys]) -> list[tuple[redis.Redis, ShardKeys]]:
    """Make a client for each shard of a stream: in a Cluster they live on different nodes.

    Parameters
    ----------
    url : str
        As of `open_client`.
    shards : iterable of ShardKeys
        The shards.

    Returns
    -------
    list of (redis.Redis, ShardKeys)
        In order.

    Raises
    ------
    ResamplerError
        As `connect`.
    """
    return [(connect(url, keys.input), keys) for keys in shards]


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
