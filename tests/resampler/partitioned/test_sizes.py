"""How many rows are held at once follows from how wide they are; and what tasks take is said before they begin."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resampler.budget import BudgetError
from resampler.engines.settings import EngineSettings
from resampler.engines.workplace import Workplace
from resampler.partitioned import resample
from resampler.partitioned.inputs import open_source
from resampler.partitioned.sizes import BATCH_BYTES, BATCH_ROWS, column_bytes, rows_at_once
from resampler.samplers import SMOTE, SMOTEENN


def test_the_width_of_columns():
    schema = pa.schema([("a", pa.float32()), ("b", pa.int64()), ("c", pa.string()), ("d", pa.string())])
    assert column_bytes(schema, {"c": 1000.0}) == {"a": 4, "b": 8, "c": 1000, "d": 32}


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


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    rows = {"a": rng.normal(size=90), "b": rng.normal(size=90), "y": np.repeat([0, 1], [60, 30])}
    pq.write_table(pa.table(rows), tmp_path / "in.parquet")
    return tmp_path / "in.parquet"


def test_every_stage_says_what_its_tasks_take(data, tmp_path, monkeypatch):
    said: dict[str, int] = {}
    run = Workplace.run

    def noted(self, tasks, say=None):
        said.update({task.name.partition("/")[0]: task.memory for task in tasks})
        return run(self, tasks, say)

    monkeypatch.setattr(Workplace, "run", noted)
    resample(data, SMOTEENN(random_state=0), label="y", out=tmp_path / "out")
    assert sorted(name for name, memory in said.items() if memory) == [
        "encode", "extract", "over", "real", "search", "survey", "synthetic",
    ]  # fmt: skip
    assert sorted(name for name, memory in said.items() if not memory) == ["all", "matrix"]  # files copied as they lie


def test_what_is_refused_goes_on_with_larger_workers(data, tmp_path, monkeypatch):
    monkeypatch.setattr("resampler.engines.memory.memory_bytes", lambda: 0)
    asked = {"label": "y", "out": tmp_path / "out"}
    with pytest.raises(BudgetError, match=r"worker_memory=25.* is too little for task search/000/found/\S+: about"):
        resample(data, SMOTE(random_state=0), **asked, engine=EngineSettings(engine="inline", worker_memory="25MiB"))
    assert (tmp_path / "out.unfinished" / "encode" / "00000").exists()
    assert resample(data, SMOTE(random_state=0), **asked).counts["1"]["synthetic"] == 30
