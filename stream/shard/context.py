"""`ShardContext`: what a shard works with, whoever owns it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from stream.metrics import ShardMetrics
    from stream.redis.keys import ShardKeys
    from stream.settings import Settings
    from stream.shard.lease import Lease


class ShardContext(NamedTuple):
    """A shard, its server, and its worker's settings.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    settings : Settings
        The worker's settings.
    lease : Lease
        Who may write the shard.
    metrics : ShardMetrics
        Where to count.
    quiet_s : float
        Where producers set IDs of their own: how long nothing must come before a part-filled batch is written.
    clock : callable
        Monotonic seconds.
    sleep : callable
        Lets seconds pass; returns true when the worker was asked to stop.
    is_alive : callable
        Whether the shard's thread makes progress: see `Heartbeat`.
    """

    client: redis.Redis
    keys: ShardKeys
    settings: Settings
    lease: Lease
    metrics: ShardMetrics
    quiet_s: float
    clock: Callable[[], float]
    sleep: Callable[[float], object]
    is_alive: Callable[[], bool]
