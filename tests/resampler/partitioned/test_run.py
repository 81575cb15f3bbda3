"""Tables that are resampled by parts: the rows of the estimators, whatever the files, their order and the engine."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from resampler.errors import DataError
from resampler.identity import hash_rows
from resampler.partitioned import Resampled, resample
from resampler.samplers import (
    ADASYN,
    SMOTE,
    SMOTEENN,
    SMOTEN,
    SMOTENC,
    SVMSMOTE,
    BorderlineSMOTE,
    KMeansSMOTE,
    OverSampler,
    RandomOverSampler,
    SMOTETomek,
)

MIXED = ["city", "flag", "level"]


def table(n: int = 500, seed: int = 0, *, kinds: tuple[str, ...] = ("numbers",)) -> pa.Table:
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(np.int64)
    columns: dict[str, object] = {
        "amount": rng.normal(size=n).astype(np.float32) + y,
        "wait": rng.normal(size=n).astype(np.float32),
        "visits": rng.integers(0, 9, n).astype(np.int16),
    }
    if "wide" in kinds:
        columns["stamp"] = 2**60 + rng.integers(0, 10**6, n)
    if "categories" in kinds:
        columns["city"] = rng.choice(["Oslo", "Rome", "Lima"], n)
        columns["flag"] = rng.random(n) < 0.5
        columns["level"] = rng.integers(0, 4, n)
    rows = pa.table(columns | {"y": y})
    if "nulls" in kinds or "null categories" in kinds:
        for at, name in enumerate(rows.column_names[:-1]):
            if "nulls" not in kinds and name not in MIXED:
                continue
            cells = rows[name].to_pylist()
            cells[at::11] = [None] * len(cells[at::11])
            rows = rows.set_column(at, name, pa.array(cells, rows[name].type))
    return rows


def write(rows: pa.Table, path, row_groups: int = 1, files: int = 1):
    path.mkdir()
    step = -(-rows.num_rows // files)
    for at in range(files):
        part = rows.slice(at * step, step)
        pq.write_table(part, path / f"{at}.parquet", row_group_size=max(1, -(-part.num_rows // row_groups)))
    return path


def in_one_order(rows: pa.Table) -> tuple[pa.Table, np.ndarray]:
    """Return rows as they are put aside, and their identities."""
    hashes = hash_rows(rows, rows.column_names)
    order = np.argsort(hashes, kind="stable")
    assert len(np.unique(hashes)) == rows.num_rows
    return rows.take(pa.array(order)), (hashes[order] & np.uint64(2**63 - 1)).view(np.int64)


def synthetic_of(done: Resampled) -> pa.Table:
    made = done.dataset().to_table()
    return made.filter(made["synthetic"]).drop_columns("synthetic")


CASES = {
    "smote": (SMOTE(random_state=3), ("numbers",)),
    "smote of wide integers": (SMOTE(random_state=3), ("wide",)),
    "borderline": (BorderlineSMOTE(random_state=3), ("numbers",)),
    "borderline-2": (BorderlineSMOTE(random_state=3, kind="borderline-2"), ("numbers",)),
    "adasyn": (ADASYN(random_state=3), ("numbers",)),
    "svm": (SVMSMOTE(random_state=3), ("numbers",)),
    "kmeans": (KMeansSMOTE(random_state=3, cluster_balance_threshold=0.05), ("numbers",)),
    "smotenc": (SMOTENC(MIXED, random_state=3), ("categories",)),
    "smoten": (SMOTEN(random_state=3), ("numbers",)),
    "geometric": (OverSampler("geometric", random_state=3), ("numbers",)),
    "on grids": (SMOTE(random_state=3, grid="auto", relations="keep"), ("numbers",)),
    "keyed": (SMOTE(random_state=3, secret_key="env:A_KEY"), ("numbers",)),
    "inherited nulls": (SMOTE(random_state=3, missing="inherit"), ("nulls", "wide")),
    "complete rows": (SMOTE(random_state=3, missing="complete"), ("nulls",)),
    "nulls as categories": (SMOTENC(MIXED, random_state=3), ("categories", "null categories")),
    "inherited categories": (SMOTENC(MIXED, random_state=3, missing="inherit"), ("nulls", "categories")),
    "random": (RandomOverSampler(random_state=3), ("categories",)),
    "copies of nulls": (RandomOverSampler(random_state=3), ("nulls", "categories")),
    "smoothed": (RandomOverSampler(random_state=3, shrinkage=0.5), ("numbers",)),
    "a ratio": (SMOTE(random_state=3, sampling_strategy=0.5), ("numbers",)),
}


@pytest.mark.parametrize("case", CASES)
def test_rows_are_those_of_the_estimator(case, tmp_path, monkeypatch):
    monkeypatch.setenv("A_KEY", "0123456789abcdef0123456789abcdef")
    sampler, kinds = CASES[case]
    rows, ids = in_one_order(table(kinds=kinds))
    X, y = rows.drop_columns("y"), rows["y"].to_numpy()
    expected, labels = sampler.fit_resample(X, y, row_ids=ids)
    done = resample(write(table(kinds=kinds), tmp_path / "in", 7), sampler, label="y", out=tmp_path / "out")
    made = synthetic_of(done)
    assert made.num_rows == expected.num_rows - rows.num_rows > 0
    assert made["y"].to_pylist() == labels[rows.num_rows :].tolist()
    for name in X.column_names:
        assert made[name].to_pylist() == expected[name].slice(rows.num_rows).to_pylist(), name


@pytest.mark.parametrize("sampler", [SMOTEENN(random_state=3), SMOTETomek(random_state=3)], ids=["enn", "tomek"])
def test_cleaning_keeps_what_the_estimator_keeps(sampler, tmp_path):
    rows, ids = in_one_order(table())
    expected, labels = sampler.fit_resample(rows.drop_columns("y"), rows["y"].to_numpy(), row_ids=ids)
    done = resample(write(table(), tmp_path / "in", 7, 3), sampler, label="y", out=tmp_path / "out")
    whole = done.dataset().to_table()
    names = [*rows.column_names]
    theirs = expected.append_column("y", pa.array(labels))
    assert sorted(whole.select(names).to_pylist(), key=repr) == sorted(theirs.select(names).to_pylist(), key=repr)
    assert done.counts["0"]["removed"] > 0
    assert sum(one["real"] + one["synthetic"] for one in done.counts.values()) == whole.num_rows


def test_real_rows_are_as_they_were(tmp_path):
    rows = table(kinds=("categories",)).append_column("when", pa.array(range(500), pa.timestamp("us")))
    done = resample(
        write(rows, tmp_path / "in"), SMOTENC(MIXED), label="y", out=tmp_path / "out", carried=["when"], mark="made"
    )
    whole = done.dataset().to_table()
    assert whole.filter(pc.invert(whole["made"])).drop_columns("made").equals(rows)
    assert whole.filter(whole["made"])["when"].null_count == done.counts["1"]["synthetic"]


@pytest.mark.parametrize("groups", [1, 7, 64])
def test_one_digest_whatever_the_files(groups, tmp_path):
    rows = table(kinds=("categories",))
    sampler = SMOTENC(MIXED, random_state=3)
    shuffled = rows.take(pa.array(np.random.default_rng(groups).permutation(rows.num_rows)))
    first = resample(write(rows, tmp_path / "a"), sampler, label="y", out=tmp_path / "x")
    other = resample(write(shuffled, tmp_path / "b", groups, 2), sampler, label="y", out=tmp_path / "y")
    assert other.digest == first.digest


def test_equal_rows_are_told_apart(tmp_path):
    rows = table(60, 1)
    rows = pa.concat_tables([rows, rows, rows])
    one = resample(write(rows, tmp_path / "a"), SMOTE(random_state=0), label="y", out=tmp_path / "x")
    shuffled = rows.take(pa.array(np.random.default_rng(5).permutation(rows.num_rows)))
    other = resample(write(shuffled, tmp_path / "b", 9), SMOTE(random_state=0), label="y", out=tmp_path / "y")
    assert one.digest == other.digest
    with pytest.raises(DataError, match="must identify a row"):
        resample(tmp_path / "a", SMOTE(), label="y", key="visits", out=tmp_path / "z")


def test_provenance_rebuilds_rows(tmp_path):
    rows, ids = in_one_order(table())
    done = resample(write(table(), tmp_path / "in", 3), SMOTE(random_state=0), label="y", out=tmp_path / "out")
    made, said = synthetic_of(done), pq.read_table(tmp_path / "out" / "provenance")
    place = {int(one): at for at, one in enumerate(ids)}
    base, neighbor = ([place[one] for one in said[name].to_pylist()] for name in ("base", "neighbor"))
    values = rows["amount"].to_numpy()
    rebuilt = values[base] + said["step"].to_numpy() * (values[neighbor] - values[base])
    assert rebuilt.tolist() == made["amount"].to_pylist()
    assert set(rows["y"].take(pa.array(base)).to_pylist()) == {1}


def test_with_a_key_synthetic_rows_stay_when_other_rows_come(tmp_path):
    rows = table().append_column("id", pa.array(range(500)))
    later = pa.concat_tables(
        [rows, table(99, 7).append_column("id", pa.array(range(500, 599))).filter(pc.field("y") == 0)]
    )
    asked = {"label": "y", "key": "id"}
    sampler = SMOTE(sampling_strategy={1: 300}, random_state=0)
    first = resample(write(rows, tmp_path / "a"), sampler, **asked, out=tmp_path / "x")
    other = resample(write(later, tmp_path / "b", 5), sampler, **asked, out=tmp_path / "y")
    assert first.digest["synthetic"] == other.digest["synthetic"]
    assert first.digest["real"] != other.digest["real"]
    assert synthetic_of(first)["id"].null_count == first.counts["1"]["synthetic"]
