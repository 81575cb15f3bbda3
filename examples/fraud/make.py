"""Make the sources of the fraud example from the Handbook's transactions: `python make.py transactions.parquet`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WINDOWS_DAYS = (1, 7, 30)
DELAY_DAYS = 7  # fraud becomes known a week after the transaction: a terminal's risk may not know it earlier
DAY = np.timedelta64(1, "D")


def daily(values: np.ndarray, window: int) -> np.ndarray:
    """Sum each row of (entity, day) over the `window` days before each day, that day excluded."""
    total = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    day = np.arange(values.shape[1])
    return total[:, day] - total[:, np.maximum(day - window, 0)]


def delayed(values: np.ndarray) -> np.ndarray:
    """Shift (entity, day) later by the delay."""
    return np.pad(values, ((0, 0), (DELAY_DAYS, 0)))[:, : values.shape[1]]


def daily_table(key: str, features: dict[str, np.ndarray], first_day: np.datetime64) -> pa.Table:
    """Lay (entity, day) matrices out as rows, one an entity and midnight."""
    n, days = next(iter(features.values())).shape
    midnight = first_day + np.tile(np.arange(days), n) * DAY
    columns = {
        key: pa.array(np.repeat(np.arange(n), days)),
        "event_timestamp": pa.array(midnight.astype("datetime64[us]"), pa.timestamp("us", "UTC")),
    }
    return pa.table(columns | {name: pa.array(matrix.ravel().astype(np.float32)) for name, matrix in features.items()})


def make(raw: Path, out: Path) -> None:
    """Write transactions.parquet, customers.parquet and terminals.parquet."""
    table = pq.read_table(raw)
    when = table["tx_datetime"].to_numpy().astype("datetime64[us]")
    customer, terminal = (table[name].to_numpy() for name in ("customer_id", "terminal_id"))
    amount, fraud = table["tx_amount"].to_numpy(), table["tx_fraud"].to_numpy()
    first_day = when.min().astype("datetime64[D]")
    day = (when.astype("datetime64[D]") - first_day).astype(np.int64)
    days = int(day.max()) + 1

    def grid(key: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        n = int(key.max()) + 1
        return np.bincount(key * days + day, weights, n * days).reshape(n, days)

    spent, made = grid(customer, amount), grid(customer)
    customers: dict[str, np.ndarray] = {}
    for window in WINDOWS_DAYS:
        count = daily(made, window)
        customers[f"tx_count_{window}d"] = count
        customers[f"tx_mean_amount_{window}d"] = daily(spent, window) / np.maximum(count, 1)
    seen, bad = delayed(grid(terminal)), delayed(grid(terminal, fraud))
    terminals: dict[str, np.ndarray] = {}
    for window in WINDOWS_DAYS:
        count = daily(seen, window)
        terminals[f"terminal_count_{window}d"] = count
        terminals[f"terminal_risk_{window}d"] = daily(bad, window) / np.maximum(count, 1)

    hour = (when.astype("datetime64[h]") - when.astype("datetime64[D]")).astype(np.int64)
    weekday = (when.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    transactions = pa.table(
        {
            "transaction_id": table["transaction_id"],
            "customer_id": table["customer_id"],
            "terminal_id": table["terminal_id"],
            "event_timestamp": pa.array(when, pa.timestamp("us", "UTC")),
            "tx_amount": pa.array(amount.astype(np.float32)),
            "tx_weekend": pa.array(weekday >= 5),
            "tx_night": pa.array(hour <= 6),
            "tx_fraud": pa.array(fraud.astype(np.int64)),
        }
    )
    out.mkdir(parents=True, exist_ok=True)
    pq.write_table(transactions, out / "transactions.parquet")
    pq.write_table(daily_table("customer_id", customers, first_day), out / "customers.parquet")
    pq.write_table(daily_table("terminal_id", terminals, first_day), out / "terminals.parquet")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("raw", type=Path, help="transactions as Parquet, columns as in README.md")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("data"))
    arguments = parser.parse_args()
    make(arguments.raw, arguments.out)
