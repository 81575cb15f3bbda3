"""`Worker`: takes its share of a stream's shards, each on a thread of its own, and outlives what can be outlived."""

from __future__ import annotations

import gc
import logging
import math
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import redis

from resampler.bases import weigh
from resampler.buffer.minority import has_cells
from resampler.collector import without_collector
from resampler.compiling import keeps_kernels, must_compile, watch_compiler
from resampler.ending import leave
from resampler.errors import ResamplerError
from stream.metrics import Metrics
from stream.redis.connection import open_client, redact
from stream.redis.durability import KEEPS_ALL, eviction_policy
from stream.redis.errors import UnavailableError, explain, is_passing
from stream.redis.keys import maintenance_key, shard_keys, workers_key
from stream.shard.lease import owner_name
from stream.sharding import require_shards
from stream.warmup import READ, make, rules_of, warm
from stream.worker.companion import Companion
from stream.worker.health import Vitals
from stream.worker.membership import Membership
from stream.worker.runner import FIRST_RETRY_S, LAST_RETRY_S, ShardRunner
from stream.worker.start import Start
from stream.worker.waiting import waiting_formats

if TYPE_CHECKING:
    from stream.settings import Settings

logger = logging.getLogger(__name__)

REPORT_S = 0.5  # between two reports that this worker lives
GIVE_BACK_S = 0.5  # before a stop is due, shards are given back whose threads are in a step that may not end in time
SWITCH_S = 0.000_5  # then: how long a thread that compiles may keep the interpreter from those that give back


