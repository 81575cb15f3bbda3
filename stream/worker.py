"""`Worker`: takes its share of a stream's shards, each on a thread of its own, and outlives what can be outlived."""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING

import redis

from resampler.errors import ResamplerError
from stream.checkpoint import Checkpoint
from stream.commit import FencedError, MovedError
from stream.connection import connect, open_client
from stream.keys import shard_keys, workers_key
from stream.lease import owner_name
from stream.metrics import Metrics
from stream.position import input_info
from stream.shard import QUIET_S, Shard, StoppedError
from stream.warmup import warm

if TYPE_CHECKING:
    from stream.keys import ShardKeys
    from stream.settings import Settings

logger = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 0.05, 2.0
STANDBY_S = 0.2  # between two attempts to take a shard that another worker has
HEARTBEAT_S = 0.5
ALIVE_S = 3.0  # a worker that has not reported for so long is not counted when shards are shared out
STALLED_S = 10.0  # a shard that has made no step for so long is unhealthy


class Worker:
    """Resample a stream until told to stop.

    Parameters
    ----------
    url : str
        The Redis server.
    stream : str
        Name of the stream.
    settings : Settings
        What to do.
    shards : int
        Number of input streams; every worker of a stream must be told the same.
    until_idle_s : float or None
        End once nothing has come for so long and all of it is committed. None: run until `stop`.

    Examples
    --------
    >>> from resampler import FeatureSchema
    >>> from stream import EmbeddedServer, Settings
    >>> with EmbeddedServer() as server:
    ...     Worker(server.url, "demo", Settings(FeatureSchema.numeric(["a"])), until_idle_s=0.1).run()
    """

    def __init__(
        self, url: str, stream: str, settings: Settings, *, shards: int = 1, until_idle_s: float | None = None
    ) -> None:
        self.keys = shard_keys(stream, shards)
        self.metrics = Metrics(stream)
        self.url = url
        self.settings = settings
        self.until_idle_s = until_idle_s
        self.owner = owner_name()
        self.stopping = threading.Event()
        self.share = 1
        self._deadline = math.inf
        self.begun = False  # whether there is anything to end in good order
        self._workers_key = workers_key(stream)
        self._lanes = [_Lane(self, keys) for keys in self.keys]
        self._failure: BaseException | None = None

    def stop(self, within_s: float = math.inf) -> None:
        """Ask the worker to end; what is not committed stays in the input. Safe in a signal handler.

        Parameters
        ----------
        within_s : float
            How long `run` may wait for a server that does not answer.
        """
        self._deadline = time.monotonic() + within_s
        self.stopping.set()

    def fail(self, error: BaseException) -> None:
        """End the worker with an error.

        Parameters
        ----------
        error : BaseException
            What `run` raises; the first one counts.
        """
        self._failure = self._failure or error
        self.stopping.set()

    @property
    def healthy(self) -> bool:
        """Whether every shard made a step, or an attempt to take it, lately; a worker that compiles is well."""
        return not self.begun or all(time.monotonic() - lane.last_step < STALLED_S for lane in self._lanes)

    @property
    def owned(self) -> int:
        """Number of shards owned now."""
        return sum(lane.owned for lane in self._lanes)

    def run(self) -> None:
        """Work until `stop`, or until idle.

        Raises
        ------
        ResamplerError
            What a shard could not go on from: a gap, damaged state, other settings; or a server that is not there.
        """
        client = connect(self.url, self._workers_key, timeout_s=HEARTBEAT_S)
        warm(clean=self.settings.clean or self.settings.strategy != "plain")
        for lane in self._lanes:
            lane.start()
        self.begun = True
        try:
            while not self.stopping.is_set():
                self._share_out(client)
                deadline = time.monotonic() + HEARTBEAT_S
                while time.monotonic() < deadline and not self.stopping.wait(0.02):
                    if self.until_idle_s is not None and all(lane.idle for lane in self._lanes):
                        self.stopping.set()
        finally:
            self.stopping.set()
            for lane in self._lanes:
                self._join(lane.thread)
            self._sign_off(client)
        if self._failure:
            raise self._failure

    def _join(self, thread: threading.Thread) -> None:
        while thread.is_alive():
            if time.monotonic() > self._deadline:  # the thread dies with the process, the lease expires
                raise ResamplerError(
                    f"Redis does not answer ({thread.name}): left at once, what is not committed stays in the input"
                )
            thread.join(0.05)

    def _share_out(self, client: redis.Redis) -> None:
        """Report that this worker lives, and work out how many shards are its part."""
        now = time.time()
        try:
            client.zadd(self._workers_key, {self.owner: now})
            client.zremrangebyscore(self._workers_key, "-inf", now - ALIVE_S)
            alive = max(1, int(client.zcard(self._workers_key)))
        except redis.RedisError:  # the lanes report an absent server
            return
        self.share = -(-len(self.keys) // alive)

    def _sign_off(self, client: redis.Redis) -> None:
        try:
            client.zrem(self._workers_key, self.owner)
        except redis.RedisError as error:
            logger.debug("could not sign off: %s", type(error).__name__)
        client.close()


class _Lane:
    """One shard's thread: own it while that is due, step, and start again after any doubt."""

    def __init__(self, worker: Worker, keys: ShardKeys) -> None:
        self.owned = False
        self.idle = False
        self.last_step = time.monotonic()
        self.thread = threading.Thread(target=self._run, name=f"shard {keys.input}", daemon=True)
        self._worker = worker
        self._keys = keys
        self._quiet_since: float | None = None

    def start(self) -> None:
        """Start the thread."""
        self.last_step = time.monotonic()
        self.thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._worker.fail(error)
        finally:
            self.owned = False

    def _work(self) -> None:
        retry_s = FIRST_RETRY_S
        stopping = self._worker.stopping
        while not stopping.is_set():
            before = self.last_step
            try:
                self._connected()
            except (redis.RedisError, OSError) as error:
                if not _is_passing(error):
                    raise ResamplerError(f"Redis refuses: {error}") from error
                retry_s = min(2 * retry_s, LAST_RETRY_S) if self.last_step == before else FIRST_RETRY_S
                logger.warning("%s: Redis: %s; trying again in %.2f s", self._keys.input, error, retry_s)
                stopping.wait(retry_s)

    def _connected(self) -> None:
        """Work on one connection until it breaks: behind a fail-over the next one leads to another server."""
        worker, until_idle_s = self._worker, self._worker.until_idle_s
        client = open_client(worker.url, self._keys.input)
        if stored := Checkpoint.load(client, self._keys):  # not only once the shard is free
            stored.require_same_config(worker.settings.new_resampler(), self._keys)
        shard = Shard(
            client,
            self._keys,
            worker.settings,
            worker.owner,
            worker.metrics.shard(self._keys.input),
            # A job that ends when the stream is quiet can wait that long before it cuts a batch short.
            quiet_s=QUIET_S if until_idle_s is None else until_idle_s,
            sleep=worker.stopping.wait,
        )
        try:
            while not worker.stopping.is_set():
                self._step(client, shard)
                self.last_step = time.monotonic()
        finally:
            self.owned = self.idle = False
            _leave(shard)
            client.close()

    def _step(self, client: redis.Redis, shard: Shard) -> None:
        worker = self._worker
        try:
            if not self.owned:
                self.owned = worker.owned < worker.share and shard.acquire()
            if not self.owned:
                self._stand_by(client)
            elif worker.owned > worker.share:
                logger.info("%s: given up to another worker", self._keys.input)
                self.owned = False
                shard.release()
                worker.stopping.wait(2 * HEARTBEAT_S)
            else:
                shard.step()
                self.idle = worker.until_idle_s is not None and shard.idle_s >= worker.until_idle_s
        except (FencedError, MovedError, StoppedError) as error:
            logger.log(logging.INFO if isinstance(error, StoppedError) else logging.WARNING, "%s", error)
            self.owned = self.idle = False

    def _stand_by(self, client: redis.Redis) -> None:
        """Wait for the shard to become free; it counts as idle while its owner has nothing left to do."""
        until_idle_s = self._worker.until_idle_s
        if until_idle_s is not None:
            stored = Checkpoint.load(client, self._keys)
            behind = input_info(client, self._keys.input).entries_added - (stored.entries if stored else 0)
            if behind > 0 or stored is None:
                self._quiet_since = None
            else:
                self._quiet_since = self._quiet_since or time.monotonic()
            self.idle = self._quiet_since is not None and time.monotonic() - self._quiet_since >= until_idle_s
        self._worker.stopping.wait(STANDBY_S)


def _leave(shard: Shard) -> None:
    try:
        shard.release()
    except (FencedError, MovedError, redis.RedisError, OSError) as error:
        logger.debug("could not release the lease: %s", type(error).__name__)


def _is_passing(error: Exception) -> bool:
    """Tell an error that time heals (restart, fail-over, full memory) from one that it does not."""
    if not isinstance(error, redis.ResponseError) or isinstance(error, _PASSING_ERRORS):
        return True
    return str(error).startswith(_PASSING_REPLIES) or " OOM " in str(error)


_PASSING_ERRORS = (
    redis.BusyLoadingError,
    redis.ReadOnlyError,
    redis.OutOfMemoryError,
    redis.exceptions.AskError,  # MOVED too: a new client asks the Cluster again which node has the slot
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.MasterDownError,
)
_PASSING_REPLIES = (
    *("OOM", "LOADING", "READONLY", "MASTERDOWN", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "TRYAGAIN", "BUSY "),
    *("MOVED", "ASK ", "UNBLOCKED"),  # a primary that steps down sends its blocked readers away
)
