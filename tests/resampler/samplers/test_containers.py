"""Real rows come back as they are from every sampler and container; columns that cannot be resampled are named."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone

from resampler import samplers
from resampler.errors import ResamplerError
from resampler.samplers import replay

WIDE = 2**62
MAKING = {
    "smote": samplers.SMOTE(random_state=0),
    "borderline": samplers.BorderlineSMOTE(random_state=0),
    "adasyn": samplers.ADASYN(random_state=0),
    "svm": samplers.SVMSMOTE(random_state=0),
    "kmeans": samplers.KMeansSMOTE(random_state=0, kmeans_estimator=3, cluster_balance_threshold=0.01),
    "smotenc": samplers.SMOTENC([3], random_state=0),
    "embedding": samplers.EmbeddingSMOTE(random_state=0),
    "shrinkage": samplers.RandomOverSampler(random_state=0, shrinkage=0.5),
    "smote-tomek": samplers.SMOTETomek(random_state=0),
    "smote-enn": samplers.SMOTEENN(random_state=0),
}
PICKING = {
    "over": samplers.RandomOverSampler(random_state=0),
    "under": samplers.RandomUnderSampler(random_state=0),
    "tomek": samplers.TomekLinks(),
    "enn": samplers.EditedNearestNeighbours(),
}


def wide_rows(n=300):
    """Floats beside integers that no float64 holds, signed and unsigned; codes; and y."""
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.25).astype(np.int64)
    columns = {
        "amount": rng.normal(size=n) + 2 * y,
        "signed": WIDE + rng.integers(0, 1_000, n),
        "unsigned": np.uint64(2**63) + rng.integers(0, 1_000, n).astype(np.uint64),
        "code": rng.integers(0, 3, n) + WIDE,
    }
    return columns, y


def as_list(columns):
    return [list(row) for row in zip(*(column.tolist() for column in columns.values()), strict=True)]


CONTAINERS = {
    "pandas": pd.DataFrame,
    "pandas nullable": lambda c: pd.DataFrame(c).convert_dtypes(),
    "pandas arrow": lambda c: pd.DataFrame(c).convert_dtypes(dtype_backend="pyarrow"),
    "pandas objects": lambda c: pd.DataFrame(c).astype(object),
    "polars": pl.DataFrame,
    "arrow": pa.table,
    "record batch": lambda c: pa.RecordBatch.from_pydict({k: pa.array(v) for k, v in c.items()}),
    "list": as_list,
    "objects": lambda c: np.array(as_list(c), dtype=object),
}


def rows_of(X):
    """Return rows as tuples of Python's own numbers."""
    if isinstance(X, pd.DataFrame):
        return list(zip(*(X.iloc[:, j].tolist() for j in range(X.shape[1])), strict=True))
    if isinstance(X, pl.DataFrame):
        return X.rows()
    if isinstance(X, pa.Table | pa.RecordBatch):
        return [tuple(row.values()) for row in X.to_pylist()]
    return [tuple(row) for row in (X if isinstance(X, list) else X.tolist())]


def types_of(X):
    if isinstance(X, pd.DataFrame):
        return X.dtypes.tolist()
    return X.schema if hasattr(X, "schema") else type(X), getattr(X, "dtype", None)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("name", [*MAKING, *PICKING])
def test_real_rows_come_back_as_they_are(name, container):
    columns, y = wide_rows()
    X = CONTAINERS[container](columns)
    given = rows_of(X)
    sampler = clone((MAKING | PICKING)[name])
    X_new, y_new = sampler.fit_resample(X, y)
    assert type(X_new) is type(X)
    assert types_of(X_new) == types_of(X)
    came, n = rows_of(X_new), len(y)
    if name in PICKING:
        assert came == [given[i] for i in sampler.sample_indices_]
        return
    if name in ("smote-tomek", "smote-enn"):
        real = [row for row in came if row in set(given)]
        kept = len(came) - len(sampler.provenance_.base)
        assert len(real) >= kept
        assert 0 < kept <= n
    else:
        assert came[:n] == given
    if name in ("shrinkage", "svm"):
        return
    made = sampler.provenance_
    synthetic = rows_of(replay(X, made))
    assert len(synthetic) == len(made.base) > 0
    if name not in ("smote-tomek", "smote-enn"):
        assert synthetic == came[n:]
    for row, b, m in zip(synthetic, made.base, made.neighbor, strict=True):
        for j in (1, 2):
            assert min(given[b][j], given[m][j]) <= row[j] <= max(given[b][j], given[m][j])
            assert type(row[j]) is int
    if name == "smotenc":
        assert {row[3] for row in synthetic} <= set(columns["code"].tolist())
    assert np.array_equal(np.sort(y_new)[::-1][: int(y_new.sum())], np.ones(int(y_new.sum())))


