"""Carrying out requests to forget rows, for the shard's owner."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from stream.shard.forget import Forgotten, is_reached, row_id_of

if TYPE_CHECKING:
    from stream.shard.context import ShardContext
    from stream.shard.writing import Writer

logger = logging.getLogger(__name__)

MAX_FORGET_ROWS = 1_000  # of one step


def carry_out_requests(context: ShardContext, writer: Writer) -> None:
    """Remove the rows from the buffers, and replace the saved state that had them by one without them.

    Parameters
    ----------
    context : ShardContext
        The shard.
    writer : Writer
        Of its owner.
    """
    writer.settle()
    stored = writer.checkpoint
    requests: list[bytes] = context.client.srandmember(context.keys.forget, MAX_FORGET_ROWS)  # type: ignore[assignment]
    reached = [member for member in requests if is_reached(member.decode(), stored.cursor)]
    writer.forget_requests = 0  # those not reached yet come up again with the next commit
    if not reached:
        return
    row_ids = dict.fromkeys(row_id_of(member.decode()) for member in reached)
    record = Forgotten(stored.cursor, {row_id: writer.resampler.forget([row_id]) for row_id in row_ids})
    stored.count(writer.resampler.stats())
    writer.write_saved_state(reached, record.dump())
    held = sum(map(bool, record.held.values()))
    logger.info("%s: of %d rows to be forgotten %d were in the buffers", context.keys.input, len(row_ids), held)