class Worker:
    """Resample a stream until asked to stop.

    Parameters
    ----------
    url : str
        The Redis server.
    stream : str
        Name of the stream.
    settings : Settings
        What to do.
    shards : int
        Number of input streams; the stream's first worker stores it, and any other number is refused.
    until_idle_s : float or None
        End once nothing has come for so long and all of it is committed. None: run until `stop`.
    start : Start, optional
        What its first commit is measured from; now, if not given.

    Examples
    --------
    >>> from resampler import FeatureSchema
    >>> from stream import EmbeddedServer, Settings
    >>> with EmbeddedServer() as server:
    ...     Worker(server.url, "demo", Settings(FeatureSchema.numeric(["a"])), until_idle_s=0.1).run()
    """

    def __init__(
        self,
        url: str,
        stream: str,
        settings: Settings,
        *,
        shards: int = 1,
        until_idle_s: float | None = None,
        start: Start | None = None,
    ) -> None:
        self.keys = shard_keys(stream, shards)
        self.metrics = Metrics(stream)
        self.url = url
        self.settings = settings
        self.until_idle_s = until_idle_s
        self.start = start or Start()
        self.owner = owner_name()
        self.stopping = threading.Event()
        self.members = frozenset({self.owner})
        self.share = 1
        self._deadline = math.inf
        self.begun = False  # whether there is anything to end in good order
        # Whether nothing else lives in this process. What is loaded before the first row, 200,000 objects, is then kept
        # from Python's cycle collector: a full collection in mid-stream would be a pause of 0.1 s.
        self.own_process = False
        self._workers_key = workers_key(stream)
        self._stream = stream
        self._vitals = Vitals("worker")
        self._sharing = threading.Lock()
        self._policies: set[str] = set()  # of the servers' memory, those warned of
        self._runners = [ShardRunner(self, keys) for keys in self.keys]
        self.metrics.introduce(settings, self.owner.rpartition(":")[2], _own_version())
        self.metrics.watch(lambda: [runner.state for runner in self._runners], self.hanging)
        self._window_ends_s = 0.0  # of maintenance, by the monotonic clock
        self._failure: BaseException | None = None

    def stop(self, within_s: float = math.inf) -> None:
        """Ask the worker to end; what is not committed stays in the input. Safe in a signal handler.

        Parameters
        ----------
        within_s : float
            How long `run` may wait for a server that does not answer; of several stops the earliest limit counts.
        """
        self._deadline = min(self._deadline, time.monotonic() + within_s)
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
        """Whether nothing is wrong; a worker that compiles, replays or waits for input is well."""
        return not self.complaints()

    @property
    def owned(self) -> int:
        """Number of shards owned now."""
        return sum(runner.owned for runner in self._runners)

    def complaints(self) -> list[str]:
        """Say what is wrong: what neither gets on nor commits, and shards without an owner.

        Returns
        -------
        list of str
            A line each; empty if all is well.
        """
        found = [self._vitals.complaint(), *(runner.complaint() for runner in self._runners)]
        return [complaint for complaint in found if complaint]

    def hanging(self) -> list[str]:
        """Say what would get on only if the worker were started again: threads that hang.

        Returns
        -------
        list of str
            A line each; empty where the worker compiles, replays, or waits for input or for a server.
        """
        found = [vitals.hanging() for vitals in (self._vitals, *(runner.vitals for runner in self._runners))]
        return [line for line in found if line]

    def claims(self, runner: ShardRunner, *, orphan: bool) -> bool:
        """Decide whether a shard that is free is to be taken.

        Parameters
        ----------
        runner : ShardRunner
            Of the shard; if it is to be taken, it counts from now on.
        orphan : bool
            Whether nobody has taken it for long.

        Returns
        -------
        bool
            True while this worker has less than its share, and for what nobody else takes.
        """
        with self._sharing:
            within_share = self._shared() < self.share
            if within_share or orphan:
                runner.claimed = True
                runner.kept_among = None if within_share else self.members
            return runner.claimed

    def gives_up(self, runner: ShardRunner) -> bool:
        """Decide whether a shard is to be left to another worker.

        Parameters
        ----------
        runner : ShardRunner
            Of the shard, which this worker owns; if it is to be left, it no longer counts.

        Returns
        -------
        bool
            True while this worker has more than its share, unless nobody else wanted the shard.
        """
        with self._sharing:
            if runner.kept_among == self.members or self._shared() <= self.share:
                return False
            runner.claimed = False
            return True

    def _shared(self) -> int:
        return sum(runner.claimed and runner.kept_among != self.members for runner in self._runners)

    def look_at_policy(self, client: redis.Redis) -> None:
        """Warn once if the server may throw keys away.

        Parameters
        ----------
        client : redis.Redis
            Connection to the server of a shard.
        """
        policy = eviction_policy(client)
        with self._sharing:
            if policy in (None, KEEPS_ALL, *self._policies):
                return
            self._policies.add(str(policy))
        logger.warning(
            "Redis at %s: maxmemory-policy %s deletes keys when memory is full, input and checkpoints among them: "
            "set it to noeviction",
            redact(self.url),
            policy,
        )

    def run(self) -> None:
        """Work until `stop`, or until idle. A server that is away, or loads its data, is waited for.

        Raises
        ------
        ResamplerError
            What a shard could not go on from: a gap, damaged state, other settings, another number of shards; a
            server that refuses the credentials; or one that was not there until `until_idle_s` was over.
        """
        self._vitals.attach()
        try:
            if not self._await_server():
                return
            self.start.ended("connection")
            with Companion() as companion:
                if self._warm(companion):
                    self._work()
        finally:
            self._vitals.detach()
        if self._failure:
            raise self._failure

    def _warm(self, companion: Companion) -> bool:
        """Have every kernel ready before a shard is taken; return False if asked to stop before that.

        It takes a thread of its own, since nothing interrupts the compiler: a stop does not wait for it.
        """
        failed: list[BaseException] = []
        ended = threading.Event()  # a `join` that a signal ends by an exception would take the thread for ended

        def have_ready() -> None:
            self._vitals.attach()
            try:
                self._have_kernels(companion)
            except BaseException as error:
                failed.append(error)
            finally:
                ended.set()

        thread = threading.Thread(target=have_ready, name="kernels", daemon=True)
        leave([thread])  # before it begins: a signal may end this at any time
        thread.start()
        while not (ended.wait(0.05) or self.stopping.is_set()):
            pass
        self._vitals.attach()  # this thread again
        if failed:
            raise failed[0]
        return not self.stopping.is_set()

    def _have_kernels(self, companion: Companion) -> None:
        """Load every kernel, or compile it; on a new machine the companion helps."""
        given = self.settings
        weighed = len(weigh(given.strategy, given.k_neighbors, clean=given.clean)) > 0
        nullable, kept = rules_of(given.schema)
        cells = not given.hardens and has_cells(given.capacity, given.schema.n_features, nullable=nullable)
        formats, compiled, shared = READ, must_compile(), False
        if compiled and keeps_kernels() and not self.stopping.is_set():
            formats = waiting_formats(self.url, self.keys, given)
            rules = {"nullable": nullable, "kept": kept, "cells": cells, "weighed": weighed, "hardens": given.hardens}
            companion.begin(formats, **rules)
            shared = cells and not (nullable or kept or weighed)
        with without_collector(), watch_compiler() as watch:
            if shared:
                make()
            warm(schema=given.schema, cells=cells, clean=weighed, hardens=given.hardens, formats=formats)
        spared = ", which were compiled (`resampler warmup` beforehand spares that)" if compiled or watch.done else ""
        self.start.ended(f"kernels{spared}")

    def _await_server(self) -> bool:
        """Connect, and claim the stream's number of shards; return False if asked to stop before that."""
        started, pause_s, said = time.monotonic(), FIRST_RETRY_S, ""
        while not self.stopping.is_set():
            self._vitals.beat()
            try:
                require_shards(self.url, self._stream, len(self.keys), claim=True)
            except (redis.RedisError, OSError, UnavailableError) as caught:
                error = explain(caught, self.url, server=redact(self.url))
                if not isinstance(error, UnavailableError):
                    raise error from caught
                # What a server that can be read holds is not idle, although it takes no write.
                if (
                    self.until_idle_s is not None
                    and not error.reads
                    and time.monotonic() - started >= self.until_idle_s
                ):
                    raise error from caught
            else:
                self._vitals.settled()
                self._asked(True)
                return True
            if str(error) != said:
                said = str(error)
                logger.warning("%s; waiting for it", said)
            self._vitals.trouble(said)
            self._asked(error.reads)
            self.stopping.wait(pause_s)
            pause_s = min(2 * pause_s, LAST_RETRY_S)
        return False

    def _asked(self, answers: bool) -> None:
        for runner in self._runners:
            runner.asked(answers)

    def _work(self) -> None:
        if self.own_process:
            gc.freeze()
        reporter = threading.Thread(target=self._report, name="membership", daemon=True)
        self.begun = True
        try:
            for runner in self._runners:
                runner.thread.start()
            reporter.start()
            while not self.stopping.wait(0.02):
                self._vitals.beat()
                if self.until_idle_s is not None and all(runner.idle for runner in self._runners):
                    self.stopping.set()
        finally:
            self.stopping.set()
            self._end(reporter)

    def _end(self, reporter: threading.Thread) -> None:
        """Wait for the threads; give back the shards of those that are in a step for too long, as in the compiler."""
        threads = [*(runner.thread for runner in self._runners), reporter]
        leave(threads)
        self._join(threads, GIVE_BACK_S)
        if busy := [runner for runner in self._runners if runner.thread.is_alive()]:
            if self.own_process:
                sys.setswitchinterval(SWITCH_S)
            giving = [threading.Thread(target=runner.give_back, name="end", daemon=True) for runner in busy]
            for thread in giving:
                thread.start()
            leave(giving)
            self._join(giving)
            busy = [runner for runner in busy if runner.thread.is_alive()]
        self._join([reporter])
        kept = [runner.thread for runner in busy if not runner.given_back] + [reporter] * reporter.is_alive()
        if kept:  # the thread dies with the process, the lease expires
            raise ResamplerError(
                f"{kept[0].name} does not end in time, as Redis does not answer or the machine is busy: left at "
                "once, what is not committed stays in the input"
            )
        if busy:
            logger.warning(
                "asked to stop: %d of %d shards were in a step that does not end in time, such as a kernel that is "
                "compiled: given back, what is not committed stays in the input",
                len(busy),
                len(self._runners),
            )

    def _join(self, threads: list[threading.Thread], left_s: float = 0.0) -> None:
        """Wait until the threads have ended or no more than `left_s` is left, by a limit that may still be set."""
        for thread in threads:
            while thread.is_alive() and time.monotonic() < self._deadline - left_s:
                self._vitals.beat()
                thread.join(0.05)

    def _report(self) -> None:
        """Report that this worker lives, and work out how many shards are its part, until asked to stop."""
        client, said = None, ""
        while not self.stopping.is_set():
            try:
                client = client or open_client(self.url, self._workers_key)
                self._look_for_maintenance(client)  # also of a server that takes no writes
                self._share_out(Membership(client, self._workers_key, self.owner).report())
                said = ""
            except (redis.RedisError, OSError) as error:
                client = None
                # Of a server that is away, as in most windows, what it said last holds, and no longer than it said.
                self.metrics.maintenance(time.monotonic() < self._window_ends_s)
                if not is_passing(error, self.url):  # an absent server is the runners' to report
                    self._share_out(frozenset({self.owner}))
                    words = str(explain(error, self.url, keys=(self._workers_key,)))
                    if words != said:
                        logger.warning(
                            "%s. Shards are not shared out with other workers: each takes what is free", words
                        )
                    said = words
            self.stopping.wait(REPORT_S)
        try:
            if client is not None:
                Membership(client, self._workers_key, self.owner).leave()
                client.close()
        except (redis.RedisError, OSError) as error:
            logger.debug("could not sign off: %s", type(error).__name__)

    def _look_for_maintenance(self, client: redis.Redis) -> None:
        try:
            left_ms = client.pttl(maintenance_key(self._stream))
        except redis.ResponseError:  # not permitted to ask
            left_ms = 0
        self.metrics.maintenance(left_ms > 0)  # what never ends is no window
        self._window_ends_s = time.monotonic() + max(0, left_ms) / 1_000

    def _share_out(self, members: frozenset[str]) -> None:
        with self._sharing:
            self.members = members
            self.share = -(-len(self.keys) // max(1, len(members)))


def _own_version() -> str:
    try:
        return version("feast-resampler")
    except PackageNotFoundError:  # a checkout that was not installed
        return "unknown"