def test_a_matrix_of_wide_integers_is_resampled_in_integers():
    columns, y = wide_rows()
    X = np.column_stack([columns["signed"], columns["code"]])
    for sampler in (samplers.SMOTE(random_state=0), samplers.RandomOverSampler(random_state=0, shrinkage=0.5)):
        X_new, _ = sampler.fit_resample(X, y)
        assert X_new.dtype == np.int64
        assert np.array_equal(X_new[: len(y)], X)
        assert abs(X_new[len(y) :] - WIDE).max() < 5_000
        assert len(np.unique(X_new[len(y) :], axis=0)) > 50
    with pytest.raises(ResamplerError, match=r"integers within 2\*\*53.*leave that column out"):
        samplers.SMOTE().fit_resample(sparse.csr_matrix(X), y)
    with pytest.raises(ResamplerError, match=r"'column 0' must be finite and within 1e\+16"):
        samplers.SMOTE().fit_resample(np.random.default_rng(0).integers(-(2**63), 2**63 - 1, X.shape), y)


def test_synthetic_values_stay_within_what_their_column_holds():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [200, 40])
    X = pd.DataFrame({"a": rng.integers(0, 256, 240).astype(np.uint8), "b": rng.integers(0, 2, 240).astype(bool)})
    for rows in (X, X[["a"]].to_numpy(), pl.from_pandas(X)):
        for sampler in (samplers.RandomOverSampler(random_state=0, shrinkage=9.0), samplers.SVMSMOTE(random_state=0)):
            new = pd.DataFrame(np.asarray(sampler.fit_resample(rows, y)[0])).iloc[240:, 0]
            assert new.between(0, 255).all()
    drawn = samplers.RandomOverSampler(random_state=0, shrinkage=9.0).fit_resample(X[["a"]].to_numpy(), y)[0][240:]
    assert {0, 255} <= set(drawn[:, 0].tolist())  # cut off, not wrapped around


TIME = "points in time", "convert it to a number"
ODD = {
    "datetime": ([datetime(2024, 1, 1) + timedelta(days=i) for i in range(60)], *TIME),
    "date": ([date(2024, 1, 1) + timedelta(days=i) for i in range(60)], *TIME),
    "timedelta": ([timedelta(days=i) for i in range(60)], "spans of time", "convert it to a number"),
    "decimal": ([Decimal(f"{i}.25") for i in range(60)], "decimals", "convert it to float64"),
    "list": ([[i, i + 1] for i in range(60)], "lists", "spread it into a column for each entry"),
    "text": ([str(i) for i in range(60)], "text", "use SMOTENC"),
}


def odd_tables(values):
    numbers = np.random.default_rng(0).normal(size=60)
    cells = np.empty((60, 2), dtype=object)
    cells[:, 0] = numbers
    for i, value in enumerate(values):
        cells[i, 1] = value
    return {
        "pandas": pd.DataFrame({"n": numbers, "odd": values}),
        "polars": pl.DataFrame({"n": numbers, "odd": values}),
        "arrow": pa.table({"n": numbers, "odd": values}),
        "pandas arrow": pa.table({"n": numbers, "odd": values}).to_pandas(types_mapper=pd.ArrowDtype),
        "objects": cells,
    }


