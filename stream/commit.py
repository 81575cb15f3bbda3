"""`Committer`: one script call moves a shard from one cursor to the next, or changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import redis

from resampler.errors import ResamplerError
from stream.scripts import read_script

if TYPE_CHECKING:
    from stream.keys import ShardKeys
    from stream.lease import Lease


class FencedError(ResamplerError):
    """Raise when another worker owns the shard by now; nothing was written."""


class MovedError(ResamplerError):
    """Raise when the stored cursor is not the one expected; nothing was written."""


class GapError(ResamplerError):
    """Raise when input entries were trimmed or deleted before they were read; nothing was written."""


@dataclass(slots=True)
class Commit:
    """What became of the entries between two cursors.

    Parameters
    ----------
    start, stop : str
        Entry IDs: the stored cursor, and the next one.
    entries : int
        Entries read up to `stop` since the stream began.
    outputs, dead_letters : list of (entry ID, names and values in turn)
        What is added to the two streams.
    checkpoint : dict
        Fields to set beside the cursor.
    snapshot : dict or None
        Fields of the snapshot taken at `stop`.
    forgotten : list of bytes
        Requests that the snapshot carries out.
    """

    start: str
    stop: str
    entries: int
    outputs: list[tuple[str, list[bytes]]] = field(default_factory=list)
    dead_letters: list[tuple[str, list[bytes]]] = field(default_factory=list)
    checkpoint: dict[str, bytes | str | int] = field(default_factory=dict)
    snapshot: dict[str, bytes | str | int] | None = None
    forgotten: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Committed:
    """What the script reports.

    Parameters
    ----------
    lost : int
        Entries that were trimmed unread and passed over, as allowed.
    forget_requests : int
        Rows whose removal is being asked for.
    """

    lost: int
    forget_requests: int


class Committer:
    """Write commits of one shard.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server; it must not resend by itself.
    keys : ShardKeys
        The shard.
    lease : Lease
        Held.
    allow_gap : bool
        Go on when entries were lost to someone else's trimming.
    trim : bool
        Trim the input behind each snapshot.
    """

    def __init__(
        self, client: redis.Redis, keys: ShardKeys, lease: Lease, *, allow_gap: bool = False, trim: bool = False
    ) -> None:
        self._script = read_script("commit")
        self._digest = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._pool = client.connection_pool
        self._connection: Any = self._pool.get_connection()
        self._sent: Commit | None = None
        self._keys = keys
        self._lease = lease
        self._allow_gap = allow_gap
        self._trim = trim

    def send(self, commit: Commit) -> None:
        """Send one commit, and leave the server to it.

        Parameters
        ----------
        commit : Commit
            What to write; `receive` its outcome before the next one.

        Raises
        ------
        redis.RedisError
            If the outcome is unknown; read the cursor before trying again.
        """
        keys = self._keys
        names = (keys.checkpoint, keys.lease, keys.output, keys.dead, keys.snapshot, keys.input, keys.forget)
        self._connection.send_command("EVALSHA", self._digest, len(names), *names, *self._arguments(commit))
        self._sent = commit

    def receive(self) -> Committed:
        """Wait for the outcome of what was sent.

        Returns
        -------
        Committed
            What the script reports.

        Raises
        ------
        FencedError
            If the lease was lost to another worker.
        MovedError
            If the stored cursor is not ``commit.start``.
        GapError
            If entries were trimmed unread and that is not allowed.
        redis.RedisError
            If the outcome is unknown or the server refuses to write; read the cursor before trying again.
        """
        commit, self._sent = self._sent, None
        assert commit is not None  # noqa: S101 - `send` comes first
        try:
            reply = self._connection.read_response()
        except redis.exceptions.NoScriptError:  # a server that was restarted; nothing has run
            self._connection.send_command("SCRIPT", "LOAD", self._script)
            self._connection.read_response()
            self.send(commit)
            self._sent = None
            reply = self._connection.read_response()
        status, value, *rest = reply
        if status == b"ok":
            return Committed(lost=int(value), forget_requests=int(rest[0]))
        if status == b"fenced":
            raise FencedError(f"shard {self._keys.input!r} is owned by {value.decode()!r}: leave it to that worker")
        if status == b"moved":
            raise MovedError(f"shard {self._keys.input!r} stands at {value.decode()!r}, expected {commit.start!r}")
        raise GapError(
            f"{value} entries of {self._keys.input!r} behind {commit.start} were trimmed or deleted before they were "
            "read: restore them, or pass --allow-gap to go on without them; `--trim` trims and keeps what is unread"
        )

    def write(self, commit: Commit) -> Committed:
        """Carry out one commit.

        Parameters
        ----------
        commit : Commit
            What to write.

        Returns
        -------
        Committed
            As `receive`, which also says what is raised.
        """
        self.send(commit)
        return self.receive()

    def close(self) -> None:
        """Give the connection up; an unread reply must not reach its next user."""
        self._connection.disconnect()
        self._pool.release(self._connection)

    def _arguments(self, commit: Commit) -> list[bytes | str | int]:
        checkpoint = [item for pair in commit.checkpoint.items() for item in pair]
        snapshot = [item for pair in (commit.snapshot or {}).items() for item in pair]
        arguments: list[bytes | str | int] = [
            self._lease.holder,
            commit.start,
            commit.stop,
            self._lease.owner,
            self._lease.ttl_ms,
            commit.entries,
            int(self._allow_gap),
            int(self._trim),
            len(commit.outputs),
            len(commit.dead_letters),
            len(checkpoint),
            len(snapshot),
            len(commit.forgotten),
        ]
        for entry_id, items in (*commit.outputs, *commit.dead_letters):
            arguments += [entry_id, len(items), *items]
        return arguments + checkpoint + snapshot + commit.forgotten
