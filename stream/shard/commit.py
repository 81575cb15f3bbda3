"""`Committer`: one script call moves a shard from one cursor to the next, or changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import redis

from resampler.errors import ResamplerError
from stream.redis.command import pack_command, send_pieces, widen
from stream.redis.entryid import id_pair
from stream.redis.errors import wrong_type_error
from stream.scripts import read_script
from stream.shard.limits import ServerLimits
from stream.shard.outputs import ROW_NUMBER_BITS, ROW_NUMBERS

if TYPE_CHECKING:
    from stream.redis.keys import ShardKeys
    from stream.shard.lease import Lease


class FencedError(ResamplerError):
    """Raise when another worker owns the shard by now; nothing was written."""


class MovedError(ResamplerError):
    """Raise when the stored cursor is not the one expected; nothing was written."""


class GapError(ResamplerError):
    """Raise when input entries were trimmed or deleted before they were read; nothing was written.

    Parameters
    ----------
    message : str
        What was lost, and the remedy.
    lost : int
        How many entries; negative where another stream stands in the place of the one that was read, and the number
        is not known.
    """

    def __init__(self, message: str, lost: int = 0) -> None:
        super().__init__(message)
        self.lost = lost


class LostOutputError(ResamplerError):
    """Raise when the output was deleted, and with it what no feed has read; nothing was written."""


class ForeignEntryError(ResamplerError):
    """Raise when the next entry cannot stand behind what somebody else has written; nothing was written."""


class CountsUpdate(NamedTuple):
    """What changes in a shard's counts of its input against a version.

    Parameters
    ----------
    anew : bool
        Whether all that was counted before goes.
    fields : dict of str to bytes
        To be set in the hash.
    dropped : list of str
        Fields of windows that are let go.
    """

    anew: bool
    fields: dict[str, bytes]
    dropped: list[str]


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
    state : dict or None
        Fields of the saved state taken at `stop`.
    staged : int
        Parts of that saved state that were put aside before, as they are too large for one commit.
    forgotten : list of bytes
        Requests that the saved state carries out.
    record : str
        What they came to, as `stream.shard.forget.Forgotten` writes it.
    emitted_before : int
        Output rows written before this commit.
    counts : CountsUpdate or None
        What changes in the counts against a version.
    """

    start: str
    stop: str
    entries: int
    outputs: list[tuple[str, list[bytes]]] = field(default_factory=list)
    dead_letters: list[tuple[str, list[bytes]]] = field(default_factory=list)
    checkpoint: dict[str, bytes | str | int] = field(default_factory=dict)
    state: dict[str, bytes | str | int] | None = None
    staged: int = 0
    forgotten: list[bytes] = field(default_factory=list)
    record: str = ""
    emitted_before: int = 0
    counts: CountsUpdate | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What the script reports.

    Parameters
    ----------
    lost : int
        Entries that were trimmed unread and passed over, as allowed; negative where the stream was replaced and the
        count of its entries begins anew.
    forget_requests : int
        Rows whose removal is being asked for.
    gone : int
        Entries of the input that were ever added and are no longer there.
    """

    lost: int
    forget_requests: int
    gone: int


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
        Trim the input behind each saved state.
    limits : ServerLimits, optional
        The largest request that the server takes; by default what a server takes unless it is set otherwise.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: ShardKeys,
        lease: Lease,
        *,
        allow_gap: bool = False,
        trim: bool = False,
        limits: ServerLimits | None = None,
    ) -> None:
        self._script = read_script("commit")
        self._digest = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._pool = client.connection_pool
        self._connection: Any = self._pool.get_connection()
        widen(self._connection)
        self._sent: Commit | None = None
        self._keys = keys
        self._lease = lease
        self._allow_gap = allow_gap
        self._trim = trim
        self._limits = limits or ServerLimits()

    def send(self, commit: Commit) -> None:
        """Send one commit, and leave the server to it.

        Parameters
        ----------
        commit : Commit
            What to write; `receive` its outcome before the next one.

        Raises
        ------
        ResamplerError
            If the server does not take what is as large as this; nothing was sent.
        redis.RedisError
            If the outcome is unknown; read the cursor before trying again.
        """
        keys = self._keys
        arguments = self._arguments(commit)
        self._limits.require(arguments, f"the commit of {keys.input!r} from {commit.start} to {commit.stop}")
        command = ["EVALSHA", self._digest, len(keys.types), *keys.types, *arguments]
        send_pieces(self._connection, pack_command(command))
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
            If entries were lost unread, and that is not allowed or the commit has no saved state to record it with.
        LostOutputError
            If the output was deleted and that is not allowed.
        WrongTypeError, ForeignEntryError
            If a key holds something else, or somebody else has written to the output.
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
        return self._outcome(commit, reply)

    def _outcome(self, commit: Commit, reply: list[Any]) -> Committed:
        """Read what the script says."""
        status, *rest = reply
        keys = self._keys
        if status == b"ok":
            return Committed(*map(int, rest))
        if status == b"fenced":
            raise FencedError(f"shard {keys.input!r} is owned by {rest[0].decode()!r}: leave it to that worker")
        if status == b"moved":
            raise MovedError(f"shard {keys.input!r} stands at {rest[0].decode()!r}, expected {commit.start!r}")
        if status == b"unstaged":
            raise MovedError(
                f"the parts of the next saved state in {keys.staged!r} are gone: load {keys.input!r} again"
            )
        if status == b"gap":
            raise gap_error(keys, commit.start, int(rest[0]))
        if status == b"output":
            raise lost_output_error(keys, int(rest[0]))
        if status == b"type":
            raise wrong_type_error(*(part.decode() for part in rest))
        key, reason, last = (part.decode() for part in rest)
        if commit.outputs and _is_behind_text(commit.outputs[0][0], last):
            raise ForeignEntryError(
                f"output {key!r} ends with text entries of millisecond {last.partition('-')[0]}, behind which no entry "
                "that holds several rows can stand: start again with --output-format text, and change the format once "
                "entries of a later millisecond were read; nothing was written"
            )
        raise ForeignEntryError(
            f"{key!r} does not take the next entry ({reason}): something else has written to it; move it away with "
            f"RENAME, or restore it, and start the worker again"
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
        state = [item for pair in (commit.state or {}).items() for item in pair]
        counts = commit.counts or CountsUpdate(False, {}, [])
        counted = [item for pair in counts.fields.items() for item in pair]
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
            len(state),
            len(commit.forgotten),
            commit.staged,
            commit.emitted_before,
            " ".join(self._keys.types.values()),
            int(counts.anew),
            len(counted),
            len(counts.dropped),
        ]
        for entry_id, items in (*commit.outputs, *commit.dead_letters):
            arguments += [entry_id, len(items), *items]
        arguments += [*checkpoint, *state, *counted, *counts.dropped]
        return arguments + ([*commit.forgotten, commit.record] if commit.forgotten else [])


def _is_behind_text(output_id: str, last_id: str) -> bool:
    """Say whether an output ID is refused only because text entries of its millisecond bear higher ones."""
    (ms, seq), (last_ms, last_seq) = id_pair(output_id), id_pair(last_id)
    return ms == last_ms and last_seq >= ROW_NUMBERS and seq > last_seq >> ROW_NUMBER_BITS


def gap_error(keys: ShardKeys, cursor: str, lost: int) -> GapError:
    """Make the error for entries that were lost unread.

    Parameters
    ----------
    keys : ShardKeys
        The shard.
    cursor : str
        What was read last.
    lost : int
        How many entries; negative where the stream was replaced.

    Returns
    -------
    GapError
        To be raised.
    """
    if lost < 0:
        return GapError(
            f"input stream {keys.input!r} was deleted, renamed or put back after {cursor} was read: it counts fewer "
            "entries than were read of it, so entries may be lost, and how many is not known; restore it, or pass "
            "--allow-gap to go on with what stands behind the cursor",
            lost,
        )
    return GapError(
        f"{lost} entries of {keys.input!r} behind {cursor} were trimmed or deleted before they were "
        "read: restore them, or pass --allow-gap to go on without them; `--trim` trims and keeps what is unread",
        lost,
    )


def lost_output_error(keys: ShardKeys, emitted: int) -> LostOutputError:
    """Make the error for an output that was deleted.

    Parameters
    ----------
    keys : ShardKeys
        The shard.
    emitted : int
        Rows that were written to it.

    Returns
    -------
    LostOutputError
        To be raised.
    """
    return LostOutputError(
        f"output stream {keys.output!r} was deleted, and with it those of its {emitted} rows that no feed has read: "
        "restore it, or pass --allow-gap to go on with a new one; `resampler stream trim` removes what was read"
    )
