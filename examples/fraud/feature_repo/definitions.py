"""Feast definitions of the fraud example: three entities, windows by customer and by terminal, one service."""

import os
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Bool, Float32

DATA = Path(os.environ.get("FRAUD_DATA") or Path(__file__).parents[1] / "data").resolve()


transaction, customer, terminal = (
    Entity(name=name, join_keys=[f"{name}_id"], value_type=ValueType.INT64)
    for name in ("transaction", "customer", "terminal")
)


def view(name: str, key: Entity, file: str, ttl: timedelta, schema: list[Field]) -> FeatureView:
    """Make a view of one file, keyed by one entity."""
    return FeatureView(
        name=name,
        entities=[key],
        ttl=ttl,
        schema=schema,
        source=FileSource(name=name, path=str(DATA / file), timestamp_field="event_timestamp"),
        online=False,
    )


def windows(*names: str) -> list[Field]:
    """Name the features of three windows."""
    return [Field(name=f"{name}_{days}d", dtype=Float32) for days in (1, 7, 30) for name in names]


# The windows are those of the last midnight: a transaction never sees itself.
A_DAY = timedelta(days=1)
transactions = view(
    "transactions",
    transaction,
    "transactions.parquet",
    timedelta(seconds=1),
    [Field(name="tx_amount", dtype=Float32), Field(name="tx_weekend", dtype=Bool), Field(name="tx_night", dtype=Bool)],
)
customers = view("customers", customer, "customers.parquet", A_DAY, windows("tx_count", "tx_mean_amount"))
terminals = view("terminals", terminal, "terminals.parquet", A_DAY, windows("terminal_count", "terminal_risk"))

fraud = FeatureService(name="fraud", features=[transactions, customers, terminals])
