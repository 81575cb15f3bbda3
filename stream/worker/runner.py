"""`ShardRunner`: one shard's thread, which owns the shard while that is due and starts again after any doubt."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import redis

from resampler.errors import ResamplerError
from stream.metrics import ShardState
from stream.redis.connection import open_client
from stream.redis.errors import code_of, explain, is_passing, wrong_type
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import FencedError, MovedError
from stream.shard.owned import StoppedError
from stream.shard.position import input_info
from stream.shard.refusals import refusal_of
from stream.shard.shard import QUIET_S, Shard
from stream.worker import health

if TYPE_CHECKING:
    from stream.metrics import Metrics
    from stream.redis.keys import ShardKeys
    from stream.settings import Settings
    from stream.worker.start import Start

logger = logging.getLogger(__name__)

FIRST_RETRY_S = 0.05
LAST_RETRY_S = 2.0  # between two attempts to reach a server
LAST_COMMIT_RETRY_S = 30.0  # between two attempts of a shard that loads and reads, and cannot commit
STANDBY_S = 0.2  # between two attempts to take a shard that another worker has
HAND_OVER_S = 1.0  # what a shard that was given up is left alone for
ORPHAN_S = 2.0  # a shard that nobody has taken for so long is taken by whoever sees it, whatever the shares say
REPEAT_S = 60.0  # how often a trouble that lasts is reported again


class Orders(Protocol):
    """What a runner asks its worker; `stream.worker.worker.Worker` answers."""

    url: str
    owner: str
    settings: Settings
    metrics: Metrics
    until_idle_s: float | None
    stopping: threading.Event
    start: Start

    def fail(self, error: BaseException) -> None:
        """End the worker with an error.

        Parameters
        ----------
        error : BaseException
            What the worker's `run` raises.
        """

    def claims(self, runner: ShardRunner, *, orphan: bool) -> bool:
        """Decide whether a free shard is to be taken.

        Parameters
        ----------
        runner : ShardRunner
            Of the shard.
        orphan : bool
            Whether nobody has taken it for long.

        Returns
        -------
        bool
            Whether this runner may try.
        """

    def gives_up(self, runner: ShardRunner) -> bool:
        """Decide whether a shard is to be left to another worker.

        Parameters
        ----------
        runner : ShardRunner
            Of the shard.

        Returns
        -------
        bool
            True while this worker has more than its share.
        """

    def look_at_policy(self, client: redis.Redis) -> None:
        """Warn if the server may throw keys away.

        Parameters
        ----------
        client : redis.Redis
            Connection to the shard's server.
        """


class ShardRunner:
    """Work on one shard until the worker is asked to stop.

    Parameters
    ----------
    worker : Orders
        Says when to stop, what to do, and which shards are its part.
    keys : ShardKeys
        The shard.

    Attributes
    ----------
    owned : bool
        Whether this worker owns the shard and has restored its state.
    claimed : bool
        The same, or on the way there: it counts when shards are shared out.
    idle : bool
        Whether nothing has come for the worker's `until_idle_s` and all is committed.
    kept_among : frozenset of str or None
        Set where the shard was taken beyond this worker's share because nobody else did: the workers that were alive
        then. While they are the same the shard is kept: none of them wants it.
    given_back : bool
        Whether `give_back` has done so.
    vitals : Vitals
        Of the thread.
    """

    def __init__(self, worker: Orders, keys: ShardKeys) -> None:
        self.owned = self.claimed = False
        self.idle = self.given_back = False
        self.kept_among: frozenset[str] | None = None
        self.vitals = health.Vitals(f"shard {keys.input}")
        self.thread = threading.Thread(target=self._run, name=f"shard {keys.input}", daemon=True)
        self._worker = worker
        self._keys = keys
        self._metrics = worker.metrics.shard(keys.input)
        self._quiet_since: float | None = None
        self._free_since: float | None = None
        self._others: bool | None = None  # whether another worker has it; None while nobody can say
        self._shard: Shard | None = None  # on the present connection
        self._acquired = False  # the same
        self._cursor = ""
        self._retry_s = 0.0
        self._said = ("", 0.0)  # the last trouble that was reported, and when

    def complaint(self) -> str:
        """Say what is wrong with the shard.

        Returns
        -------
        str
            One line; empty if all is well.
        """
        free_since = self._free_since
        if free_since is not None and not self.owned and (free_s := time.monotonic() - free_since) >= health.STALLED_S:
            return f"shard {self._keys.input}: without an owner for {free_s:.0f} s"
        return self.vitals.complaint()

    @property
    def state(self) -> ShardState:
        """Who owns the shard as far as is known; one that this worker is about to own counts as its own."""
        if self.claimed:
            return ShardState.OWNED
        if self._others is None:
            return ShardState.UNKNOWN
        return ShardState.ELSEWHERE if self._others else ShardState.UNOWNED

    def asked(self, answers: bool) -> None:
        """Take in whether the server has answered before the shard's own thread asks.

        Parameters
        ----------
        answers : bool
            Whether it has; if not, it is tried again.
        """
        self._metrics.answers(answers)
        if not answers:
            self._metrics.reconnecting()

    def give_back(self) -> None:
        """Give the shard back beside its own thread, which is in a step that does not end in time.

        Any thread may ask. If the server does not answer, the lease is left to expire.
        """
        try:
            if (shard := self._shard) is not None:
                shard.give_back()
            self.given_back = True
        except (redis.RedisError, OSError) as error:
            logger.debug("could not give %s back: %s", self._keys.input, type(error).__name__)

    def _run(self) -> None:
        self.vitals.attach()
        try:
            self._work()
        except BaseException as error:
            self._worker.fail(error)
        finally:
            self.vitals.detach()
            self._own(False)

    def _work(self) -> None:
        while not self._worker.stopping.is_set():
            try:
                self._connected()
            except (redis.RedisError, OSError) as error:
                self._others = None
                self._metrics.answers(self._count_refusal(error))
                if not is_passing(error, self._worker.url):
                    raise self._explain(error) from error
                self._wait_out(str(self._explain(error)))
                self._metrics.reconnecting()
            except ResamplerError as error:
                self._count_refusal(error)
                raise

    def _count_refusal(self, error: Exception) -> bool:
        """Count an error that is a refusal, and say whether it is one."""
        if refusal := refusal_of(error):
            self._metrics.refused(refusal)
        return refusal is not None

    def _explain(self, error: Exception) -> ResamplerError:
        if code_of(error) == "WRONGTYPE":
            with suppress(redis.RedisError, OSError), open_client(self._worker.url, self._keys.input) as client:
                if found := wrong_type(client, self._keys):
                    return found
        return explain(error, self._worker.url, keys=(self._keys.input,))

    def _wait_out(self, words: str) -> None:
        """Say once what is wrong, and wait longer each time until something is committed again."""
        self.vitals.trouble(words)
        limit_s = LAST_COMMIT_RETRY_S if self._acquired else LAST_RETRY_S
        self._retry_s = min(max(FIRST_RETRY_S, 2 * self._retry_s), limit_s)
        last, last_s = self._said
        if last != words or time.monotonic() - last_s >= REPEAT_S:
            self._said = words, time.monotonic()
            logger.warning("%s: %s; trying until it works", self._keys.input, words)
        self._sleep(self._retry_s)

    def _settled(self) -> None:
        """Nothing is due, or something was committed: only that ends a trouble."""
        if self._retry_s:
            logger.info("%s: going on", self._keys.input)
        self._retry_s = 0.0
        self._said = ("", 0.0)
        self.vitals.settled()

    def _sleep(self, seconds: float) -> bool:
        """Let seconds pass; return whether the worker was asked to stop."""
        deadline = time.monotonic() + seconds
        while True:
            self.vitals.beat()
            left = deadline - time.monotonic()
            if self._worker.stopping.wait(max(0.0, min(left, 1.0))):
                return True
            if left <= 1.0:
                return False

    def _own(self, owned: bool) -> None:
        self.owned = self.claimed = owned
        self._metrics.owned(owned)
        if not owned:
            self.idle = False
            self.kept_among = None

    def _connected(self) -> None:
        """Work on one connection until it breaks: behind a fail-over the next one leads to another server."""
        worker, until_idle_s = self._worker, self._worker.until_idle_s
        self._acquired = False
        client = open_client(worker.url, self._keys.input)
        if stored := Checkpoint.load(client, self._keys):  # not only once the shard is free
            stored.require_same_config(worker.settings.new_resampler(), self._keys, worker.settings.preset_in_words)
        self._metrics.answers(True)
        worker.look_at_policy(client)
        shard = self._shard = Shard(
            client,
            self._keys,
            worker.settings,
            worker.owner,
            self._metrics,
            # A job that ends when the stream is quiet can wait that long before it cuts a batch short.
            quiet_s=QUIET_S if until_idle_s is None else until_idle_s,
            sleep=self._sleep,
            is_alive=lambda: not self.vitals.hangs(),
        )
        try:
            while not worker.stopping.is_set():
                self._step(client, shard)
                self.vitals.beat()
        finally:
            self._own(False)
            _leave(shard)
            self._shard = None
            client.close()

    def _step(self, client: redis.Redis, shard: Shard) -> None:
        worker = self._worker
        try:
            if not self.owned:
                self._take(shard)
            if not self.owned:
                self._stand_by(client)
                self._settled()
            elif worker.gives_up(self):
                logger.info("%s: given up to another worker", self._keys.input)
                self._own(False)
                shard.release()
                self._sleep(HAND_OVER_S)
            else:
                shard.step()
                self.idle = worker.until_idle_s is not None and shard.idle_s >= worker.until_idle_s
                if shard.cursor != self._cursor:
                    worker.start.committed()
                if shard.nothing_due or shard.cursor != self._cursor:
                    self._cursor = shard.cursor
                    self._settled()
        except StoppedError as error:
            logger.info("%s", error)
        except (FencedError, MovedError) as error:
            if worker.stopping.is_set():  # it was given back meanwhile, by `give_back`
                return
            self._count_refusal(error)
            self._others = True if isinstance(error, FencedError) else None  # else nobody can say until it is asked
            self._own(False)
            shard.detach()
            self._wait_out(str(error))

    def _take(self, shard: Shard) -> None:
        """Take the shard if it is this worker's part, or if nobody else takes it."""
        self._others = not shard.is_free()
        if self._others:
            self._free_since = None
            return
        self._free_since = self._free_since or time.monotonic()
        orphan = time.monotonic() - self._free_since >= ORPHAN_S
        if not self._worker.claims(self, orphan=orphan):
            return
        self._free_since = None
        try:
            self._acquired = shard.acquire()
        finally:
            self._own(self._acquired)
        if self._acquired:
            self._cursor = self._cursor or shard.cursor

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
        self._sleep(STANDBY_S)


def _leave(shard: Shard) -> None:
    try:
        shard.release()
    except (FencedError, MovedError, redis.RedisError, OSError) as error:
        logger.debug("could not release the lease: %s", type(error).__name__)
