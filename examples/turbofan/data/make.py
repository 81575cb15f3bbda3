"""Make `turbofan.parquet` from NASA's raw C-MAPSS training file: `python make.py train_FD001.txt`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

SETTINGS = [f"setting_{i}" for i in range(1, 4)]
SENSORS = [f"s_{i}" for i in range(1, 22)]
HORIZON_CYCLES = 15

# The file has cycles and no calendar; Feast needs instants. One flight a day, from a day of our choosing.
FIRST_DAY = np.datetime64("2008-01-01", "us")
CYCLE = np.timedelta64(1, "D")


def turbofan_table(raw: Path) -> pa.Table:
    """Read one raw file: unit, cycle, three settings and 21 sensors, separated by blanks."""
    rows = np.loadtxt(raw, dtype=np.float64, ndmin=2)
    if rows.shape[1] != 2 + len(SETTINGS) + len(SENSORS):
        raise SystemExit(f"{raw} must have 26 columns (unit, cycle, 3 settings, 21 sensors), got {rows.shape[1]}")
    unit, cycle = rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int32)
    # Every engine of a training file runs until it fails: its last cycle is the failure.
    last_cycle = np.zeros(unit.max() + 1, dtype=np.int32)
    np.maximum.at(last_cycle, unit, cycle)
    columns = {
        "unit": pa.array(unit),
        "event_timestamp": pa.array(FIRST_DAY + (cycle - 1) * CYCLE, pa.timestamp("us", "UTC")),
        "cycle": pa.array(cycle),
    }
    columns |= {name: pa.array(rows[:, 2 + j].astype(np.float32)) for j, name in enumerate(SETTINGS + SENSORS)}
    columns["fails_within_15"] = pa.array((last_cycle[unit] - cycle < HORIZON_CYCLES).astype(np.int64))
    return pa.table(columns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, help="train_FD001.txt of C-MAPSS")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("turbofan.parquet"))
    arguments = parser.parse_args()
    pq.write_table(turbofan_table(arguments.raw), arguments.out, compression="zstd")