@pytest.mark.parametrize("container", ["pandas", "polars", "arrow", "pandas arrow", "objects"])
@pytest.mark.parametrize("odd", ODD)
def test_a_column_that_is_no_number_is_named_with_its_remedy_and_picked_as_it_is(odd, container):
    values, what, remedy = ODD[odd]
    X, y = odd_tables(values)[container], np.repeat([0, 1], [45, 15])
    column = 1 if container == "objects" else "odd"
    for name in (
        "smote",
        "borderline",
        "adasyn",
        "svm",
        "kmeans",
        "embedding",
        "shrinkage",
        "smote-tomek",
        "smote-enn",
    ):
        with pytest.raises(ResamplerError, match=f"column {column!r} of X holds {what}.*Remedy: .*{remedy}"):
            clone(MAKING[name]).fit_resample(X, y)
    for name in ("tomek", "enn"):
        if odd == "decimal":
            sampler = clone(PICKING[name])
            X_new, _ = sampler.fit_resample(X, y)
            assert rows_of(X_new) == [rows_of(X)[i] for i in sampler.sample_indices_]
            continue
        with pytest.raises(ResamplerError, match=f"column {column!r} of X holds {what}.*no distance"):
            clone(PICKING[name]).fit_resample(X, y)
    for name in ("over", "under"):
        sampler = clone(PICKING[name])
        X_new, _ = sampler.fit_resample(X, y)
        assert [str(row[1]) for row in rows_of(X_new)] == [str(rows_of(X)[i][1]) for i in sampler.sample_indices_]


@pytest.mark.parametrize("wide", [name for name in ("Int128", "UInt128") if hasattr(pl, name)])
def test_integers_wider_than_numpy_has_are_named_and_picked_as_they_are(wide):
    rng = np.random.default_rng(0)
    cells = pl.Series(rng.integers(0, 3, 60)).cast(getattr(pl, wide))
    X, y = pl.DataFrame({"n": rng.normal(size=60), "odd": cells}), np.repeat([0, 1], [45, 15])
    for name in MAKING.keys() - {"smotenc"} | {"tomek", "enn"}:
        with pytest.raises(ResamplerError, match=f"column 'odd' of X holds numbers of type {wide}.*cast it to Int64"):
            clone((MAKING | PICKING)[name]).fit_resample(X, y)
    under = samplers.RandomUnderSampler(random_state=0)
    assert under.fit_resample(X, y)[0].equals(X[under.sample_indices_])
    for sampler in (
        samplers.SMOTENC(["odd"], random_state=0),
        samplers.SMOTE(k_neighbors=1, random_state=0, group_by="n"),
    ):
        rows = X if isinstance(sampler, samplers.SMOTENC) else X.select(n=pl.col("odd"), m=pl.col("n"))
        X_new, _ = sampler.fit_resample(rows, y)
        assert X_new.schema == rows.schema
        assert X_new[:60].equals(rows)
        assert X_new[60:].equals(replay(rows, sampler.provenance_))


@pytest.mark.parametrize("kind", ["datetime64[us]", "timedelta64[s]"])
def test_an_array_of_dates_is_refused(kind):
    X, y = np.arange(60).reshape(30, 2).astype(kind), np.repeat([0, 1], [20, 10])
    for sampler in (samplers.SMOTE(), samplers.TomekLinks()):
        with pytest.raises(ResamplerError, match=r"column 0 of X holds (points in|spans of) time"):
            sampler.fit_resample(X, y)
    assert samplers.RandomOverSampler(random_state=0).fit_resample(X, y)[0].dtype == X.dtype


def test_names_of_several_types_are_refused():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 2)), columns=["a", 1])
    with pytest.raises(ResamplerError, match=r"all input features have string names.*X\.columns\.astype"):
        samplers.SMOTE().fit_resample(X, np.repeat([0, 1], [45, 15]))


@pytest.mark.parametrize("category", [["a", "b"], [1, 2]])
def test_pandas_categories_are_refused_where_values_are_made(category):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"n": rng.normal(size=60), "c": pd.Categorical(rng.choice(category, 60))})
    y = np.repeat([0, 1], [45, 15])
    with pytest.raises(ResamplerError, match=r"column 'c' of X holds categories.*use SMOTENC"):
        samplers.SMOTE().fit_resample(X, y)
    X_new, _ = samplers.SMOTENC("auto", random_state=0).fit_resample(X, y)
    assert X_new["c"].dtype == X["c"].dtype


