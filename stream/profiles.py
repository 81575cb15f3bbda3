"""What workers have counted of a stream's input, as a profile: what the entry point `resampler.profiles` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.errors import DataError
from resampler.printing import share
from resampler.profile.counts import Counts, Part
from resampler.profile.profile import Profile
from resampler.profile.sources import Counted
from stream.drift.stored import Stored
from stream.redis.connection import resolve_url
from stream.shard.checkpoint import Checkpoint
from stream.shard.position import require_stream
from stream.sharding import open_stream, stored_shards

if TYPE_CHECKING:
    from collections.abc import Mapping

    import redis

    from resampler.profile.cells import Cells
    from stream.drift.window import Window
    from stream.redis.keys import ShardKeys

PART = "stream"  # the split that parts of such a profile name


def from_stream(where: str, reference: Profile, *, url: str | None = None, windows: int | None = None) -> Counted:
    """Add up the newest windows of every shard of a stream.

    Parameters
    ----------
    where : str
        Name of the stream.
    reference : Profile
        Of the version that its workers count against.
    url : str, optional
        The Redis server; by default the environment's.
    windows : int, optional
        How many windows of each shard, by default one: a rare class may need more.

    Returns
    -------
    Counted
        By class, of the features that are counted; which rows they are, how many were rejected, and what was left out.

    Raises
    ------
    InvalidInputError
        If there is no URL.
    DataError
        If nothing is counted, no window is full yet, or the counts are those against another version.
    CorruptStateError
        If counts are damaged.
    ResamplerError
        If there is no such stream, or the server does not answer.
    """
    server = resolve_url(url)
    opened = open_stream(server, where, stored_shards(server, where))
    require_stream(opened)
    total: Profile | None = None
    notes: list[str] = []
    left_out: dict[str, None] = {}
    for client, keys in opened:
        stored = _stored(client, keys, where)
        cells = _same_cells(stored, reference, where)
        found = stored.windows(client, stored.headers[-(windows or 1) :])
        notes.append(_note(keys.input, found))
        left_out |= dict.fromkeys(f"not counted: {line}" for line in stored.said["left_out"])
        for window in found:
            counted = _profile(window, cells, reference.form)
            total = counted if total is None else total + counted
    if total is None:
        raise DataError(_not_yet(where, opened))
    return Counted(total, (*notes, *left_out))


def _stored(client: redis.Redis, keys: ShardKeys, where: str) -> Stored:
    stored = Stored.load(client, keys)
    if stored is None:
        raise DataError(
            f"the workers of stream {where!r} count nothing in shard {keys.input!r}: start them with `resampler stream "
            "run --reference`, and the version's directory or name"
        )
    return stored


def _same_cells(stored: Stored, reference: Profile, where: str) -> dict[str, Cells]:
    cells = stored.cells
    others = [name for name, of in cells.items() if reference.cells.get(name) != of]
    if others:
        raise DataError(
            f"stream {where!r} is counted against {stored.said['reference']}, whose cells of {others[0]!r} are others "
            "than those of the version named: name that version, or start the workers with --reference of this one"
        )
    return cells


def _note(shard: str, windows: list[Window]) -> str:
    if not windows:
        return f"{shard}: no window is full yet, so this shard is left out"
    rows, accepted, rejected = (sum(getattr(one, name) for one in windows) for name in ("rows", "accepted", "rejected"))
    lost = rejected / (accepted + rejected)
    return (
        f"{shard}: {rows:,} rows counted of {accepted:,} accepted, from entry {windows[0].first} to "
        f"{windows[-1].last}; meanwhile {share(lost)} of the rows became dead letters"
    )


def _not_yet(where: str, opened: list[tuple[redis.Redis, ShardKeys]]) -> str:
    stored = Stored.load(*opened[0])
    checkpoints = [Checkpoint.load(client, keys) for client, keys in opened]
    rows = sum(checkpoint.rows for checkpoint in checkpoints if checkpoint)
    said: Mapping[str, int] = stored.said if stored else {"rows": 0, "every": 1}
    return (
        f"no window of stream {where!r} is full yet: one holds {said['rows']} rows, one of {said['every']} accepted "
        f"rows is counted, and {rows} were accepted since the stream began; wait, or lower --drift-rows or "
        "--drift-every of `resampler stream run`"
    )


def _profile(window: Window, cells: dict[str, Cells], form: int) -> Profile:
    parts = []
    for label, counts in zip(window.classes, window.counts, strict=True):
        features = {
            name: Counts(tuple(of.of_places(counts[place]).tolist())) for place, (name, of) in enumerate(cells.items())
        }
        parts.append(Part(PART, False, label, int(counts[0].sum()), features))
    return Profile(cells, tuple(sorted(parts, key=lambda part: part.key)), form)
