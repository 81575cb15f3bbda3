"""Values that are easily lost by parts: labels beyond int64, NaN beside null, -0.0; and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from resampler.errors import DataError, InvalidInputError
from resampler.partitioned import resample
from resampler.samplers import (
    SMOTE,
    SMOTEENN,
    SMOTEN,
    EditedNearestNeighbours,
    RandomOverSampler,
    SMOTETomek,
)


def written(path, y, **columns):
    rows = pa.table(columns | {"y": y})
    pq.write_table(rows, path, row_group_size=7)
    return path


def made_of(done):
    rows = done.dataset().to_table()
    return rows.filter(rows["synthetic"])


@pytest.fixture
def numbers():
    return np.random.default_rng(0).normal(size=60)


def test_labels_beyond_int64(tmp_path, numbers):
    y = pa.array([2**63 + (at % 4 == 0) for at in range(60)], pa.uint64())
    data = written(tmp_path / "in.parquet", y, a=numbers)
    done = resample(data, SMOTE(random_state=0), label="y", out=tmp_path / "out")
    assert set(made_of(done)["y"].to_pylist()) == {2**63 + 1}


@pytest.mark.parametrize("nullable", [True, False])
def test_nan_is_inherited_as_nan(tmp_path, numbers, nullable):
    y = np.arange(60) % 4 == 0
    numbers[::6] = np.nan
    cells = pa.array(numbers, mask=np.arange(60) % 15 == 0) if nullable else pa.array(numbers)
    schema = pa.schema([pa.field("a", pa.float64(), nullable), ("b", pa.float32()), ("y", pa.bool_())])
    rows = pa.table([cells, np.arange(60, dtype=np.float32), y], schema=schema)
    pq.write_table(rows, tmp_path / "in.parquet", row_group_size=9)
    done = resample(tmp_path / "in.parquet", SMOTE(random_state=0, missing="inherit"), label="y", out=tmp_path / "out")
    made = made_of(done)
    assert done.dataset().schema.field("a").nullable == nullable
    assert pc.sum(pc.is_nan(made["a"])).as_py() > 0
    assert (made["a"].null_count > 0) == nullable


def test_a_category_is_one_whatever_its_sign_and_kind_of_nothing(tmp_path):
    rng = np.random.default_rng(1)
    y = rng.random(80) < 0.25
    cells = rng.choice([0.0, 1.0, np.nan], 80)
    mixed = cells.copy()
    zeros = np.flatnonzero(cells == 0)
    mixed[zeros[::2]] = -0.0
    no_value = pa.array(mixed, mask=np.isnan(mixed) & (np.arange(80) % 2 == 0))
    other = rng.choice(["x", "z"], 80)
    one = written(tmp_path / "one.parquet", y, a=cells, b=other)
    two = written(tmp_path / "two.parquet", y, a=no_value, b=other)
    sampler = SMOTEN(random_state=0, missing="complete")
    found = []
    for at, data in enumerate((one, two)):
        rows = pq.read_table(data).append_column("id", pa.array(range(80)))
        pq.write_table(rows, data, row_group_size=11)
        made = made_of(resample(data, sampler, label="y", key="id", out=tmp_path / f"out{at}"))
        found.append(made.select(["a", "b"]).to_pylist())
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "sampler",
    [
        SMOTEENN(random_state=0, smote=SMOTE(missing="inherit")),
        SMOTEENN(random_state=0, missing="inherit", enn=EditedNearestNeighbours()),
        SMOTETomek(random_state=0, smote=SMOTE(missing="complete")),
        RandomOverSampler(random_state=0, shrinkage=0.3),
    ],
    ids=["enn", "cleaner", "tomek", "smoothed"],
)
def test_nulls_are_refused_as_the_estimators_do_with_a_figure_of_all_rows(tmp_path, numbers, sampler, monkeypatch):
    monkeypatch.setattr("resampler.partitioned.matrix.CHUNK_ROWS", 4)
    y = np.arange(60) % 4 == 0
    numbers[:20:4] = np.nan
    data = written(tmp_path / "in.parquet", y, a=numbers, b=np.arange(60.0))
    with pytest.raises(DataError, match="column 'a' has no value in 5 rows"):
        resample(data, sampler, label="y", out=tmp_path / "out")
    with pytest.raises(InvalidInputError):
        sampler.fit_resample(pq.read_table(data).drop_columns("y"), y)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.parquet"]


def test_what_is_asked_of_an_estimator_is_checked_though_its_over_sampler_was_given(tmp_path, numbers):
    data = written(tmp_path / "in.parquet", np.arange(60) % 3, a=numbers)
    sampler = SMOTEENN(sampling_strategy=1.0, smote=SMOTE(random_state=0))
    with pytest.raises(InvalidInputError, match="can be a float only"):
        resample(data, sampler, label="y", out=tmp_path / "out")
