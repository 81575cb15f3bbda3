"""Write rows to a Redis stream in order, a text field a column, and note when each was sent."""

from __future__ import annotations

import os
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import redis

PIPELINE_ROWS = 16  # a producer that waits for every single reply would measure its own round trips


def entry_ids(table) -> list[str]:
    """Return an explicit ID for each row, so that two passes get the same ones: milliseconds, then the engine."""
    milliseconds = table["event_timestamp"].cast("int64").to_numpy() // 1000
    return [f"{ms}-{unit}" for ms, unit in zip(milliseconds, table["unit"].to_numpy(), strict=True)]


def main(stream: str, parquet: str, rows_per_s: str, sent_at: str) -> None:
    """Send every row at a steady pace; save the monotonic time of each send to `sent_at`."""
    table = pq.read_table(parquet)
    columns = [name for name in table.column_names if name not in ("unit", "event_timestamp")]
    ids = entry_ids(table)
    rows = zip(*(map(str, table[name].to_pylist()) for name in columns), strict=True)
    client = redis.Redis.from_url(os.environ["RESAMPLER_REDIS_URL"])
    times = np.empty(len(ids))
    pipe = client.pipeline(transaction=False)
    started = time.monotonic()
    for i, (entry_id, row) in enumerate(zip(ids, rows, strict=True)):
        pipe.xadd(stream, dict(zip(columns, row, strict=True)), id=entry_id)
        times[i] = time.monotonic()
        if len(pipe) == PIPELINE_ROWS or i == len(ids) - 1:
            pipe.execute()
            time.sleep(max(0.0, started + (i + 1) / float(rows_per_s) - time.monotonic()))
    np.save(sent_at, times)


if __name__ == "__main__":
    main(*sys.argv[1:])
