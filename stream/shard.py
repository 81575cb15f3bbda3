"""`Shard`: one input stream, read, resampled and committed by its one owner."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from resampler.errors import CorruptStateError, ResamplerError
from resampler.online import OnlineResampler
from stream import identity
from stream.checkpoint import Checkpoint
from stream.codec import ClassLimit, Decoder, OutputFormat, encode_output
from stream.commit import Commit, Committer, FencedError, GapError, MovedError
from stream.deadletters import letter
from stream.feedplace import FeedPlace
from stream.heartbeat import Heartbeat
from stream.kernels.cut import cut
from stream.lease import Lease
from stream.pending import Pending
from stream.position import input_info, start_position
from stream.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from numpy.typing import NDArray

    from resampler.provenance import MicroBatch
    from stream.entries import Entries
    from stream.keys import ShardKeys
    from stream.metrics import ShardMetrics
    from stream.settings import Settings

logger = logging.getLogger(__name__)

CHUNK_ROWS = 8_192  # what one read aims at: several output entries, so that a backlog costs few round trips
MAX_CHUNK_ENTRIES = 8_192
CHUNK_BYTES = 16 << 20  # and at most, as far as the entries before can tell
FIRST_CHUNK_ENTRIES = 16  # until it is known how many rows an entry holds
IDLE_BLOCK_MS = 200  # longest wait in one read: what a stop request can be late by
# An entry whose ID is older than this when it is read bears an ID of the producer's own making, or had to wait for a
# worker: the server's clock says nothing about what may still follow it.
STALE_MS = 1_000
QUIET_S = 1.0
CHECK_S = 1.0  # how often a quiet stream is examined, and its lag measured
MEASURE_S = 30.0  # how often the buffers are measured, at most
MEASURE_SHARE = 0.01  # of the time, at most
MAX_FORGET_ROWS = 1_000
TEXT_NUMBER_BITS = 20


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
        self._classes = ClassLimit(resampler.stats().real)
        self._pending: Pending | None = None
        self._behind = True  # whether the last read came back full
        self._forget_requests = 0
        self._next_measure = 0.0
        self._sent: tuple[Commit, Callable[[float, float], object], float, float] | None = None
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
        self._paused = self._held_back()
        if self._paused:
            self._settle()  # what was sent before may have to be sent again
            self._sleep(IDLE_BLOCK_MS / 1_000)
            return
        if self._forget_requests:
            self._settle()
            self._forget()
        complete_until_ms = self._read()
        if self._pending is not None:
            closed, stops = self._close(self._pending, complete_until_ms)
            if closed:
                batch, self._pending = self._pending.split(closed)
                self._commit(batch, stops)
        if not self._behind:
            self._settle()

    # -- loading

    def _load(self) -> None:
        stored = Checkpoint.load(self._client, self.keys) or self._begin()
        stored.require_same_config(self._settings.new_resampler(), self.keys)
        resampler, position, entries = self._load_snapshot(stored)
        self._reset(resampler, stored)
        self._replay(position, stored.cursor, stored.entries - entries)
        self._source = Source(self._client, self.keys.input, stored.cursor, FIRST_CHUNK_ENTRIES, self._clock)
        self._committer = Committer(
            self._client, self.keys, self._lease, allow_gap=self._settings.allow_gap, trim=self._settings.trim
        )
        self._forget_requests = int(self._client.scard(self.keys.forget))
        self._check()

    def _begin(self) -> Checkpoint:
        cursor, entries = start_position(self._client, self.keys.input, self._settings.start_id())
        first = Checkpoint.begin(self._settings.new_resampler(), cursor, entries)
        first.write(self._client, self.keys, self._lease.holder)
        return first

    def _load_snapshot(self, stored: Checkpoint) -> tuple[OnlineResampler, str, int]:
        fields: dict[bytes, bytes] = self._client.hgetall(self.keys.snapshot)  # type: ignore[assignment]
        if not fields:
            return self._settings.new_resampler(), stored.start, stored.start_entries
        try:
            resampler = OnlineResampler.from_bytes(fields[b"state"])
            return resampler, fields[b"cursor"].decode(), int(fields[b"entries"])
        except KeyError as error:
            raise CorruptStateError(
                f"snapshot {self.keys.snapshot!r} lacks {error}: restore it from a backup, or delete it to replay all"
            ) from error

    def _replay(self, position: str, cursor: str, expected: int) -> None:
        """Pass the entries behind `position` up to `cursor` through the resampler; their output is written already."""
        source = Source(self._client, self.keys.input, position, FIRST_CHUNK_ENTRIES, self._clock)
        seen, started = 0, self._clock()
        try:
            while True:
                entries = source.read().entries.up_to(cursor)
                if not len(entries):
                    break
                pending = self._decode(entries)
                self._resampler.process(pending.rows.X, pending.rows.y, pending.row_ids())
                self._metrics.replayed(len(pending.rows.y))
                seen += len(entries)
                source.count = _next_count(source.count, entries, pending)
                if self._sleep(0):
                    raise StoppedError(f"told to end while {self.keys.input!r} was replayed")
                self._require_lease()
        finally:
            source.close()
        if seen < expected and not self._settings.allow_gap:
            raise GapError(
                f"{expected} entries of {self.keys.input!r} up to {cursor} must be replayed to restore the state, "
                f"{seen} are left: restore them, or pass --allow-gap to go on with a state that lacks them"
            )
        if seen:
            logger.info("%s: replayed %d entries in %.2f s", self.keys.input, seen, self._clock() - started)

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
            source.count = _next_count(source.count, entries, read)
            self._pending = self._pending.followed_by(read) if self._pending else read
            # Not when they came: much may have come since, while a first decoding waited for the compiler.
            self._quiet_since = self._clock()
        return complete_until_ms

    def _decode(self, entries: Entries) -> Pending:
        return Pending.of(entries, self._classes.admit(entries, self._decoder.decode(entries)))

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

    def _commit(self, closed: Pending, stops: NDArray[np.int64]) -> None:
        batch, starts = self._resampler.process_traced(closed.rows.X, closed.rows.y, closed.row_ids())
        outputs = self._outputs(closed, stops, batch, starts)
        dead_letters = [(closed.id(reject.entry), letter(reject)) for reject in closed.rows.rejects]
        self._settle()
        if self._source is not None:
            self._source.fetch()
        stored, stats = self._checkpoint, self._resampler.stats()
        commit = Commit(stored.cursor, closed.id(-1), stored.entries + closed.n_entries, outputs, dead_letters)
        stored.rows += len(closed.rows.y)
        stored.synthetic += batch.n_synthetic
        stored.emitted += len(batch)
        stored.rejected += sum(reject.n_rows for reject in closed.rows.rejects)
        stored.count(stats)
        if stored.rows - stored.snapshot_rows >= self._settings.snapshot_rows:
            self._add_snapshot(commit)
        self._send(commit, partial(self._metrics.committed, batch, closed.rows.rejects, stats))

    def _outputs(
        self, closed: Pending, stops: NDArray[np.int64], batch: MicroBatch, starts: NDArray[np.int64]
    ) -> list[tuple[str, list[bytes]]]:
        """Cut the rows into output entries, each under the ID of the last input entry that it holds rows of."""
        bounds = starts[np.searchsorted(closed.rows.entry, stops)]
        outputs = []
        first = 0
        for stop, last in zip(stops.tolist(), bounds.tolist(), strict=True):
            if last == first:  # every row was rejected, or left out by under-sampling
                continue
            if self._settings.output_format is OutputFormat.TEXT:
                outputs += self._text_outputs(closed, batch, starts, first, last)
            else:
                items = encode_output(batch, self._settings.schema, self._settings.output_format, first, last)
                outputs.append((closed.id(stop - 1), items))
            first = last
        return outputs

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
        done = self._committer.receive()
        now = self._clock()
        report(now - sent, now - arrived)
        self._checkpoint.cursor = commit.stop
        self._checkpoint.entries = commit.entries + done.lost
        self._forget_requests = done.forget_requests
        if done.lost:
            logger.warning("%s: %d entries were trimmed before they were read", self.keys.input, done.lost)

    def _add_snapshot(self, commit: Commit) -> None:
        self._checkpoint.snapshot_rows = self._checkpoint.rows
        commit.snapshot = {"state": self._resampler.to_bytes(), "config": self._resampler.config_hash}

    def _text_outputs(
        self, closed: Pending, batch: MicroBatch, starts: NDArray[np.int64], first: int, last: int
    ) -> list[tuple[str, list[bytes]]]:
        """Write a row per entry; rows that one input entry caused are numbered in the low bits of the sequence."""
        owners = closed.rows.entry[np.searchsorted(starts, np.arange(first, last), side="right") - 1]
        outputs = []
        entry, number = -1, 0
        for i, owner in enumerate(owners.tolist(), start=first):
            entry, number = owner, number + 1 if owner == entry else 0
            output_id = f"{closed.ms[entry]}-{(int(closed.seq[entry]) << TEXT_NUMBER_BITS) + number}"
            items = encode_output(batch, self._settings.schema, OutputFormat.TEXT, i, i + 1)
            outputs.append((output_id, items))
        return outputs

    # -- housekeeping

    def _forget(self) -> None:
        """Carry out requests to forget: the rows leave, and a snapshot without them replaces the one that had them."""
        requests: list[bytes] = self._client.srandmember(self.keys.forget, MAX_FORGET_ROWS)  # type: ignore[assignment]
        cursor = _id_pair(self._checkpoint.cursor)
        reached = [request for request in requests if _id_pair(identity.decode(int(request))) <= cursor]
        self._forget_requests = 0  # those not reached yet come up again with the next commit
        if not reached:
            return
        gone = self._resampler.forget([int(request) for request in reached])
        stored = self._checkpoint
        stored.count(self._resampler.stats())
        commit = Commit(stored.cursor, stored.cursor, stored.entries, forgotten=reached)
        self._add_snapshot(commit)
        self._send(commit, lambda *_: None)
        self._settle()
        logger.info("%s: forgot %d rows, %d of them in the buffers", self.keys.input, len(reached), gone)

    def _require_lease(self) -> None:
        """Leave a shard that is another's by now without waiting for the commit script to say so."""
        if self._heartbeat is not None and self._heartbeat.lost:
            raise FencedError(f"shard {self.keys.input!r} is owned by another worker by now: leave it to that one")

    def _check(self) -> None:
        """Measure the lag, and notice an input stream that was deleted or put back to an older state."""
        self._last_check = self._clock()
        stored, info = self._checkpoint, input_info(self._client, self.keys.input)
        if _id_pair(info.last_id) < _id_pair(stored.cursor) and stored.entries > 0 and not self._settings.allow_gap:
            now = Checkpoint.load(self._client, self.keys)
            if now is None or now.cursor != stored.cursor:  # the server as a whole went back, and the cursor with it
                raise MovedError(f"shard {self.keys.input!r} stands no longer at {stored.cursor!r}: load it again")
            raise GapError(
                f"input stream {self.keys.input!r} ends at {info.last_id}, before the cursor {stored.cursor}: it was "
                "deleted or restored; restore it, or pass --allow-gap to take what comes behind the cursor"
            )
        read = max(1, stored.entries - stored.start_entries)
        rows_per_entry = max(1.0, (stored.rows + stored.rejected) / read)
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


def _next_count(count: int, entries: Entries, read: Pending) -> int:
    """Aim the next read at `CHUNK_ROWS` and `CHUNK_BYTES`; grow slowly, as later entries may hold more."""
    n = read.n_entries
    rows_per_entry = max(1.0, float(read.n_rows.sum()) / n)
    bytes_per_entry = max(1.0, float(entries.spans[-1, 1] - entries.spans[0, 0]) / n) if len(entries.spans) else 1.0
    return int(
        min(
            max(1.0, CHUNK_ROWS / rows_per_entry), max(1.0, CHUNK_BYTES / bytes_per_entry), 4 * count, MAX_CHUNK_ENTRIES
        )
    )


def _id_pair(entry_id: str | None) -> tuple[int, int]:
    """Return an entry ID as numbers that compare; a hashed row id (None) counts as reached."""
    ms, _, seq = (entry_id or "0-0").partition(":")[0].partition("-")
    return int(ms), int(seq)
