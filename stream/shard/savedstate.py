"""The saved state of a shard: the resampler's state at a cursor, in parts where it is large."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from resampler.errors import CorruptStateError
from resampler.online import OnlineResampler
from stream.scripts import load_script
from stream.shard.commit import FencedError
from stream.shard.limits import PART_BYTES

if TYPE_CHECKING:
    import redis

    from resampler.secret import SecretKey
    from stream.redis.keys import ShardKeys
    from stream.shard.commit import Commit

_STATE, _PARTS, _COUNTS = "state", "parts", "counts"


class SavedState(NamedTuple):
    """The resampler of a saved state, and where it stands.

    Parameters
    ----------
    resampler : OnlineResampler
        As it was.
    cursor : str
        ID of the last entry that it has taken in.
    entries : int
        Entries read up to there since the stream began.
    counts : bytes or None
        The window of counts against a version that is open there; None where nothing is counted.
    """

    resampler: OnlineResampler
    cursor: str
    entries: int
    counts: bytes | None = None


def load_saved_state(
    client: redis.Redis, keys: ShardKeys, secret_key: SecretKey | str | None = None
) -> SavedState | None:
    """Read a shard's saved state.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    secret_key : SecretKey or str or None
        The one that the stream was begun with.

    Returns
    -------
    SavedState or None
        None if there is none.

    Raises
    ------
    CorruptStateError
        If it is damaged.
    """
    if not client.exists(keys.snapshot):
        return None
    cursor, entries, parts, counts = client.hmget(keys.snapshot, "cursor", "entries", _PARTS, _COUNTS)
    names = [f"{_STATE}.{i}" for i in range(int(parts))] if parts else [_STATE]
    # One by one: a reply of all parts would be as large as what no request may be.
    found = [client.hget(keys.snapshot, name) for name in names]
    missing = [
        name
        for name, value in zip(("cursor", "entries", *names), (cursor, entries, *found), strict=True)
        if value is None
    ]
    if missing:
        raise CorruptStateError(
            f"saved state {keys.snapshot!r} lacks {missing[0]!r}: restore it from a backup, or delete it to replay all"
        )
    try:
        state = b"".join(found)  # type: ignore[arg-type]
        return SavedState(OnlineResampler.from_bytes(state, secret_key), cursor.decode(), int(entries), counts)  # type: ignore[union-attr, arg-type]
    except CorruptStateError as error:
        raise CorruptStateError(
            f"saved state {keys.snapshot!r}: {error}; restore it from a backup, or delete it to replay all"
        ) from error


def add_saved_state(
    commit: Commit,
    resampler: OnlineResampler,
    client: redis.Redis,
    keys: ShardKeys,
    holder: str,
    counts: bytes | None = None,
) -> None:
    """Add the state at the end of a commit to it; what is too large for one request is sent ahead in parts.

    Parameters
    ----------
    commit : Commit
        Takes the saved state's fields.
    resampler : OnlineResampler
        At `commit.stop`.
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    holder : str
        What the lease says: parts of a worker that is fenced are refused.
    counts : bytes, optional
        Of the window that is open at `commit.stop`.

    Raises
    ------
    FencedError
        If another worker owns the shard by now.
    """
    state = resampler.to_bytes()
    commit.state = {"config": resampler.config_hash}
    if counts is not None:
        commit.state[_COUNTS] = counts
    if len(state) <= PART_BYTES:
        commit.state[_STATE], commit.staged = state, 0
        return
    stage = load_script(client, "stage")
    view = memoryview(state)
    starts = range(0, len(state), PART_BYTES)
    for i, start in enumerate(starts):
        part = bytes(view[start : start + PART_BYTES])
        if not stage(keys=[keys.checkpoint, keys.staged], args=[holder, i, f"{_STATE}.{i}", part]):
            raise FencedError(f"shard {keys.input!r} is owned by another worker by now: leave it to that one")
    commit.state[_PARTS] = commit.staged = len(starts)
