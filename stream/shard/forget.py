"""Rows to be forgotten: asking for it, and what was carried out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from stream.formats import identity
from stream.redis.connection import raw_command
from stream.redis.entryid import id_pair
from stream.shard.position import require_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from resampler.online import OnlineResampler
    from stream.redis.keys import ShardKeys

_POLL_S = 0.02
_PAGE = 1_000


class Forgotten(NamedTuple):
    """Rows that were forgotten in one step, as a line of the list `ShardKeys.forgotten` holds them.

    Parameters
    ----------
    cursor : str
        ID of the last entry that had been read.
    held : dict of int to int
        For each row id, in order, in how many buffers it was found.
    """

    cursor: str
    held: dict[int, int]

    def dump(self) -> str:
        """Write the line.

        Returns
        -------
        str
            ``cursor row_id:held row_id:held ...``.
        """
        return " ".join([self.cursor, *(f"{row_id}:{held}" for row_id, held in self.held.items())])

    @classmethod
    def parse(cls, line: bytes) -> Forgotten:
        """Read a line.

        Parameters
        ----------
        line : bytes
            What `dump` wrote.

        Returns
        -------
        Forgotten
            The step.
        """
        cursor, *rows = line.decode().split(" ")
        pairs = (row.partition(":") for row in rows)
        return cls(cursor, {int(row_id): int(held) for row_id, _, held in pairs})

    def apply(self, resampler: OnlineResampler) -> None:
        """Let the rows be forgotten again.

        Parameters
        ----------
        resampler : OnlineResampler
            Behind the rows up to the cursor.
        """
        for row_id in self.held:
            resampler.forget([row_id])


class Outcome(NamedTuple):
    """What became of requests to forget.

    Parameters
    ----------
    pending : int
        Requests that no worker has carried out yet. They last: the next worker begins with them.
    held : int
        Rows that were found in a buffer and left it.
    """

    pending: int
    held: int


def request_member(text: str) -> str:
    """Make the request to forget a row, as the set of requests holds it.

    Parameters
    ----------
    text : str
        A row id as people write it: see `stream.formats.identity.encode`.

    Returns
    -------
    str
        The row id; where that is a hash, and so does not say where the row stands, ``row_id@ms-seq``.

    Raises
    ------
    InvalidInputError
        If it is no row id.
    """
    row_id = identity.encode(text)
    hashed = identity.decode(row_id) is None
    return f"{row_id}@{text.partition(':')[0]}" if hashed and "-" in text else str(row_id)


def is_reached(member: str, cursor: str) -> bool:
    """Say whether the row of a request has been read.

    Parameters
    ----------
    member : str
        What `request_member` made.
    cursor : str
        ID of the last entry read.

    Returns
    -------
    bool
        True also for a hash that was given without its entry: where it stands is not known.
    """
    row_id, _, stands = member.partition("@")
    stands = stands or (identity.decode(int(row_id)) or "0-0").partition(":")[0]
    return id_pair(stands) <= id_pair(cursor)


def row_id_of(member: str) -> int:
    """Return the row id of a request.

    Parameters
    ----------
    member : str
        What `request_member` made.

    Returns
    -------
    int
        The row id.
    """
    return int(member.partition("@")[0])


def read_forgotten(client: redis.Redis, keys: ShardKeys, after: str, up_to: str) -> Iterator[Forgotten]:
    """Read what was forgotten between two cursors, in the order in which it was carried out.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    after : str
        A saved state's cursor: what was forgotten there is not in it any more.
    up_to : str
        The cursor to be restored.

    Yields
    ------
    Forgotten
        A step.
    """
    start = 0
    while page := raw_command(client, "LRANGE", keys.forgotten, start, start + _PAGE - 1):
        for line in page:
            record = Forgotten.parse(line)
            if id_pair(after) < id_pair(record.cursor) <= id_pair(up_to):
                yield record
        start += _PAGE


def request_forget(shards: Sequence[tuple[redis.Redis, ShardKeys]], members: Sequence[str], wait_s: float) -> Outcome:
    """Ask the owner of each shard to remove rows from its buffers, and maybe wait until it has.

    Parameters
    ----------
    shards : sequence of (redis.Redis, ShardKeys)
        Those that the rows may have come through: a row id does not say which, and two shards may hold different rows
        of one id.
    members : sequence of str
        What `request_member` made of the row ids.
    wait_s : float
        How long to wait at most.

    Returns
    -------
    Outcome
        When all is carried out or `wait_s` is over.

    Raises
    ------
    ResamplerError
        If the stream does not exist.
    """
    require_stream(shards)
    before = [client.llen(keys.forgotten) for client, keys in shards]
    for client, keys in shards:
        client.sadd(keys.forget, *members)
    deadline = time.monotonic() + wait_s
    while True:
        pending = sum(sum(raw_command(client, "SMISMEMBER", keys.forget, *members)) for client, keys in shards)
        if not pending or time.monotonic() >= deadline:
            break
        time.sleep(_POLL_S)
    asked, held = {row_id_of(member) for member in members}, 0
    for (client, keys), start in zip(shards, before, strict=True):
        for line in raw_command(client, "LRANGE", keys.forgotten, start, -1):
            held += sum(count for row_id, count in Forgotten.parse(line).held.items() if row_id in asked)
    return Outcome(int(pending), held)
