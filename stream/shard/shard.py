"""`Shard`: one input stream, read, resampled and committed by its one owner: acquire, step after step, release."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stream.shard.context import ShardContext
from stream.shard.lease import Lease
from stream.shard.owned import Owned

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from stream.metrics import ShardMetrics
    from stream.redis.keys import ShardKeys
    from stream.settings import Settings

QUIET_S = 1.0


class Shard:
    """The state machine of one shard.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    settings : Settings
        The worker's settings.
    owner : str
        Name of this worker.
    metrics : ShardMetrics
        Where to count.
    quiet_s : float
        Where producers set IDs of their own: how long nothing must come before a part-filled batch is written.
    clock : callable
        Monotonic seconds.
    sleep : callable
        Lets seconds pass; returns true when the worker was asked to stop.
    is_alive : callable
        Whether the shard's thread makes progress: see `Heartbeat`, which keeps the lease while a step is long.

    Notes
    -----
    Where output entries end is `stream.shard.cutting`'s to say. After any doubt (a lost connection, another cursor than
    expected) all state is dropped and loaded again, so there is one way to recover, the one that a fresh start takes.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: ShardKeys,
        settings: Settings,
        owner: str,
        metrics: ShardMetrics,
        *,
        quiet_s: float = QUIET_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self.keys = keys
        self._lease = Lease(client, keys, owner, settings.lease_ttl_ms)
        self._context = ShardContext(
            client, keys, settings, self._lease, metrics, quiet_s=quiet_s, clock=clock, sleep=sleep, is_alive=is_alive
        )
        self._held: Owned | None = None

    @property
    def owned(self) -> Owned:
        """What exists while this worker owns the shard: between `acquire` and `release` or `detach`."""
        assert self._held is not None  # noqa: S101 - `acquire` comes first
        return self._held

    @property
    def idle_s(self) -> float:
        """Seconds for which nothing was found to come in; 0 while something waits to be committed."""
        return self.owned.idle_s

    @property
    def cursor(self) -> str:
        """ID of the last input entry whose commit is known to have succeeded."""
        return self.owned.writer.checkpoint.cursor

    @property
    def nothing_due(self) -> bool:
        """Whether there is nothing that a commit is being tried for: all is committed, or a slow feed is waited for."""
        return self.owned.nothing_due

    def is_free(self) -> bool:
        """Say whether no other worker owns the shard.

        Returns
        -------
        bool
            See `Lease.is_free`.
        """
        return self._lease.is_free()

    def acquire(self) -> bool:
        """Take the shard and restore the state of its cursor.

        Returns
        -------
        bool
            False if another worker has it.

        Raises
        ------
        GapError
            If entries that have to be replayed are gone.
        StoppedError
            If the worker was asked to stop meanwhile.
        ResamplerError
            If the stream was begun with other settings, or its state is damaged.
        """
        self.detach()
        if not self._lease.acquire():
            return False
        self._held = Owned(self._context)
        return True

    def step(self) -> None:
        """Read what there is, and commit every batch that nothing can join any more.

        Raises
        ------
        FencedError, MovedError
            If another worker owns the shard, or the server has lost commits: `acquire` again.
        GapError
            If entries were lost unread.
        redis.RedisError
            If the server does not answer: `acquire` again.
        """
        owned = self.owned
        owned.require_lease()
        owned.attend()
        if owned.wait_for_feeds():
            return
        owned.write(owned.read())
        owned.rest()

    def release(self) -> None:
        """Give the shard back; what is not committed stays in the input."""
        try:
            if self._held is not None:
                self._held.writer.settle()
        finally:
            self.detach()
        self._lease.release()

    def give_back(self) -> None:
        """Give the shard back while its own thread is in a step: what that would still commit is refused.

        One that is being acquired is given back as soon as the server has answered.

        Any thread may ask.
        """
        self._lease.end()

    def detach(self) -> None:
        """Close the connections and leave the lease to expire."""
        if self._held is not None:
            self._held.close()
            self._held = None
