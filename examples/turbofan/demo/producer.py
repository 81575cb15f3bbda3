"""Write rows to a Redis stream in order, a text field a column, and note when each was sent."""

from __future__ import annotations

import itertools
import os
import sys
import time

import numpy as np
import pyarrow.parquet as pq
import redis


def entry_ids(table) -> list[str]:
    """Return an explicit ID for each row, so that two passes get the same ones: milliseconds, then the engine."""
    milliseconds = table["event_timestamp"].cast("int64").to_numpy() // 1000
    return [f"{ms}-{unit}" for ms, unit in zip(milliseconds, table["unit"].to_numpy(), strict=True)]


def main(stream: str, parquet: str, rows_per_s: str, sent_at: str) -> None:
    """Send every row, a day at a time, at a steady pace; save the monotonic time of each send to `sent_at`.

    A day is one transaction: a pause of this process, however long, never lets the worker see half a day.
    """
    table = pq.read_table(parquet)
    columns = [name for name in table.column_names if name not in ("unit", "event_timestamp")]
    rows = zip(*(map(str, table[name].to_pylist()) for name in columns), strict=True)
    days = itertools.groupby(zip(entry_ids(table), rows, strict=True), key=lambda row: row[0].split("-")[0])
    client = redis.Redis.from_url(os.environ["RESAMPLER_REDIS_URL"])
    times: list[float] = []
    started = time.monotonic()
    for _, day in days:
        pipe = client.pipeline(transaction=True)
        for entry_id, row in day:
            pipe.xadd(stream, dict(zip(columns, row, strict=True)), id=entry_id)
        times += [time.monotonic()] * len(pipe)
        pipe.execute()
        time.sleep(max(0.0, started + len(times) / float(rows_per_s) - time.monotonic()))
    np.save(sent_at, times)


if __name__ == "__main__":
    main(*sys.argv[1:])
