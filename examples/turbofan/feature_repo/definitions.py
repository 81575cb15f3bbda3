"""Feast definitions of the turbofan example: one entity, one view of sensors, one service."""

import os
from datetime import timedelta
from pathlib import Path

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float32

# Absolute, because DuckDB resolves a relative path from wherever the reader happens to stand.
DATA = Path(os.environ.get("TURBOFAN_DATA") or Path(__file__).parents[1] / "data" / "turbofan.parquet").resolve()

unit = Entity(name="unit", join_keys=["unit"], value_type=ValueType.INT64, description="One engine.")

telemetry = FileSource(
    name="turbofan_telemetry",
    path=str(DATA),
    timestamp_field="event_timestamp",
    description="NASA C-MAPSS FD001, a row a flight cycle.",
)

# The label stands in the same file but in no view: it comes with the entity frame, so that serving can
# never ask for the answer.
sensors = FeatureView(
    name="sensors",
    entities=[unit],
    ttl=timedelta(days=1),
    schema=[
        *(Field(name=f"setting_{i}", dtype=Float32) for i in range(1, 4)),
        *(Field(name=f"s_{i}", dtype=Float32) for i in range(1, 22)),
    ],
    source=telemetry,
    online=True,
)

turbofan = FeatureService(name="turbofan", features=[sensors])
