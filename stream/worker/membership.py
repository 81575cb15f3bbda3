"""`Membership`: which workers of a stream live, by the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.scripts import load_script

if TYPE_CHECKING:
    import redis

ALIVE_S = 3.0  # a worker that has not reported for so long is not counted when shards are shared out


class Membership:
    """The sorted set in which the workers of a stream report.

    Parameters
    ----------
    client : redis.Redis
        Connection to the server of `key`.
    key : str
        What `stream.redis.keys.workers_key` gives.
    owner : str
        Name of this worker.
    """

    def __init__(self, client: redis.Redis, key: str, owner: str) -> None:
        self._client = client
        self._key = key
        self._owner = owner
        self._report = load_script(client, "report")

    def report(self) -> frozenset[str]:
        """Report that this worker lives.

        Returns
        -------
        frozenset of str
            Names of the workers that live, this one among them.

        Raises
        ------
        redis.RedisError, OSError
            If the server does not answer or refuses.
        """
        alive: list[bytes] = self._report(keys=[self._key], args=[self._owner, ALIVE_S])
        return frozenset(name.decode(errors="replace") for name in alive)

    def leave(self) -> None:
        """Take this worker off the set.

        Raises
        ------
        redis.RedisError, OSError
            If the server does not answer or refuses.
        """
        self._client.zrem(self._key, self._owner)
