"""From a URL to a redis-py client, and errors that say where without saying the password."""

from __future__ import annotations

import os
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from resampler.address import without_secrets
from resampler.errors import InvalidInputError, MissingExtraError, ResamplerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import redis

    from stream.redis.errors import Client
    from stream.redis.keys import ShardKeys

URL_VARIABLE = "RESAMPLER_REDIS_URL"
USERNAME_VARIABLE = "RESAMPLER_REDIS_USERNAME"
PASSWORD_VARIABLE = "RESAMPLER_REDIS_PASSWORD"  # noqa: S105 - the name of a variable
# Above the longest XREAD BLOCK, so that a quiet stream never looks like a dead server.
SOCKET_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0
SENTINEL_PORT = 26_379


def resolve_url(url: str | None) -> str:
    """Choose the URL, the one given or else the environment's, and complete its credentials from there.

    Parameters
    ----------
    url : str or None
        See `open_client`.

    Returns
    -------
    str
        The URL; one without user and password has those of RESAMPLER_REDIS_USERNAME and RESAMPLER_REDIS_PASSWORD.

    Raises
    ------
    InvalidInputError
        If there is none.
    """
    chosen = url or os.environ.get(URL_VARIABLE)
    if not chosen:
        raise InvalidInputError(f"no Redis URL: pass --url redis://host:6379 or set {URL_VARIABLE}")
    password = os.environ.get(PASSWORD_VARIABLE)
    scheme, separator, rest = chosen.partition("://")
    if not password or "@" in rest.partition("/")[0]:
        return chosen
    user = quote(os.environ.get(USERNAME_VARIABLE, ""), safe="")
    return f"{scheme}{separator}{user}:{quote(password, safe='')}@{rest}"


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
    if "://" not in url:
        return url.rpartition("@")[2]
    try:
        parts = urlsplit(without_secrets(url))
    except ValueError:
        return "the given URL"
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def open_client(url: str, key: str = "", *, timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """Make a client, without asking whether anybody answers.

    Parameters
    ----------
    url : str
        ``redis://``, ``rediss://`` (TLS), ``unix://``; ``redis+sentinel://host:port,host:port/SERVICE/DB`` for the
        primary that Sentinel names; ``redis+cluster://host:port`` for the node of a Cluster that has `key`. The last
        two also begin with ``rediss+`` (TLS). redis-py's options may stand in the query, such as ``ssl_ca_certs``;
        Sentinels that ask for a password of their own take ``sentinel_username`` and ``sentinel_password``.
    key : str
        Which keys the client is for: those in this key's slot.
    timeout_s : float
        How long to wait for an answer.

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
    ResamplerError
        If the URL says Cluster and the server is none.
    """
    try:
        import redis  # noqa: F401 - is it there?
    except ImportError as error:
        raise MissingExtraError("redis-py is missing: pip install 'feast-resampler[stream]'") from error
    try:
        client = _client(url, key, _fixed(timeout_s))
        client.server = redact(url)
        # An option that nobody knows is found out when a connection is made, which does not yet connect.
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"Redis URL {redact(url)!r} cannot be read: use redis://host:6379, rediss://, unix:///path, "
            "redis+sentinel://host:26379/service or redis+cluster://host:6379, options of redis-py in the query"
        ) from error
    return client


def _client(url: str, key: str, fixed: dict[str, Any]) -> Client:
    import redis
    from redis.connection import parse_url

    from stream.redis.errors import Client, is_cluster

    scheme, _, rest = url.partition("://")
    transport, _, topology = scheme.partition("+")
    if topology == "sentinel":
        return _sentinel_client(transport, rest, fixed)
    if not is_cluster(url):
        return Client(connection_pool=redis.ConnectionPool(**parse_url(url) | fixed))
    pool = _pool_of_node(f"{transport}://{rest}", key, fixed, redact(url))
    options = pool.connection_kwargs | fixed | {"connection_class": pool.connection_class}
    return Client(connection_pool=redis.ConnectionPool(**options))


