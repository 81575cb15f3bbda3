"""`Pausing`: carrying out requests to pause and to go on, for the shard's owner."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resampler.ledger import now
from stream.shard.asking import Asking
from stream.shard.changes import Switch
from stream.shard.pause import read_request

if TYPE_CHECKING:
    from stream.shard.context import ShardContext
    from stream.shard.writing import Writer

logger = logging.getLogger(__name__)


class Pausing(Asking[Switch]):
    """Pause a shard that this worker owns, and let it go on.

    Parameters
    ----------
    context : ShardContext
        The shard.
    writer : Writer
        Has its resampler and its checkpoint.
    """

    EVERY_S = 0.25

    def __init__(self, context: ShardContext, writer: Writer) -> None:
        super().__init__(context, writer)
        context.metrics.paused(writer.resampler.paused)

    def _wanted(self) -> Switch | None:
        request = read_request(self._context.client, self._context.keys)
        paused = request is not None
        if paused == self._writer.resampler.paused:
            return None
        return Switch("", paused, now(), request.reason if request else "")

    def _changed(self, change: Switch) -> None:
        self._context.metrics.paused(change.paused)
        what = f"paused: {change.reason or 'no reason was given'}" if change.paused else "goes on after a pause"
        logger.warning("%s: %s, behind %s", self._context.keys.input, what, change.cursor)
