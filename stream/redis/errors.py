"""What an error of Redis means: whether time heals it, and the words and the remedy for whoever reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import redis

from resampler.address import split_user
from resampler.errors import ResamplerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.redis.keys import ShardKeys


class UnavailableError(ResamplerError):
    """Raise when Redis does not answer or cannot serve now; the same call may succeed later.

    Attributes
    ----------
    reads : bool
        Whether it still answers what only reads.
    """

    reads = False


class WrongTypeError(ResamplerError):
    """Raise when a key holds something of another type; nothing was written."""


class Meaning(NamedTuple):
    """What one kind of error says.

    Parameters
    ----------
    passing : bool
        Whether the same command may succeed later without anybody changing a setting of ours.
    what : str
        What the server does, as a predicate.
    remedy : str
        What to do about it.
    """

    passing: bool
    what: str
    remedy: str


_MEANINGS = {
    "OOM": Meaning(
        True,
        "has no memory left and refuses writes",
        "raise maxmemory or delete what is not needed, and keep maxmemory-policy noeviction",
    ),
    "MISCONF": Meaning(
        True,
        "refuses writes because it could not save its data to disk",
        "read the server's log, give it disk space and a writable directory, or set stop-writes-on-bgsave-error no",
    ),
    "READONLY": Meaning(
        True, "is a read-only replica", "use the primary's URL, or redis+sentinel://, which follows the primary"
    ),
    "LOADING": Meaning(True, "is loading its data", "try again when it has"),
    "MASTERDOWN": Meaning(True, "is a replica without its primary", "start the primary, or use its URL"),
    "NOREPLICAS": Meaning(
        True, "refuses writes for lack of replicas", "start the replicas, or lower min-replicas-to-write"
    ),
    "CLUSTERDOWN": Meaning(True, "is part of a Cluster that is down", "start the Cluster's other nodes"),
    "TRYAGAIN": Meaning(True, "is moving the slot to another node", "try again when it has"),
    "UNBLOCKED": Meaning(True, "has sent its readers away", "try again: another server is becoming the primary"),
    "BUSY": Meaning(True, "is busy with a script", "wait for the script, or end it with SCRIPT KILL"),
    "MOVED": Meaning(
        False,
        "is a node of a Cluster, and another node has the slot",
        "use redis+cluster://host:port, which finds the node of each shard",
    ),
    "NOAUTH": Meaning(
        False, "refuses the credentials", "correct the URL's, or RESAMPLER_REDIS_USERNAME and RESAMPLER_REDIS_PASSWORD"
    ),
    "NOPERM": Meaning(
        False,
        "does not permit this user to do that",
        "give the user the rights named in docs/streaming.md, 'Servers'",
    ),
    "WRONGTYPE": Meaning(
        False, "holds something of another type there", "rename or delete what else was written under that key"
    ),
    "TIMEOUT": Meaning(
        True, "does not answer in time", "see whether the server hangs or is overloaded, and whether the network does"
    ),
    "CONNECTION": Meaning(True, "does not answer", "start the server or correct --url / RESAMPLER_REDIS_URL"),
    "PROTOCOL": Meaning(
        True,
        "does not answer in Redis's protocol",
        "correct the URL: another service listens there, or one that expects TLS (rediss://)",
    ),
    "UNKNOWN": Meaning(
        False, "does not know", "use Redis 7.0 or later, or Valkey, with none of the stream's commands renamed"
    ),
    "": Meaning(False, "refuses", "see what docs/streaming.md, 'Servers', asks of a server"),
}
_WRITES_REFUSED = ("OOM", "MISCONF", "READONLY", "NOREPLICAS")
# Where the code does not stand first: in a script's errors, those of servers before 7.0 above all.
_PARTS = {f" {code} ": code for code in _WRITES_REFUSED} | {
    "ACL failure": "NOPERM",
    "The user executing the script can't": "NOPERM",  # Redis 7.0, which gives what a script may not do no code
    "unknown command": "UNKNOWN",
}
_SAME = {"ASK": "MOVED", "WRONGPASS": "NOAUTH"}
_CODES: dict[type[Exception], str] = {
    redis.AuthenticationError: "NOAUTH",
    redis.BusyLoadingError: "LOADING",
    redis.InvalidResponse: "PROTOCOL",
    redis.OutOfMemoryError: "OOM",
    redis.ReadOnlyError: "READONLY",
    redis.TimeoutError: "TIMEOUT",
    redis.exceptions.AskError: "MOVED",
    redis.exceptions.AuthorizationError: "NOPERM",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.TryAgainError: "TRYAGAIN",
}
_KEYLESS = {
    *("ACL", "AUTH", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DEBUG", "HELLO", "INFO", "PING", "SCRIPT", "SELECT"),
    "TIME",
}


def code_of(error: Exception) -> str:
    """Name the kind of an error.

    Parameters
    ----------
    error : Exception
        What redis-py or a socket raised.

    Returns
    -------
    str
        A key of the table of meanings; ``""`` for a refusal that it does not know.
    """
    for cls in type(error).__mro__:
        if cls in _CODES:
            return _CODES[cls]
    if isinstance(error, TimeoutError):
        return "TIMEOUT"
    if not isinstance(error, redis.ResponseError):
        return "CONNECTION"
    text = str(error)
    word = text.partition(" ")[0]
    word = _SAME.get(word, word)
    if word in _MEANINGS:
        return word
    for part, code in _PARTS.items():
        if part in text:
            return code
    return ""


def is_passing(error: Exception, url: str = "") -> bool:
    """Say whether time heals an error (restart, fail-over, full memory).

    Parameters
    ----------
    error : Exception
        What redis-py or a socket raised.
    url : str
        The server's: a client of a Cluster asks again which node has the slot, a client of one server cannot.

    Returns
    -------
    bool
        Whether to try again.
    """
    code = code_of(error)
    return _MEANINGS[code].passing or (code == "MOVED" and is_cluster(url))


def is_cluster(url: str) -> bool:
    """Say whether a URL leads to a Cluster.

    Parameters
    ----------
    url : str
        See `stream.redis.connection.open_client`.

    Returns
    -------
    bool
        Whether its scheme ends in ``+cluster``.
    """
    return url.partition("://")[0].endswith("+cluster")


def explain(error: Exception, url: str = "", *, server: str = "", keys: Sequence[str] = ()) -> ResamplerError:
    """Say an error in words, with the server, the key and the remedy.

    Parameters
    ----------
    error : Exception
        What redis-py or a socket raised.
    url : str
        The server's: for `is_passing`, and for what must not be shown.
    server : str
        What to call the server; by default what `blame` noted.
    keys : sequence of str
        What was being read or written; by default what `blame` noted.

    Returns
    -------
    ResamplerError
        An `UnavailableError` if time may heal it. To be raised by the caller.
    """
    if isinstance(error, ResamplerError):
        return error
    meaning = _MEANINGS[code_of(error)]
    command, noted, address = getattr(error, _BLAME, ("", (), ""))
    named = ", ".join(repr(key) for key in keys or noted)
    touching = f" {command}" if command and not meaning.passing else ""
    touching += f" for key{'s' if ',' in named else ''} {named}" if named else ""
    at = server or address
    words = _without_secrets(" ".join(str(error).split()).rstrip(".") or type(error).__name__, url)
    words = words.partition(" : <redis.")[0]  # Sentinel's client shows itself with all its options
    text = f"Redis{f' at {at}' if at else ''} {meaning.what}{touching} ({words}): {meaning.remedy}"
    if not is_passing(error, url):
        return ResamplerError(text)
    unavailable = UnavailableError(text)
    unavailable.reads = code_of(error) in _WRITES_REFUSED
    return unavailable


def _without_secrets(text: str, url: str) -> str:
    credentials = split_user(url.partition("://")[2])[0]
    passwords = credentials.split(":")[1:]
    for secret in (credentials, unquote(credentials), *passwords, *map(unquote, passwords)):
        text = text.replace(secret, "***") if secret else text
    return text


_BLAME = "_resampler_blame"


def blame(error: Exception, command: Sequence[Any], server: str = "") -> None:
    """Note on an error which command and which keys it is about, for `explain`.

    Parameters
    ----------
    error : Exception
        What the command raised.
    command : sequence
        The command and its arguments.
    server : str
        The server's URL without secrets.
    """
    if hasattr(error, _BLAME):
        return
    name = _text(command[0]).upper() if command else ""
    setattr(error, _BLAME, (name, tuple(_text(key) for key in _keys_of(name, command)), server))


def _keys_of(name: str, command: Sequence[Any]) -> Sequence[Any]:
    words = name.split()
    if not words or words[0] in _KEYLESS:
        return ()
    if words[0] in ("EVALSHA", "EVAL"):
        return command[3 : 3 + int(command[2])]
    if words[0] == "XREAD":
        upper = [_text(word).upper() for word in command]
        first = upper.index("STREAMS") + 1
        return command[first : first + (len(command) - first) // 2]
    # redis-py gives a command of two words as one argument, `raw_command` as two.
    at = 2 if len(words) == 1 and words[0] in ("XINFO", "XGROUP") else 1
    return command[at:] if words[0] == "EXISTS" else command[at : at + 1]


def _text(word: object) -> str:
    return word.decode(errors="backslashreplace") if isinstance(word, bytes) else str(word)


def wrong_type(client: redis.Redis, keys: ShardKeys) -> ResamplerError | None:
    """Find the key of a shard that holds what it must not.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.

    Returns
    -------
    ResamplerError or None
        Names the first such key; None if all are of their type, or the server does not say.
    """
    for key, wanted in keys.types.items():
        try:
            found: bytes = client.type(key)  # type: ignore[assignment]
        except (redis.RedisError, OSError):
            return None
        if found.decode() not in (wanted, "none"):
            return wrong_type_error(key, found.decode(), wanted)
    return None


def wrong_type_error(key: str, found: str, wanted: str) -> WrongTypeError:
    """Make the error for a key that holds something else.

    Parameters
    ----------
    key : str
        The key.
    found, wanted : str
        Its type, and the one that it must be of.

    Returns
    -------
    WrongTypeError
        To be raised.
    """
    return WrongTypeError(
        f"key {key!r} must be a {wanted} and is a {found}, which something else wrote: move it away with RENAME, or "
        "delete it; nothing was written"
    )


class Client(redis.Redis):
    """A redis-py client whose errors know the command and the server that they came from.

    Attributes
    ----------
    server : str
        The server's URL without secrets.
    """

    server = ""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command.

        Parameters
        ----------
        *args
            The command.
        **options
            See `redis.Redis.execute_command`.

        Returns
        -------
        object
            The reply.

        Raises
        ------
        redis.RedisError
            As redis-py does, with the note of `blame`.
        """
        try:
            return super().execute_command(*args, **options)
        except (redis.RedisError, OSError) as error:
            blame(error, args, self.server)
            raise
