"""`Heartbeat`: keeps a lease while the shard's own thread compiles, replays or works through a long batch."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import redis

from stream.redis.errors import explain
from stream.shard.refusals import refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from stream.metrics import ShardMetrics
    from stream.shard.lease import Lease

logger = logging.getLogger(__name__)


class Heartbeat:
    """A thread that renews a lease three times within its life, over a connection of its own.

    Parameters
    ----------
    lease : Lease
        Held. Its client hands out a connection to each thread that asks.
    name : str
        The shard, for the log.
    metrics : ShardMetrics
        Where renewals that the server refuses are counted: a server that takes no writes, of producers neither, is told
        by nothing else.
    is_alive : callable
        Whether the shard's thread gets on: the lease of one that hangs is left to expire, so that another worker can
        take the shard.
    """

    def __init__(
        self, lease: Lease, name: str, metrics: ShardMetrics, is_alive: Callable[[], bool] = lambda: True
    ) -> None:
        self._lease = lease
        self._metrics = metrics
        self._name = name
        self._is_alive = is_alive
        self._stopping = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat {name}", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether another worker has taken the shard."""
        return self._lost.is_set()

    def stop(self) -> None:
        """End; a renewal that is under way then changes nothing once the lease is given back."""
        self._stopping.set()

    def _run(self) -> None:
        said = ""
        while not self._stopping.wait(self._lease.ttl_ms / 3_000):
            if not self._is_alive():
                if said != "hangs":
                    logger.warning("%s: no progress: its lease is left to expire for another worker", self._name)
                said = "hangs"
                continue
            try:
                renewed = self._lease.renew()
            except (redis.RedisError, OSError) as error:
                if refusal := refusal_of(error):
                    self._metrics.refused(refusal)
                words = str(explain(error))
                if words != said and not self._stopping.is_set():
                    logger.warning("%s: the lease could not be renewed: %s", self._name, words)
                said = words
                continue
            said = ""
            if not renewed:
                self._lost.set()
                return