def _pool_of_node(url: str, key: str, fixed: dict[str, Any], shown: str) -> redis.ConnectionPool:
    """Ask a Cluster which node has the key's slot."""
    import redis

    options = {name: value for name, value in fixed.items() if name != "retry"}
    try:
        cluster = redis.RedisCluster.from_url(url, **options)
        node = cluster.get_node_from_key(key)
        if node is None:
            raise redis.ConnectionError(f"no node has the slot of key {key!r}")
        return cluster.get_redis_connection(node).connection_pool
    except redis.exceptions.RedisClusterException as error:  # which is no RedisError
        if isinstance(error.__cause__, redis.RedisError):
            raise error.__cause__ from None
        if "not enabled" in str(error):
            raise ResamplerError(f"Redis at {shown} is not part of a Cluster: use redis:// in the URL") from error
        raise redis.ConnectionError(str(error)) from error


def _fixed(timeout_s: float) -> dict[str, Any]:
    """Return the options that no URL may change."""
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "protocol": 2,
        "decode_responses": False,
        "socket_timeout": timeout_s,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
    }


def _sentinel_client(transport: str, rest: str, fixed: dict[str, Any]) -> Client:
    from redis.connection import parse_url
    from redis.sentinel import Sentinel

    from stream.redis.errors import Client

    netloc, _, path = rest.partition("/")
    service, _, options = path.partition("/")
    service, question, query = service.partition("?")
    if not service:
        raise ValueError("no service name")
    credentials, at, hosts = netloc.rpartition("@")
    kwargs = parse_url(f"{transport}://{credentials}{at}sentinel/{options}{question}{query}") | fixed
    kwargs = {name: value for name, value in kwargs.items() if name not in ("host", "port", "connection_class")}
    tls = {"ssl": True} if transport == "rediss" else {}
    own = {name: kwargs.pop(f"sentinel_{name}", None) for name in ("username", "password")}
    shared = {name: value for name, value in kwargs.items() if name.startswith(("socket_", "ssl_"))}
    pairs = [host.rpartition(":") for host in hosts.split(",")]
    sentinel = Sentinel(
        [(host or port, int(port) if host else SENTINEL_PORT) for host, _, port in pairs],
        sentinel_kwargs=own | shared | tls,
        **kwargs,
        **tls,
    )
    return sentinel.master_for(unquote(service), redis_class=Client)


def connect(url: str, key: str = "", *, timeout_s: float = SOCKET_TIMEOUT_S) -> redis.Redis:
    """Make a client and check that the server answers.

    Parameters
    ----------
    url : str
        See `open_client`.
    key : str
        Which keys the client is for.
    timeout_s : float
        How long to wait for an answer.

    Returns
    -------
    redis.Redis
        See `open_client`.

    Raises
    ------
    InvalidInputError
        If the URL cannot be read.
    MissingExtraError
        If redis-py is not installed.
    UnavailableError
        If the server does not answer or cannot serve now.
    ResamplerError
        If it refuses the credentials, or its name or certificate is wrong.
    """
    try:
        import redis
    except ImportError as error:
        raise MissingExtraError("redis-py is missing: pip install 'feast-resampler[stream]'") from error
    try:
        client = open_client(url, key, timeout_s=timeout_s)
        client.ping()
    except (redis.RedisError, OSError) as error:
        from stream.redis.errors import explain

        refusal = explain(error, url, server=redact(url))
        if getattr(refusal, "reads", False):  # PING too is refused by a server that could not save, reads are not
            return client
        raise _final(refusal, error) from error
    return client


def _final(said: ResamplerError, error: Exception) -> ResamplerError:
    """Take back that waiting may help where the URL is wrong: unknown host, untrusted certificate, no Redis there."""
    import redis

    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        unknown = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME
        if unknown or isinstance(cause, ssl.SSLCertVerificationError | redis.InvalidResponse):
            return ResamplerError(str(said))
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    return said


def connect_shards(url: str, shards: Iterable[ShardKeys]) -> list[tuple[redis.Redis, ShardKeys]]:
    """Make a client for each shard of a stream: in a Cluster they live on different nodes.

    Parameters
    ----------
    url : str
        See `open_client`.
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
    from stream.redis.errors import blame

    pool: Any = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_command(*command)
        return connection.read_response()
    except BaseException as error:
        connection.disconnect()  # an unread reply must not reach the connection's next user
        if isinstance(error, Exception):
            blame(error, command, getattr(client, "server", ""))
        raise
    finally:
        pool.release(connection)


def server_ms(client: redis.Redis) -> float:
    """Ask a server for its time.

    Parameters
    ----------
    client : redis.Redis
        Connection to it.

    Returns
    -------
    float
        Unix time in milliseconds, exact to a microsecond.
    """
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) / 1000
