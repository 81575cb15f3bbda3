"""`Writer`: what becomes of rows, commit after commit, each with its counters and now and then a saved state."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from stream.formats.letters import encode_letter
from stream.shard.commit import Commit, Committer, GapError
from stream.shard.idling import Idling
from stream.shard.limits import ServerLimits
from stream.shard.outputs import output_entries
from stream.shard.savedstate import add_saved_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from resampler.provenance import MicroBatch
    from stream.drift.window import Window
    from stream.formats import Decoded
    from stream.shard.changes import ChangeT
    from stream.shard.commit import Committed
    from stream.shard.context import ShardContext
    from stream.shard.outputs import OutputEntry
    from stream.shard.restore import Restored

logger = logging.getLogger(__name__)


class Resampled(NamedTuple):
    """Entries and what became of their rows.

    Parameters
    ----------
    decoded : Decoded
        The entries.
    batch : MicroBatch
        Their rows and those that these caused.
    outputs : list of (ID, names and values in turn)
        The same as output entries.
    windows : list of Window
        Of the counts against a version: those that these rows have filled up.
    """

    decoded: Decoded
    batch: MicroBatch
    outputs: list[OutputEntry]
    windows: list[Window]


class _Sent(NamedTuple):
    commit: Commit
    report: Callable[[float, float], object]
    sent_s: float
    arrived_s: float
    windows: Sequence[Window]


class Writer:
    """Resample rows and write what comes of them, for the shard's owner.

    Parameters
    ----------
    context : ShardContext
        The shard; its lease is held.
    restored : Restored
        Where the shard stands.

    Attributes
    ----------
    resampler : OnlineResampler
        Its state behind the rows written and sent.
    checkpoint : Checkpoint
        Its counters are those behind the rows sent, its cursor that of the last commit known to have succeeded.
    gone : int
        Entries of the input that are no longer there, whoever trimmed them.
    forget_requests : int
        Rows whose removal is being asked for, as far as is known.
    """

    def __init__(self, context: ShardContext, restored: Restored) -> None:
        self.resampler = restored.resampler
        self.checkpoint = restored.checkpoint
        self.forget_requests = 0
        self.gone = self._gone_when_saved = 0
        self._saved_entries = restored.saved_entries
        self._counting = restored.counting
        self._idling = Idling(context, restored.checkpoint)
        self._context = context
        self._sent: _Sent | None = None
        self._committer = Committer(
            context.client,
            context.keys,
            context.lease,
            allow_gap=context.settings.allow_gap,
            trim=context.settings.trim,
            limits=ServerLimits.read(context.client),
        )

    @property
    def waits(self) -> bool:
        """Whether a commit was sent whose outcome is not known yet."""
        return self._sent is not None

    def resample(self, closed: Decoded, stops: NDArray[np.int64]) -> Resampled:
        """Make the output of some entries.

        Parameters
        ----------
        closed : Decoded
            Entries that stand in batches that nothing can join.
        stops : ndarray of shape (n_batches,), int64
            Where these batches end.

        Returns
        -------
        Resampled
            To be sent.
        """
        settings = self._context.settings
        if settings.allow_gap:  # a gap is passed with the saved state behind it, and with none of later
            self.settle()
        row_ids = closed.row_ids()
        batch, starts = self.resampler.process_traced(closed.X, closed.y, row_ids)
        outputs = output_entries(closed, stops, batch, starts, settings.schema, settings.output_format)
        windows = self._counting.counter.add(closed, row_ids) if self._counting else []
        return Resampled(closed, batch, outputs, windows)

    def send(self, made: Resampled, arrived_s: float) -> None:
        """Send the commit of some entries; the one before is settled.

        Parameters
        ----------
        made : Resampled
            What to write.
        arrived_s : float
            When the last of the entries came.
        """
        decoded, batch, outputs, windows = made
        stored, stats = self.checkpoint, self.resampler.stats()
        commit = Commit(
            stored.cursor,
            decoded.id(-1),
            stored.entries + decoded.n_entries,
            outputs,
            [(decoded.id(reject.entry), encode_letter(reject)) for reject in decoded.rejects],
            emitted_before=stored.emitted,
            counts=self._counting.update(windows) if self._counting else None,
        )
        stored.rows += len(decoded.y)
        stored.synthetic += batch.n_synthetic
        stored.emitted += len(batch)
        stored.rejected += decoded.n_rejected
        stored.count(stats)
        self._idling.look(stored, self.resampler)
        due = stored.read - stored.snapshot_rows >= self._context.settings.snapshot_rows
        if due or self._is_overtaken(commit.entries):
            self._add_saved_state(commit)
        report = partial(self._context.metrics.committed, batch, decoded.rejects, stats)
        self._send(commit, report, arrived_s, windows)

    def settle(self) -> None:
        """Take in the outcome of the commit that was sent, if there is one.

        Raises
        ------
        FencedError, MovedError, GapError, LostOutputError, ResamplerError
            If it was refused: see `Committer.receive`.
        redis.RedisError
            If the outcome is unknown.
        """
        if self._sent is None:
            return
        commit, report, sent_s, arrived_s, windows = self._sent
        self._sent = None
        done = self._outcome(commit)
        now = self._context.clock()
        report(now - sent_s, now - arrived_s)
        if windows and self._counting:
            self._context.metrics.counted(len(windows), windows[-1].rows, self._counting.moved(windows[-1]))
        self.checkpoint.cursor = commit.stop
        self.checkpoint.entries = commit.entries + done.lost
        self.checkpoint.start_entries += min(0, done.lost)
        self.forget_requests = done.forget_requests
        self.gone = done.gone
        if commit.state:
            self._saved_entries, self._gone_when_saved = self.checkpoint.entries, self.gone

    def write_change(self, change: ChangeT) -> ChangeT:
        """Settle the last commit, let a change take effect where the cursor stands, and write it with the state.

        Parameters
        ----------
        change : Change
            At whichever cursor.

        Returns
        -------
        Change
            At the shard's.
        """
        self.settle()
        change = change._replace(cursor=self.checkpoint.cursor)
        change.apply(self.resampler)
        self.write_saved_state(fields=self.checkpoint.changes.keep(change))
        return change

    def write_saved_state(
        self,
        forgotten: list[bytes] | None = None,
        record: str = "",
        fields: dict[str, bytes | str | int] | None = None,
    ) -> None:
        """Replace the saved state where the cursor stands; the last commit is settled.

        Parameters
        ----------
        forgotten : list of bytes, optional
            Requests to forget that it carries out.
        record : str
            What they came to: see `Commit`.
        fields : dict, optional
            Of the checkpoint, beside its counters.
        """
        stored = self.checkpoint
        commit = Commit(
            stored.cursor,
            stored.cursor,
            stored.entries,
            checkpoint=fields or {},
            forgotten=forgotten or [],
            record=record,
            emitted_before=stored.emitted,
            counts=self._counting.update([]) if self._counting else None,
        )
        self._add_saved_state(commit)
        self._send(commit, lambda *_: None, self._context.clock())
        self.settle()

    def write_overdue_state(self) -> None:
        """Replace the saved state if the input is being trimmed up to where a replay from it would begin."""
        if self._is_overtaken(self.checkpoint.entries):
            self.write_saved_state()

    def close(self) -> None:
        """Give the connection up; an outcome that is not taken in stays unknown."""
        self._sent = None
        self._committer.close()

    def _is_overtaken(self, entries: int) -> bool:
        """Say whether somebody else trims the input, and more was read since the saved state than may still go.

        A replay from the saved state is impossible once an entry behind it has gone.
        """
        may_go = self._saved_entries - self.gone
        return self.gone > self._gone_when_saved and entries - self._saved_entries > may_go

    def _send(
        self,
        commit: Commit,
        report: Callable[[float, float], object],
        arrived_s: float,
        windows: Sequence[Window] = (),
    ) -> None:
        """Send a commit; while there is a backlog the server works at it beside the next read and decoding."""
        commit.checkpoint |= self.checkpoint.counters()
        started = self._context.clock()
        self._committer.send(commit)
        self._sent = _Sent(
            commit, report, started, arrived_s, windows
        )  # if it could not be sent, nothing is to be received

    def _outcome(self, commit: Commit) -> Committed:
        """Take in the outcome; a gap that may be passed is recorded with a saved state in the same commit."""
        try:
            return self._committer.receive()
        except GapError as error:
            if not self._context.settings.allow_gap:
                raise
            logger.warning("%s: passed over, as allowed: %s", self._context.keys.input, error)
        self._add_saved_state(commit)
        commit.checkpoint |= self.checkpoint.counters()
        return self._committer.write(commit)

    def _add_saved_state(self, commit: Commit) -> None:
        self.checkpoint.snapshot_rows = self.checkpoint.read
        context = self._context
        counts = self._counting.counter.to_bytes() if self._counting else None
        add_saved_state(commit, self.resampler, context.client, context.keys, context.lease.holder, counts)
