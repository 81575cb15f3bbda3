"""`Pausing`: carrying out requests to pause and to go on, for the shard's owner."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resampler.ledger import now
from stream.shard.pause import read_request
from stream.shard.switch import Switch

if TYPE_CHECKING:
    from stream.shard.context import ShardContext
    from stream.shard.writing import Writer

logger = logging.getLogger(__name__)

ASK_S = 0.25  # how often a request is looked for


class Pausing:
    """Pause a shard that this worker owns, and let it go on, where its cursor stands.

    Parameters
    ----------
    context : ShardContext
        The shard.
    writer : Writer
        Has its resampler and its checkpoint.
    """

    def __init__(self, context: ShardContext, writer: Writer) -> None:
        self._context = context
        self._writer = writer
        self._next = context.clock()
        context.metrics.paused(writer.resampler.paused)

    def switch_if_asked(self) -> None:
        """Look for a request unless that was done a short while ago, and carry it out.

        The switch is a commit of its own, from the cursor to the cursor, with a saved state: rows before it were
        resampled as before, those behind it are not, and a replay never has to cross it. A worker that dies before that
        commit has not switched.
        """
        context, writer = self._context, self._writer
        if context.clock() < self._next:
            return
        self._next = context.clock() + ASK_S
        request = read_request(context.client, context.keys)
        paused = request is not None
        if paused == writer.resampler.paused:
            return
        writer.settle()
        stored = writer.checkpoint
        switch = Switch(stored.cursor, paused, now(), request.reason if request else "")
        writer.write_switch(switch)
        context.metrics.paused(paused)
        what = f"paused: {switch.reason or 'no reason was given'}" if paused else "goes on after a pause"
        logger.warning("%s: %s, behind %s", context.keys.input, what, switch.cursor)
