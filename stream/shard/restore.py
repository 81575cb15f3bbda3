"""Restore a shard: its checkpoint, the resampler's state at the cursor, and what was forgotten on the way."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from resampler.errors import CorruptStateError
from stream.drift.counter import Counter
from stream.redis.entryid import id_pair
from stream.redis.errors import wrong_type
from stream.shard.changes import KEPT
from stream.shard.checkpoint import Checkpoint
from stream.shard.commit import GapError
from stream.shard.counting import Counting
from stream.shard.forget import read_forgotten
from stream.shard.intake import Intake
from stream.shard.position import input_info, start_position
from stream.shard.savedstate import SavedState, load_saved_state

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    from resampler.online import OnlineResampler
    from stream.redis.keys import ShardKeys
    from stream.settings import Settings
    from stream.shard.changes import Change
    from stream.shard.forget import Forgotten

logger = logging.getLogger(__name__)


class Restored(NamedTuple):
    """Where a shard stands.

    Parameters
    ----------
    resampler : OnlineResampler
        Its state at the cursor.
    checkpoint : Checkpoint
        As stored.
    saved_entries : int
        Entries up to the newest saved state since the stream began.
    passed : str
        What a later replay must not meet again, so that a saved state is due at once; empty if nothing.
    counting : Counting or None
        Its counts against a version; None where it has no such.
    """

    resampler: OnlineResampler
    checkpoint: Checkpoint
    saved_entries: int
    passed: str
    counting: Counting | None = None


class Restorer:
    """Bring a shard to the state that wrote its output.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.
    settings : Settings
        The worker's settings.
    replayed : callable
        Called with the rows of each read that was replayed; may raise to end the replay.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: ShardKeys,
        settings: Settings,
        replayed: Callable[[int], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._keys = keys
        self._settings = settings
        self._replayed = replayed
        self._clock = clock

    def restore(self, holder: str) -> Restored:
        """Load checkpoint and saved state, and replay what lies between; a shard without a checkpoint is begun.

        Parameters
        ----------
        holder : str
            What the lease says: a first checkpoint is written for it.

        Returns
        -------
        Restored
            The shard as it stands.

        Raises
        ------
        GapError
            If entries that have to be replayed are gone, and that is not allowed.
        CorruptStateError
            If checkpoint or saved state are damaged, or do not belong together.
        ResamplerError
            If a key holds something else, or the stream was begun with other settings.
        """
        if error := wrong_type(self._client, self._keys):
            raise error
        stored = Checkpoint.load(self._client, self._keys) or self._begin(holder)
        stored.require_same_config(self._settings.new_resampler(), self._keys, self._settings.preset_in_words)
        state = load_saved_state(self._client, self._keys, self._settings.secret_key)
        if state and id_pair(state.cursor) > id_pair(stored.cursor):
            raise CorruptStateError(
                f"saved state {self._keys.snapshot!r} stands at {state.cursor}, behind the cursor {stored.cursor} of "
                f"{self._keys.checkpoint!r}, which was put back to an older state: restore both from one backup, or "
                "delete the saved state to replay all up to the cursor"
            )
        passed = []
        if found := self._unchanged(state, stored):
            if not self._settings.allow_gap:
                raise CorruptStateError(found)
            passed = ["changes that are kept no longer"]
        at = state or SavedState(self._settings.new_resampler(), stored.start, stored.start_entries)
        counter = self._counter(at)
        missing = self._replay(at, stored, counter)
        if missing:
            passed.append(f"{missing} entries that could not be replayed")
        elif found := self._miscounted(at.resampler, stored):
            if not self._settings.allow_gap:
                raise CorruptStateError(found)
            passed.append("the state that was replayed is not that which wrote the output")
        if stored.formats not in ("", self._settings.formats):
            passed.append(f"formats {stored.formats} -> {self._settings.formats}")
        plan = self._settings.plan
        counting = None
        if plan is not None:
            counting = Counting.restored(self._client, self._keys, plan, None if missing else counter)
        return Restored(at.resampler, stored, at.entries, ", ".join(passed), counting)

    def _counter(self, at: SavedState) -> Counter | None:
        plan = self._settings.plan
        if plan is None or at.counts is None:
            return None
        try:
            return Counter.from_bytes(at.counts, plan, repr(self._keys.snapshot))
        except CorruptStateError as error:  # rows do not depend on it
            logger.warning("%s: %s", self._keys.input, error)
            return None

    def _unchanged(self, state: SavedState | None, stored: Checkpoint) -> str:
        """Say which changes a replay from a saved state would lack; empty if none."""
        lost = stored.changes.lost
        if not lost or (state and id_pair(state.cursor) >= id_pair(lost)):
            return ""
        begins = f"the saved state at {state.cursor}" if state else f"the beginning, as {self._keys.snapshot!r} is gone"
        return (
            f"{self._keys.input!r} was paused, or followed another recall, more often than the {KEPT} times that are "
            f"kept, and a replay from {begins} would lack what was changed up to {lost}: restore a newer saved state "
            "from a backup, or pass --allow-gap to go on without these changes"
        )

    def _miscounted(self, resampler: OnlineResampler, stored: Checkpoint) -> str:
        """Say what a replay has counted that the checkpoint has not; empty if they agree."""
        counted = {str(label): n for label, n in resampler.stats().real.items() if n}
        wanted = {label: counts[0] for label, counts in stored.classes.items() if counts[0]}
        if not stored.classes or counted == wanted:
            return ""
        return (
            f"the state of {self._keys.input!r} that was restored up to {stored.cursor} has counted rows by class as "
            f"{counted}, and the one that wrote the output {wanted}: the input was replaced, or formats were changed "
            "since the saved state that is gone; restore saved state and input from a backup, or pass --allow-gap to "
            "go on with what there is"
        )

    def _begin(self, holder: str) -> Checkpoint:
        client, keys = self._client, self._keys
        cursor, entries = start_position(client, keys.input, self._settings.start_id())
        written = input_info(client, keys.output)
        left = [keys.snapshot] if client.exists(keys.snapshot) else []
        if written.entries_added and id_pair(written.last_id) > id_pair(cursor):
            left.append(keys.output)
        if left:
            raise CorruptStateError(
                f"checkpoint {keys.checkpoint!r} is gone, and {' and '.join(map(repr, left))} of its stream are there: "
                "restore it from a backup, or delete these keys to begin again from the input"
            )
        first = Checkpoint.begin(self._settings.new_resampler(), cursor, entries, self._settings.formats)
        first.write(client, keys, holder)
        return first

    def _replay(self, at: SavedState, stored: Checkpoint, counter: Counter | None) -> int:
        """Pass the entries up to the cursor through the resampler; return how many of them are missing.

        Their output is written already. What was forgotten leaves where it left when they were read first, and rows
        are made where they were made.
        """
        started, seen = self._clock(), 0
        # As the entries were read when their output was written, whatever the worker's settings are now.
        settings = replace(self._settings, **stored.settings_of_formats())
        labels = at.resampler.stats().real
        with closing(Intake(self._client, self._keys.input, settings, at.cursor, labels, self._clock)) as intake:
            for record in [*self._records(at.cursor, stored), None]:
                for decoded in intake.up_to(record.cursor if record else stored.cursor):
                    row_ids = decoded.row_ids()
                    at.resampler.process(decoded.X, decoded.y, row_ids)
                    if counter is not None:
                        counter.add(decoded, row_ids)  # windows that become full are written already
                    seen += decoded.n_entries
                    self._replayed(len(decoded.y))
                if record:
                    record.apply(at.resampler)
        missing = stored.entries - at.entries - seen
        if missing and not self._settings.allow_gap:
            raise GapError(self._gap(missing, stored, seen), missing)
        if seen:
            logger.info("%s: replayed %d entries in %.2f s", self._keys.input, seen, self._clock() - started)
        return missing

    def _records(self, after: str, stored: Checkpoint) -> list[Forgotten | Change]:
        """Return what was done between two cursors beside reading rows, in order.

        A change at `after` is in the saved state there, but for the state with which a stream begins; twice is once.
        """
        kept = stored.changes.all()
        changes = [one for one in kept if id_pair(after) <= id_pair(one.cursor) <= id_pair(stored.cursor)]
        found = [*read_forgotten(self._client, self._keys, after, stored.cursor), *changes]
        return sorted(found, key=lambda record: id_pair(record.cursor))

    def _gap(self, missing: int, stored: Checkpoint, seen: int) -> str:
        if missing < 0:
            return (
                f"{seen} entries of {self._keys.input!r} lie between saved state and cursor {stored.cursor}, "
                f"{-missing} more than were read: the stream was replaced; restore it, or pass --allow-gap to go on "
                "with what is there"
            )
        return (
            f"{seen + missing} entries of {self._keys.input!r} up to {stored.cursor} must be replayed to restore the "
            f"state, {seen} are left: restore them, or pass --allow-gap to go on with a state that lacks them; "
            "producers that cap the stream (MAXLEN) must leave what was read since the last saved state"
        )