def test_equal_names_are_refused_where_values_are_made_and_picked_elsewhere():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=["a", "b", "a"])
    table = pa.table([pa.array(frame.iloc[:, j]) for j in range(3)], names=["a", "b", "a"])
    y = np.repeat([0, 1], [45, 15])
    for X in (frame, table):
        for name in ("smote", "adasyn", "shrinkage", "smote-enn", "embedding"):
            with pytest.raises(ResamplerError, match="distinct names, got 'a' 2 times: rename all but one"):
                clone(MAKING[name]).fit_resample(X, y)
        for sampler in map(clone, PICKING.values()):
            X_new, _ = sampler.fit_resample(X, y)
            want = X.iloc[sampler.sample_indices_] if X is frame else X.take(sampler.sample_indices_)
            assert np.array_equal(np.asarray(X_new), np.asarray(want))


def test_lists_and_objects_of_few_types_stay_what_they_are():
    X = [[1, 2.5], [2, 3.5], [3, 1.5], [4, 0.5]] * 10
    y = [0] * 30 + [1] * 10
    X_new, y_new = samplers.SMOTE(random_state=0).fit_resample(X, y)
    assert X_new[:40] == X
    assert {type(row[0]) for row in X_new[:40]} == {int}
    assert y_new[:40] == y
    whole = samplers.SMOTE(random_state=0).fit_resample([[2 * i, i] for i in range(40)], y)[0]
    assert {type(cell) for row in whole for cell in row} == {int}
    tuples, _ = samplers.RandomUnderSampler(random_state=0).fit_resample([tuple(row) for row in X], y)
    assert all(row in X for row in tuples)


def test_a_schema_keeps_what_it_says_of_its_fields():
    columns, y = wide_rows()
    fields = [pa.field(k, pa.array(v).type, nullable=False, metadata={"unit": "m"}) for k, v in columns.items()]
    table = pa.table(columns, schema=pa.schema(fields, metadata={"made": "by hand"}))
    for X in (table, table.to_batches()[0]):
        for sampler in (samplers.SMOTE(random_state=0), samplers.TomekLinks()):
            X_new, _ = sampler.fit_resample(X, y)
            assert X_new.schema.equals(X.schema, check_metadata=True)


@pytest.mark.parametrize(
    "names", [pd.Index(list("abcd"), name="letters"), pd.MultiIndex.from_product([[0, 1], list("ab")])]
)
def test_a_frame_keeps_the_index_of_its_columns(names):
    columns, y = wide_rows()
    X = pd.DataFrame(columns).set_axis(names, axis=1)
    sampler = samplers.SMOTENC([3], random_state=0)
    X_new, _ = sampler.fit_resample(X, y)
    assert X_new.columns.identical(X.columns)
    assert X_new.index.equals(pd.RangeIndex(len(X_new)))
    assert replay(X, sampler.provenance_).columns.identical(X.columns)


def test_rows_that_are_not_in_memory_are_refused():
    columns, y = wide_rows()
    frame = pl.DataFrame(columns)
    for X in (frame.lazy(), duckdb.sql("SELECT * FROM frame")):
        for sampler in (samplers.SMOTE(), samplers.RandomUnderSampler()):
            with pytest.raises(
                ResamplerError, match=rf"hold its rows, got a {type(X).__name__}: call \.collect\(\) first"
            ):
                sampler.fit_resample(X, y)


@pytest.mark.parametrize("dtype", ["bool", "boolean", "bool[pyarrow]"])
def test_subgroups_are_the_same_whatever_type_of_boolean_tells_them(dtype):
    columns, y = wide_rows()
    odd = np.arange(len(y)) % 2 == 1
    X = pd.DataFrame({"amount": columns["amount"], "odd": pd.Series(odd).astype(dtype)})
    X_new, _ = samplers.SMOTE(random_state=0, group_by="odd").fit_resample(X, y)
    want, _ = samplers.SMOTE(random_state=0).fit_resample(X[["amount"]], y, groups=odd)
    assert X_new["amount"].equals(want["amount"])
    assert X_new["odd"].dtype == X["odd"].dtype


