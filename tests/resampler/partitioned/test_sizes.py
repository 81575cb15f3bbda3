"""How many rows are held at once follows from how wide they are."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from resampler.partitioned.inputs import open_source
from resampler.partitioned.sizes import BATCH_BYTES, BATCH_ROWS, row_bytes, rows_at_once


def test_the_width_of_a_row():
    schema = pa.schema([("a", pa.float32()), ("b", pa.int64()), ("c", pa.string()), ("d", pa.string())])
    assert row_bytes(schema, {"c": 1000.0}) == 4 + 8 + 1000 + 32


def test_fewer_wide_rows_are_held_at_once():
    assert rows_at_once(8, BATCH_BYTES, BATCH_ROWS) == BATCH_ROWS
    assert rows_at_once(32_000, BATCH_BYTES, BATCH_ROWS) * 32_000 <= BATCH_BYTES
    assert rows_at_once(10**9, BATCH_BYTES, BATCH_ROWS) == 1


def test_a_row_group_is_read_in_batches_however_large_it_is(tmp_path):
    texts = ["x" * 1000 + str(at) for at in range(3_000)]
    pq.write_table(pa.table({"a": [0.0] * 3_000, "text": texts}), tmp_path / "in.parquet", use_dictionary=False)
    source = open_source(tmp_path / "in.parquet")
    assert 1_000 < source.width < 1_100
    (unit,) = source.units
    assert unit.batch_rows == BATCH_BYTES // source.width
    short = type(unit)(unit.pieces, unit.n_rows, 100)
    assert [batch.num_rows for batch in short.batches(["text"])] == [100] * 30


def test_row_groups_are_divided_among_tasks(tmp_path, monkeypatch):
    monkeypatch.setattr("resampler.partitioned.inputs.UNIT_ROWS", 25)
    for at in range(2):
        pq.write_table(pa.table({"a": list(range(30))}), tmp_path / f"{at}.parquet", row_group_size=10)
    units = open_source(tmp_path).units
    assert [unit.n_rows for unit in units] == [20, 20, 20]
    read = [value for unit in units for batch in unit.batches(["a"]) for value in batch["a"].to_pylist()]
    assert read == [*range(30), *range(30)]
