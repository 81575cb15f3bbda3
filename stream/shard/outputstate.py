"""`OutputState`: how an output stream stands to the place of one feed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from resampler.errors import ResamplerError
from stream.redis.entryid import id_pair
from stream.scripts import load_script
from stream.shard.feedplace import FIRST_PLACE

if TYPE_CHECKING:
    import redis

    from stream.redis.keys import ShardKeys
    from stream.shard.feedplace import FeedPlace


class OutputState(NamedTuple):
    """What Redis says of an output stream at one moment.

    Parameters
    ----------
    length : int
        Entries in it.
    added : int
        Entries ever added.
    last_id : str
        ID of the newest ever added; ``0-0`` where there is no stream.
    deleted_id : str
        Highest ID that XDEL ever took out; ``0-0`` for none. Trimming does not count.
    at_place : bool
        Whether the entry at the feed's place is there.
    next_id : str
        ID of the first entry behind it; empty if there is none.
    emitted : int
        Rows ever written by the stream's workers.
    begun : bool
        Whether a worker has begun the stream.
    """

    length: int
    added: int
    last_id: str
    deleted_id: str
    at_place: bool
    next_id: str
    emitted: int
    begun: bool

    def ends_before(self, place: FeedPlace) -> bool:
        """Say whether the output ends before a place: it was deleted, renamed, put back or begun anew.

        Parameters
        ----------
        place : FeedPlace
            The feed's.

        Returns
        -------
        bool
            Whether its newest entry is older, or fewer rows were ever written than stand before the place.
        """
        return id_pair(self.last_id) < id_pair(place.cursor) or self.emitted < place.rows

    def is_intact(self, place: FeedPlace) -> bool:
        """Say whether nothing behind a place can have been trimmed.

        Parameters
        ----------
        place : FeedPlace
            The feed's, at which the look was taken.

        Returns
        -------
        bool
            Whether the entry at the place is there or is the newest ever written; at the beginning, whether nothing was
            ever taken out. False proves nothing.
        """
        if place.cursor == FIRST_PLACE:
            return self.added == self.length
        return self.at_place or self.last_id == place.cursor


def look_at_output(client: redis.Redis, keys: ShardKeys, place: str) -> OutputState:
    """Look at the output of a shard.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    place : str
        ID of the last entry that the feed has read.

    Returns
    -------
    OutputState
        All of it at one moment.

    Raises
    ------
    ResamplerError
        If the server is older than Redis 7.0.
    redis.RedisError
        If the server does not answer or refuses.
    """
    length, added, last_id, deleted_id, at_place, next_id, emitted = load_script(client, "look")(
        keys=[keys.output, keys.checkpoint], args=[place]
    )
    if added < 0:
        raise ResamplerError("the server does not count added entries: Redis 7.0 or Valkey is needed")
    return OutputState(
        length,
        added,
        last_id.decode(),
        deleted_id.decode(),
        bool(at_place),
        next_id.decode(),
        int(emitted or 0),
        emitted != b"",
    )
