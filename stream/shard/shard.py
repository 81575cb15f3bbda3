"""`Shard`: one input stream, read, resampled and committed by its one owner."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from resampler.errors import ResamplerError
from stream.commands.deadletters import letter
from stream.formats import Decoder
from stream.kernels.cut import cut
from stream.redis.entryid import id_pair
from stream.shard import limits
from stream.shard.admission import Admission
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import (
    Commit,
    Committed,
    Committer,
    FencedError,
    GapError,
    MovedError,
    gap_error,
    lost_output_error,
)
from stream.shard.feedplace import FeedPlace
from stream.shard.forget import Forgotten, is_reached, row_id_of
from stream.shard.heartbeat import Heartbeat
from stream.shard.lease import Lease
from stream.shard.limits import ServerLimits
from stream.shard.outputs import output_entries
from stream.shard.pending import Pending
from stream.shard.position import input_info
from stream.shard.restore import Restorer
from stream.shard.snapshot import add_snapshot
from stream.shard.source import FIRST_CHUNK_ENTRIES, Source, next_count

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from numpy.typing import NDArray

    from resampler.online import OnlineResampler
    from stream.metrics import ShardMetrics
    from stream.redis.entries import Entries
    from stream.redis.keys import ShardKeys
    from stream.settings import Settings

logger = logging.getLogger(__name__)

IDLE_BLOCK_MS = 200  # longest wait in one read: what a stop request can be late by
# An entry whose ID is older than this when it is read bears an ID of the producer's own making, or had to wait for a
# worker: the server's clock says nothing about what may still follow it.
STALE_MS = 1_000
QUIET_S = 1.0
CHECK_S = 1.0  # how often a quiet stream is examined, and its lag measured
MEASURE_S = 30.0  # how often the buffers are measured, at most
MEASURE_SHARE = 0.01  # of the time, at most
MAX_FORGET_ROWS = 1_000


class StoppedError(ResamplerError):
    """Raise when a worker is told to end while it restores its state; nothing was written."""


class Shard:
    """The state machine of one shard: acquire, then step after step.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    settings : Settings
        What the worker was told.
    owner : str
        Name of this worker.
    metrics : ShardMetrics
        Where to count.
    quiet_s : float
        Where producers set IDs of their own: how long nothing must come before a part-filled batch is written.
    clock : callable
        Monotonic seconds.
    sleep : callable
        Lets seconds pass; returns true when the worker was told to end.
    is_alive : callable
        As of `Heartbeat`, which keeps the lease while a step is long.

    Notes
    -----
    An output entry holds the rows of consecutive input entries whose IDs fall in the same `linger_ms`
    milliseconds, at most `batch_rows` of them, and bears the ID of the last one. That is a function of the input
    alone: timing, crashes and the number of workers change no byte. It is written once nothing can join it: a later
    entry was read, or the server's clock has passed those milliseconds and nothing more had come. Where producers set
    IDs of their own the clock proves nothing, and a quiet spell of `quiet_s` has to do.

    After any doubt (a lost connection, another cursor than expected) all state is dropped and loaded again, so
    there is one way to recover, the one that a fresh start takes.
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
        self._client = client
        self._settings = settings
        self._metrics = metrics
        self._quiet_s = quiet_s
        self._clock = clock
        self._sleep = sleep
        self._lease = Lease(client, keys, owner, settings.lease_ttl_ms)
        self._is_alive = is_alive
        self._heartbeat: Heartbeat | None = None
        self._decoder = Decoder(settings.schema, settings.input_format)
        self._source: Source | None = None
        self._committer: Committer | None = None
        self._reset(settings.new_resampler(), Checkpoint("0-0"))

    def _reset(self, resampler: OnlineResampler, checkpoint: Checkpoint) -> None:
        self._resampler = resampler
        self._checkpoint = checkpoint
        self._admission = Admission(self._settings, resampler.stats().real)
        self._pending: Pending | None = None
        self._behind = True  # whether the last read came back full
        self._forget_requests = 0
        self._next_measure = 0.0
        self._sent: tuple[Commit, Callable[[float, float], object], float, float] | None = None
        self._snapshot_entries = checkpoint.entries  # up to the newest snapshot
        self._gone = self._gone_at_snapshot = 0  # entries of the input that are no longer there, whoever trimmed them
        self._paused = False  # whether the slowest feed is waited for
        self._last_arrival = self._quiet_since = self._asked = self._last_check = self._clock()

    @property
    def idle_s(self) -> float:
        """Seconds for which nothing was found to come in; 0 while something waits to be committed."""
        return 0.0 if self._pending or self._behind else self._asked - self._quiet_since

    @property
    def cursor(self) -> str:
        """ID of the last input entry whose commit is known to have succeeded."""
        return self._checkpoint.cursor

    @property
    def nothing_due(self) -> bool:
        """Whether there is nothing that a commit is being tried for: all is committed, or a slow feed is waited for."""
        return self._paused or not (self._pending or self._behind or self._sent)

    def is_free(self) -> bool:
        """Tell whether no other worker owns the shard.

        Returns
        -------
        bool
            As `Lease.is_free`.
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
            If the worker was told to end meanwhile.
        ResamplerError
            If the stream was begun with other settings, or its state is damaged.
        """
        self.detach()
        if not self._lease.acquire():
            return False
        self._heartbeat = Heartbeat(self._lease, self.keys.input, self._is_alive)
        self._load()
        return True

    def release(self) -> None:
        """Give the shard back; what is not committed stays in the input."""
        self._settle()
        self.detach()
        self._lease.release()

    def detach(self) -> None:
        """Close the connections and leave the lease to expire."""
        self._sent = None
        if self._heartbeat is not None:
            self._heartbeat.stop()
            self._heartbeat = None
        if self._source is not None:
            self._source.close()
            self._source = None
        if self._committer is not None:
            self._committer.close()
            self._committer = None

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
        self._require_lease()
        if self._clock() - self._last_check > CHECK_S:
            self._check()
        if self._forget_requests:
            self._settle()
            self._forget()
        self._paused = self._held_back()
        if self._paused:
            self._settle()  # what was sent before may have to be sent again
            self._sleep(IDLE_BLOCK_MS / 1_000)
            return
        complete_until_ms = self._read()
        if self._pending is not None:
            self._commit_closed(*self._close(self._pending, complete_until_ms))
        if not self._behind:
            self._settle()
            if self._is_overtaken(self._checkpoint.entries):  # the commit itself told how much has gone by now
                self._commit_snapshot()

    # -- loading

    def _load(self) -> None:
        restored = Restorer(self._client, self.keys, self._settings, self._replayed, self._clock).restore(
            self._lease.holder
        )
        stored = restored.checkpoint
        self._reset(restored.resampler, stored)
        self._snapshot_entries = restored.snapshot_entries
        self._source = Source(self._client, self.keys.input, stored.cursor, FIRST_CHUNK_ENTRIES, self._clock)
        self._committer = Committer(
            self._client,
            self.keys,
            self._lease,
            allow_gap=self._settings.allow_gap,
            trim=self._settings.trim,
            limits=ServerLimits.read(self._client),
        )
        self._check()
        stored.formats = self._settings.formats
        if restored.passed:
            logger.warning("%s: %s: a snapshot is taken now", self.keys.input, restored.passed)
            stored.count(self._resampler.stats())
            self._commit_snapshot()

    def _replayed(self, rows: int) -> None:
        self._metrics.replayed(rows)
        if self._sleep(0):
            raise StoppedError(f"told to end while {self.keys.input!r} was replayed")
        self._require_lease()

    # -- reading

    def _read(self) -> int:
        """Append what has come to `_pending`; return the time up to which nothing is missing."""
        source = self._source
        assert source is not None  # noqa: S101 - a step comes after `acquire`
        block_ms = IDLE_BLOCK_MS
        if self._behind:
            block_ms = 0
        elif self._pending is not None:
            wait_ms = self._window_end(self._pending) - source.server_ms()
            if -STALE_MS <= wait_ms <= self._settings.linger_ms:
                # One read when the window has passed, not one for each arrival.
                self._sleep(max(wait_ms, 0) / 1_000)
                block_ms = 0
        self._asked = self._clock()
        entries, self._behind, complete_until_ms = source.read(block_ms)
        if len(entries):
            self._last_arrival = self._clock()
            read = self._decode(entries)
            source.count = next_count(source.count, entries, read)
            self._pending = self._pending.followed_by(read) if self._pending else read
            # Not when they came: much may have come since, while a first decoding waited for the compiler.
            self._quiet_since = self._clock()
        return complete_until_ms

    def _decode(self, entries: Entries) -> Pending:
        return Pending.of(entries, self._admission.admit(entries, self._decoder.decode(entries)))

    def _window_end(self, pending: Pending) -> int:
        linger_ms = self._settings.linger_ms
        return (int(pending.ms[-1]) // linger_ms + 1) * linger_ms

    def _close(self, pending: Pending, complete_until_ms: int) -> tuple[int, NDArray[np.int64]]:
        """Return how many entries stand in batches that nothing can join, and where those batches stop."""
        stops = np.empty(pending.n_entries, dtype=np.int64)
        stops = stops[: cut(pending.ms, pending.n_rows, self._settings.linger_ms, self._settings.batch_rows, stops)]
        passed = 0 <= complete_until_ms - self._window_end(pending) <= STALE_MS
        # What came after the last question was asked is not known of: the spell ends with the question.
        quiet = not self._behind and self._asked - self._quiet_since >= self._quiet_s
        if not (passed or quiet):
            stops = stops[:-1]
        return (int(stops[-1]) if len(stops) else 0), stops

    # -- writing

    def _commit_closed(self, closed: int, stops: NDArray[np.int64]) -> None:
        """Commit the first `closed` pending entries, in as many commits as their output may need."""
        row_bytes = self._settings.output_size.bytes_behind_row(self._settings.output_format)
        while closed and (pending := self._pending) is not None:
            sizes = np.cumsum(row_bytes * pending.n_rows + pending.reject_bytes())[stops[stops <= closed] - 1]
            n_batches = max(1, int(np.searchsorted(sizes, limits.COMMIT_BYTES, side="right")))
            n = int(stops[n_batches - 1])
            batch, self._pending = pending.split(n)
            self._commit(batch, stops[:n_batches])
            closed, stops = closed - n, stops[n_batches:] - n

    def _commit(self, closed: Pending, stops: NDArray[np.int64]) -> None:
        if self._settings.allow_gap:  # a gap is passed with a snapshot of the state behind it, and of none later
            self._settle()
        batch, starts = self._resampler.process_traced(closed.rows.X, closed.rows.y, closed.row_ids())
        outputs = output_entries(closed, stops, batch, starts, self._settings.schema, self._settings.output_format)
        dead_letters = [(closed.id(reject.entry), letter(reject)) for reject in closed.rows.rejects]
        self._settle()
        if self._source is not None:
            self._source.fetch()
        stored, stats = self._checkpoint, self._resampler.stats()
        commit = Commit(
            stored.cursor,
            closed.id(-1),
            stored.entries + closed.n_entries,
            outputs,
            dead_letters,
            emitted_before=stored.emitted,
        )
        stored.rows += len(closed.rows.y)
        stored.synthetic += batch.n_synthetic
        stored.emitted += len(batch)
        stored.rejected += sum(reject.n_rows for reject in closed.rows.rejects)
        stored.count(stats)
        if stored.read - stored.snapshot_rows >= self._settings.snapshot_rows or self._is_overtaken(commit.entries):
            self._add_snapshot(commit)
        self._send(commit, partial(self._metrics.committed, batch, closed.rows.rejects, stats))

    def _is_overtaken(self, entries: int) -> bool:
        """Tell whether somebody else trims the input, and more was read since the snapshot than may still go.

        A replay from the snapshot is impossible once an entry behind it has gone.
        """
        may_go = self._snapshot_entries - self._gone
        return self._gone > self._gone_at_snapshot and entries - self._snapshot_entries > may_go

    def _send(self, commit: Commit, report: Callable[[float, float], object]) -> None:
        """Send a commit; while there is a backlog the server works at it beside the next read and decoding."""
        assert self._committer is not None  # noqa: S101 - comes with `_load`
        commit.checkpoint = self._checkpoint.counters()
        started = self._clock()
        self._committer.send(commit)
        self._sent = commit, report, started, self._last_arrival  # if it could not be sent, nothing is to be received

    def _settle(self) -> None:
        """Take in the outcome of the commit that was sent, if there is one."""
        if self._sent is None:
            return
        assert self._committer is not None  # noqa: S101 - comes with `_load`
        commit, report, sent, arrived = self._sent
        self._sent = None
        done = self._outcome(commit)
        now = self._clock()
        report(now - sent, now - arrived)
        self._checkpoint.cursor = commit.stop
        self._checkpoint.entries = commit.entries + done.lost
        self._checkpoint.start_entries += min(0, done.lost)
        self._forget_requests = done.forget_requests
        self._gone = done.gone
        if commit.snapshot:
            self._snapshot_entries, self._gone_at_snapshot = self._checkpoint.entries, self._gone

    def _outcome(self, commit: Commit) -> Committed:
        """Take in the outcome; a gap that may be passed is recorded with a snapshot in the same commit."""
        assert self._committer is not None  # noqa: S101 - comes with `_load`
        try:
            return self._committer.receive()
        except GapError as error:
            if not self._settings.allow_gap:
                raise
            logger.warning("%s: passed over, as allowed: %s", self.keys.input, error)
        self._add_snapshot(commit)
        commit.checkpoint = self._checkpoint.counters()
        return self._committer.write(commit)

    def _add_snapshot(self, commit: Commit) -> None:
        self._checkpoint.snapshot_rows = self._checkpoint.read
        add_snapshot(commit, self._resampler, self._client, self.keys, self._lease.holder)

    def _commit_snapshot(self, forgotten: list[bytes] | None = None, record: str = "") -> None:
        """Replace the snapshot where the cursor stands."""
        stored = self._checkpoint
        commit = Commit(
            stored.cursor,
            stored.cursor,
            stored.entries,
            forgotten=forgotten or [],
            record=record,
            emitted_before=stored.emitted,
        )
        self._add_snapshot(commit)
        self._send(commit, lambda *_: None)
        self._settle()

    # -- housekeeping

    def _forget(self) -> None:
        """Carry out requests to forget: the rows leave, and a snapshot without them replaces the one that had them."""
        requests: list[bytes] = self._client.srandmember(self.keys.forget, MAX_FORGET_ROWS)  # type: ignore[assignment]
        reached = [member for member in requests if is_reached(member.decode(), self._checkpoint.cursor)]
        self._forget_requests = 0  # those not reached yet come up again with the next commit
        if not reached:
            return
        row_ids = dict.fromkeys(row_id_of(member.decode()) for member in reached)
        record = Forgotten(self._checkpoint.cursor, {row_id: self._resampler.forget([row_id]) for row_id in row_ids})
        self._checkpoint.count(self._resampler.stats())
        self._commit_snapshot(reached, record.dump())
        held = sum(map(bool, record.held.values()))
        logger.info("%s: of %d rows to be forgotten %d were in the buffers", self.keys.input, len(row_ids), held)

    def _require_lease(self) -> None:
        """Leave a shard that is another's by now without waiting for the commit script to say so."""
        if self._heartbeat is not None and self._heartbeat.lost:
            raise FencedError(f"shard {self.keys.input!r} is owned by another worker by now: leave it to that one")

    def _check(self) -> None:
        """Measure the lag, and notice streams that were deleted, renamed or put back to an older state."""
        self._settle()
        self._last_check = self._clock()
        stored, info = self._checkpoint, input_info(self._client, self.keys.input)
        began = stored.entries > stored.start_entries  # a start may lie in the future
        replaced = info.entries_added < stored.entries or (began and id_pair(info.last_id) < id_pair(stored.cursor))
        deleted = stored.emitted > 0 and not self._client.exists(self.keys.output)
        if (replaced or deleted) and not self._settings.allow_gap:
            now = Checkpoint.load(self._client, self.keys)
            if now is None or now.cursor != stored.cursor:  # the server as a whole went back, and the cursor with it
                raise MovedError(f"shard {self.keys.input!r} stands no longer at {stored.cursor!r}: load it again")
            raise gap_error(self.keys, stored.cursor, -1) if replaced else lost_output_error(self.keys, stored.emitted)
        read = max(1, stored.entries - stored.start_entries)
        rows_per_entry = max(1.0, (stored.rows + stored.rejected) / read)
        # On a quiet stream no commit tells of these.
        self._forget_requests = int(self._client.scard(self.keys.forget))
        self._gone = info.entries_added - info.length
        self._metrics.lag(max(0, info.entries_added - stored.entries) * rows_per_entry)
        if stored.rows and self._last_check >= self._next_measure:
            self._metrics.measured(self._resampler.buffer_stats())
            took = self._clock() - self._last_check
            self._next_measure = self._clock() + max(MEASURE_S, took / MEASURE_SHARE)

    def _held_back(self) -> bool:
        """Tell whether the slowest feed is too far behind what was written."""
        limit = self._settings.max_lag_rows
        if limit is None:
            return False
        stored: list[bytes] = self._client.hvals(self.keys.feeds)  # type: ignore[assignment]
        places = [FeedPlace.parse(value).rows for value in stored]
        return bool(places) and self._checkpoint.emitted - min(places) > limit
