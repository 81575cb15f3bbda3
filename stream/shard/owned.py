"""`Owned`: what exists only while this worker owns a shard: state, connections, and what waits to be written."""

from __future__ import annotations

import logging
import math
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from resampler.errors import ResamplerError
from stream.shard.commit import FencedError
from stream.shard.cutting import Cutting
from stream.shard.following import Following
from stream.shard.forgetting import carry_out_requests
from stream.shard.heartbeat import Heartbeat
from stream.shard.intake import Intake
from stream.shard.pausing import Pausing
from stream.shard.probe import Probe
from stream.shard.restore import Restorer
from stream.shard.writing import Writer

if TYPE_CHECKING:
    from stream.formats import Decoded
    from stream.shard.context import ShardContext

logger = logging.getLogger(__name__)

IDLE_BLOCK_MS = 200  # longest wait in one read: what a stop request can be late by
LONGEST_WAIT_MS = 500  # for a batch to be complete, before requests are looked for again


class StoppedError(ResamplerError):
    """Raise when a worker is asked to stop while it restores its state; nothing was written."""


class Owned:
    """A shard whose lease this worker holds.

    Parameters
    ----------
    context : ShardContext
        The shard; the lease has been acquired. Its state is restored here.

    Attributes
    ----------
    heartbeat : Heartbeat
        Keeps the lease.
    writer : Writer
        Resamples, and writes the outcome.
    behind : bool
        Whether the last read came back full.
    held_back : bool
        Whether the slowest feed is waited for.
    pending : Decoded or None
        Entries that were read and stand in no commit yet; None if there are none.

    Raises
    ------
    GapError
        If entries that have to be replayed are gone.
    StoppedError
        If the worker was asked to stop meanwhile.
    ResamplerError
        If the stream was begun with other settings, or its state is damaged.
    """

    def __init__(self, context: ShardContext) -> None:
        self._context = context
        client, keys, settings, clock = context.client, context.keys, context.settings, context.clock
        with ExitStack() as opened:
            self.heartbeat = Heartbeat(context.lease, keys.input, context.metrics, context.is_alive)
            opened.callback(self.heartbeat.stop)
            restored = Restorer(client, keys, settings, self._replayed, clock).restore(context.lease.holder)
            stored = restored.checkpoint
            context.metrics.restored(stats := restored.resampler.stats(), stored.committed_s)
            self._intake = opened.enter_context(
                closing(Intake(client, keys.input, settings, stored.cursor, stats.real, clock))
            )
            self.writer = opened.enter_context(closing(Writer(context, restored)))
            self._cutting = Cutting(settings)
            self._probe = Probe(context, self.writer)
            self._asking = (Pausing(context, self.writer), Following(context, self.writer))
            self.pending: Decoded | None = None
            self.behind = True
            self.held_back = False
            self._arrived_s = self._quiet_since = self._asked = clock()
            self._probe.check()
            stored.formats = settings.formats
            counting = restored.counting
            if restored.passed:
                logger.warning("%s: %s: a saved state is taken now", keys.input, restored.passed)
            if counting and counting.begins:
                log = logger.warning if counting.drops else logger.info
                log("%s: %s", keys.input, counting.begins)
            if restored.passed or (counting and counting.begins):
                stored.count(restored.resampler.stats())
                self.writer.write_saved_state()
            self._opened = opened.pop_all()

    @property
    def idle_s(self) -> float:
        """Seconds for which nothing was found to come in; 0 while something waits to be committed."""
        return 0.0 if self.pending or self.behind else self._asked - self._quiet_since

    @property
    def nothing_due(self) -> bool:
        """Whether there is nothing that a commit is being tried for: all is committed, or a slow feed is waited for."""
        return self.held_back or not (self.pending or self.behind or self.writer.waits)

    def require_lease(self) -> None:
        """Leave a shard that is another's by now without waiting for the commit script to say so.

        Raises
        ------
        FencedError
            If the lease is lost.
        """
        if self.heartbeat.lost:
            raise FencedError(
                f"shard {self._context.keys.input!r} is owned by another worker by now: leave it to that one"
            )

    def attend(self) -> None:
        """Do what is due beside reading and writing: examine the shard, carry out requests, follow a learner."""
        self._probe.check_if_due()
        self._look()
        if self.writer.forget_requests:
            carry_out_requests(self._context, self.writer)

    def wait_for_feeds(self) -> bool:
        """Wait a moment if the slowest feed is too far behind.

        Returns
        -------
        bool
            Whether it is, so that nothing is to be read yet.
        """
        self.held_back = self._probe.is_held_back()
        if self.held_back:
            self.writer.settle()  # what was sent before may have to be sent again
            self._context.sleep(IDLE_BLOCK_MS / 1_000)
        return self.held_back

    def read(self) -> int:
        """Append what has come to `pending`.

        Returns
        -------
        int
            The time up to which nothing is missing, in milliseconds by the server's clock.
        """
        block_ms = IDLE_BLOCK_MS
        if self.behind:
            block_ms = 0
        elif self.pending is not None:
            wait_ms = self._cutting.wait_ms(self.pending, self._intake.server_ms())
            if wait_ms is not None:
                # One read when the window has passed, not one for each arrival.
                self._context.sleep(min(wait_ms, LONGEST_WAIT_MS) / 1_000)
                block_ms = 0
            else:  # not beyond the spell that has to do
                left_s = self._context.quiet_s - (self._context.clock() - self._quiet_since)
                block_ms = math.ceil(min(max(left_s * 1_000, 0), IDLE_BLOCK_MS))
        self._asked = self._context.clock()
        read, self.behind, complete_until_ms, arrived_s = self._intake.read(block_ms)
        if read is not None:
            self._arrived_s = arrived_s
            self.pending = self.pending.followed_by(read) if self.pending else read
            # Not when they came: much may have come since, while a first decoding waited for the compiler.
            self._quiet_since = self._context.clock()
        return complete_until_ms

    def write(self, complete_until_ms: int) -> None:
        """Commit every batch that nothing can join any more, in as many commits as their output may need.

        Parameters
        ----------
        complete_until_ms : int
            What `read` returned.
        """
        if self.pending is None:
            return
        # What came after the last question was asked is not known of: the spell ends with the question.
        quiet = not self.behind and self._asked - self._quiet_since >= self._context.quiet_s
        stops = self._cutting.closed(self.pending, complete_until_ms, quiet=quiet)
        while len(stops) and self.pending is not None:
            self._look()
            n_batches = self._cutting.batches_of_commit(self.pending, stops)
            n = int(stops[n_batches - 1])
            closed, self.pending = self.pending.split(n)
            made = self.writer.resample(closed, stops[:n_batches])
            self.writer.settle()
            self._intake.fetch()
            self.writer.send(made, self._arrived_s)
            stops = stops[n_batches:] - n

    def rest(self) -> None:
        """Where all has been read, wait for the last commit, whose reply says how much of the input has gone."""
        if not self.behind:
            self.writer.settle()
            self.writer.write_overdue_state()

    def close(self) -> None:
        """Close the connections and leave the lease to expire."""
        self._opened.close()

    def _look(self) -> None:
        for asking in self._asking:
            asking.look_if_due()

    def _replayed(self, rows: int) -> None:
        self._context.metrics.replayed(rows)
        if self._context.sleep(0):
            raise StoppedError(f"asked to stop while {self._context.keys.input!r} was replayed")
        self.require_lease()
