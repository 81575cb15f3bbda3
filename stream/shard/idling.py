"""`Idling`: saying why a shard has made hardly any synthetic row for long, once and then ever more rarely."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resampler.quotas import weights_of

if TYPE_CHECKING:
    from resampler.online import OnlineResampler
    from stream.shard.checkpoint import Checkpoint
    from stream.shard.context import ShardContext

logger = logging.getLogger(__name__)

AFTER_ROWS = 10_000  # real rows behind which something could be expected
LITTLE = 0.001  # of these, and fewer synthetic rows are hardly any
# Why nothing is made where all is as it was asked for: it is said, and calls nobody.
AS_ASKED = ("paused", "warmup", "reached", "below_one")


class Idling:
    """Watch whether a shard that this worker owns makes synthetic rows.

    Parameters
    ----------
    context : ShardContext
        The shard.
    stored : Checkpoint
        Its counters; `idle` stays as the last owner has left it until something is made, or another reason is found.
    """

    def __init__(self, context: ShardContext, stored: Checkpoint) -> None:
        self._context = context
        self._rows, self._synthetic = stored.rows, stored.synthetic
        self._said: set[tuple[str, int | None]] = set()
        self._say_at = self._say_after = AFTER_ROWS
        context.metrics.idle(_is_odd(stored))

    def look(self, stored: Checkpoint, resampler: OnlineResampler) -> None:
        """Take in the counters behind a commit's rows, and say why nothing is made, if so.

        Parameters
        ----------
        stored : Checkpoint
            Of the shard; takes the reasons.
        resampler : OnlineResampler
            Behind these rows.
        """
        rows, made = stored.rows - self._rows, stored.synthetic - self._synthetic
        if made >= AFTER_ROWS * LITTLE:
            self._rows, self._synthetic = stored.rows, stored.synthetic
            self._say_at = self._say_after
            if stored.idle:
                stored.idle = []
                self._context.metrics.idle(False)
            return
        if rows < AFTER_ROWS:
            return
        reasons = resampler.idle_reasons()
        stored.idle = [reason._asdict() for reason in reasons]
        self._context.metrics.idle(_is_odd(stored))
        found = {(reason.reason, reason.label) for reason in reasons}
        if not found or (found <= self._said and rows < self._say_at):
            return
        self._say_after *= 2  # whatever else happens: a stream that hardly makes any is not to fill the log
        self._say_at = rows + self._say_after
        self._said |= found
        logger.warning(
            "%s: %d synthetic rows for the last %d real ones: %s",
            self._context.keys.input,
            made,
            rows,
            "; ".join(reason.words for reason in reasons),
        )


def _is_odd(stored: Checkpoint) -> bool:
    """Say whether a reason is none that was asked for; that a class has its ratio is one where a learner lowered it."""
    followed = stored.changes.followed
    weights = weights_of(followed.recall) if followed else {}
    return any(one["reason"] not in AS_ASKED or weights.get(one["label"], 1.0) < 1.0 for one in stored.idle or [])