def test_subgroups_are_called_what_their_column_shows():
    columns, y = wide_rows()
    days = pd.Series(pd.date_range("2024-03-30", periods=2, tz="Europe/Paris").repeat(len(y) // 2))
    for shown in (days, days.astype("category")):
        X = pd.DataFrame({"amount": columns["amount"], "day": shown})
        sampler = samplers.SMOTE(random_state=0, group_by="day")
        X_new, _ = sampler.fit_resample(X, y)
        want, _ = samplers.SMOTE(random_state=0).fit_resample(X[["amount"]], y, groups=days.astype(str).to_numpy())
        assert X_new["amount"].equals(want["amount"])
        assert X_new["day"].dtype == shown.dtype


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "Float32"])
def test_a_missing_number_of_pandas_is_refused_with_its_remedy(dtype):
    X = pd.DataFrame({"n": pd.array([*range(59), None], dtype=dtype), "m": np.arange(60.0)})
    for sampler in (samplers.SMOTE(), samplers.SMOTEN(), samplers.TomekLinks()):
        with pytest.raises(ResamplerError, match=r"(?s)contains NaN.*Remedy: impute or drop it first"):
            sampler.fit_resample(X, np.repeat([0, 1], [45, 15]))


GAPS = ["a"] * 45 + ["b"] * 14 + [None]
WITHOUT_LABEL = {
    "list": GAPS,
    "list of numbers": [0] * 45 + [1] * 14 + [None],
    "list with NaN": [*GAPS[:-1], float("nan")],
    "tuple": tuple(GAPS),
    "column of a list": [[label] for label in GAPS],
    "objects": np.array(GAPS, dtype=object),
    "floats": np.array([0.0] * 45 + [1.0] * 14 + [np.nan]),
    "times": np.array(["2024-01-01"] * 45 + ["2025-01-01"] * 14 + ["NaT"], dtype="datetime64[ns]"),
    "pandas objects": pd.Series(GAPS, dtype=object),
    "pandas string": pd.Series(GAPS, dtype="string"),
    "pandas integers": pd.Series([0] * 45 + [1] * 14 + [None], dtype="Int64"),
    "pandas arrow": pd.Series(GAPS, dtype=pd.ArrowDtype(pa.string())),
    "pandas categories": pd.Series(pd.Categorical(GAPS)),
    "pandas frame": pd.DataFrame({"y": GAPS}),
    "polars": pl.Series(GAPS),
    "polars categories": pl.Series(GAPS, dtype=pl.Categorical),
    "polars frame": pl.DataFrame({"y": GAPS}),
    "arrow": pa.array(GAPS),
    "arrow chunks": pa.chunked_array([GAPS[:20], GAPS[20:]]),
    "arrow dictionary": pa.array(GAPS).dictionary_encode(),
}


@pytest.mark.parametrize("labels", WITHOUT_LABEL)
def test_a_row_without_a_label_is_refused_in_the_same_words_whatever_holds_it(labels):
    X, y = np.random.default_rng(0).normal(size=(60, 2)), WITHOUT_LABEL[labels]
    for sampler in map(clone, (MAKING | PICKING).values()):
        for rows in (X, pl.DataFrame(X)):
            for method in (sampler.fit_resample, sampler.fit):
                with pytest.raises(ResamplerError, match=r"^Input y contains NaN\. Remedy: give .*, or drop them$"):
                    method(rows, y)


def test_a_row_of_no_subgroup_is_found_among_times_and_in_a_list():
    days = np.array(["2024-01-01"] * 59 + ["NaT"], dtype="datetime64[ns]")
    X, y = pd.DataFrame({"n": np.arange(60.0), "day": days}), np.repeat([0, 1], [45, 15])
    with pytest.raises(ResamplerError, match="subgroup of every row, got 1 rows without"):
        samplers.SMOTE(group_by="day").fit_resample(X, y)
    with pytest.raises(ResamplerError, match="groups must say the subgroup of every row, got 1 rows without"):
        samplers.SMOTE().fit_resample(X[["n"]], y, groups=["north"] * 59 + [float("nan")])
