"""`Committer`: one script call moves a shard from one cursor to the next, or changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from resampler.errors import ResamplerError
from stream.scripts import load_script

if TYPE_CHECKING:
    import redis

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
        self._script = load_script(client, "commit")
        self._keys = keys
        self._lease = lease
        self._allow_gap = allow_gap
        self._trim = trim

    def write(self, commit: Commit) -> Committed:
        """Carry out one commit.

        Parameters
        ----------
        commit : Commit
            What to write.

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
        keys = self._keys
        names = [keys.checkpoint, keys.lease, keys.output, keys.dead, keys.snapshot, keys.input, keys.forget]
        status, value, *rest = self._script(keys=names, args=self._arguments(commit))
        if status == b"ok":
            return Committed(lost=int(value), forget_requests=int(rest[0]))
        if status == b"fenced":
            raise FencedError(f"shard {keys.input!r} is owned by {value.decode()!r} by now: leave it to that worker")
        if status == b"moved":
            raise MovedError(f"shard {keys.input!r} stands at {value.decode()!r}, expected {commit.start!r}")
        raise GapError(
            f"{value} entries of {keys.input!r} behind {commit.start} were trimmed or deleted before they were read: "
            "restore them, or pass --allow-gap to go on without them; trim by `--trim`, which keeps what is unread"
        )

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
