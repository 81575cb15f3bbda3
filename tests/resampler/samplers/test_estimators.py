import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn import over_sampling, under_sampling
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import OneHotEncoder

from resampler import samplers
from resampler.errors import InvalidInputError
from resampler.samplers import replay

OVER = {
    "smote": samplers.SMOTE,
    "borderline-1": samplers.BorderlineSMOTE,
    "borderline-2": lambda **kw: samplers.BorderlineSMOTE(kind="borderline-2", **kw),
    "adasyn": samplers.ADASYN,
    "svm": samplers.SVMSMOTE,
    "kmeans": lambda **kw: samplers.KMeansSMOTE(kmeans_estimator=4, cluster_balance_threshold=0.01, **kw),
}


def overlapping(seed=0, n=(300, 60, 40), d=4, dtype="float64"):
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.normal(size=(m, d)) + at for m, at in zip(n, (0, 1.2, -1.2), strict=False)])
    order = rng.permutation(len(X))
    return X.astype(dtype)[order], np.repeat(np.arange(len(n)), n)[order]


@pytest.mark.parametrize("name", OVER)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "float16"])
def test_counts_are_exact_and_every_row_lies_where_its_provenance_says(name, dtype):
    X, y = overlapping()
    X = (X * 10).astype(dtype)
    sampler = OVER[name](random_state=7, sampling_strategy={1: 237, 2: 141})
    X_new, y_new = sampler.fit_resample(X, y)
    assert np.array_equal(np.bincount(y_new), [300, 237, 141])
    assert X_new.dtype == X.dtype
    assert np.array_equal(X_new[: len(X)], X)
    made = sampler.provenance_
    assert np.array_equal(made.label, y_new[len(y) :])
    assert np.array_equal(y[made.base], made.label)
    assert (made.base != made.neighbor).all()
    rows = X.astype("float32" if dtype == "float32" else "float64")
    between = rows[made.base] + made.step[:, None] * (rows[made.neighbor] - rows[made.base])
    assert np.array_equal(
        X_new[len(X) :], np.rint(between).astype(dtype) if dtype == "int64" else between.astype(dtype)
    )
    assert np.array_equal(replay(X, made), X_new[len(X) :])


def test_neighbours_are_those_of_scikit_learn():
    X, y = overlapping()
    sampler = samplers.SMOTE(random_state=0, sampling_strategy={1: 2000}, k_neighbors=3)
    sampler.fit_resample(X, y)
    members = np.flatnonzero(y == 1)
    near = NearestNeighbors(n_neighbors=4).fit(X[members]).kneighbors(return_distance=False)[:, :3]
    pairs = set(zip(sampler.provenance_.base, sampler.provenance_.neighbor, strict=True))
    assert pairs == {(members[b], members[a]) for b in range(len(members)) for a in near[b]}
    assert sampler.neighbors_recall_ == {1: 1.0}


def test_fewer_rows_are_the_first_of_more_and_classes_do_not_touch_each_other():
    X, y = overlapping()
    few, more = (
        samplers.SMOTE(random_state=3, sampling_strategy={1: n}).fit_resample(X, y)[0][len(X) :] for n in (160, 290)
    )
    assert np.array_equal(few, more[:100])
    alone = samplers.SMOTE(random_state=3, sampling_strategy={1: 160}).fit_resample(X[y != 2], y[y != 2])[0]
    assert np.array_equal(few, alone[-100:])
    double = np.concatenate([X, X[y == 0] + 0.5]), np.concatenate([y, y[y == 0]])
    assert np.array_equal(
        few, samplers.SMOTE(random_state=3, sampling_strategy={1: 160}).fit_resample(*double)[0][-100:]
    )
    twins = np.concatenate([X, X[y == 1]]), np.concatenate([y, np.full(60, 9)])
    steps = samplers.SMOTE(random_state=3, sampling_strategy={1: 160, 9: 160})
    steps.fit_resample(*twins)
    assert not np.array_equal(steps.provenance_.step[:100], steps.provenance_.step[100:])


@pytest.mark.parametrize("name", OVER)
def test_threads_change_nothing(name, monkeypatch):
    X, y = overlapping(n=(3000, 600))
    many = OVER[name](random_state=1).fit_resample(X, y)[0]
    monkeypatch.setattr("numba.config.NUMBA_NUM_THREADS", 1)
    assert np.array_equal(many, OVER[name](random_state=1).fit_resample(X, y)[0])


@pytest.mark.parametrize("kind", ["csr", "csc"])
@pytest.mark.parametrize("name", ["smote", "borderline-1", "adasyn"])
def test_sparse_rows_are_the_dense_ones(name, kind):
    X, y = overlapping()
    X[np.abs(X) < 0.5] = 0
    dense = OVER[name](random_state=0).fit_resample(X, y)[0]
    sampler = OVER[name](random_state=0)
    made, _ = sampler.fit_resample(sparse.csr_matrix(X).asformat(kind), y)
    assert made.format == kind
    assert np.array_equal(made.toarray(), dense)
    assert np.array_equal(replay(sparse.csr_matrix(X).asformat(kind), sampler.provenance_).toarray(), dense[len(X) :])


@pytest.mark.parametrize("array", [sparse.csr_matrix, sparse.csr_array])
@pytest.mark.parametrize("kind", ["coo", "dok", "lil", "bsr", "dia", "csr", "csc"])
def test_any_sparse_format_is_replayed_and_grouped_by(kind, array):
    X, y = overlapping()
    X = np.column_stack([np.where(np.abs(X) < 0.5, 0, X), np.arange(len(X)) % 2])
    given = array(X).asformat(kind)
    for sampler in (
        samplers.SMOTE(random_state=0),
        samplers.SMOTE(group_by=X.shape[1] - 1, random_state=0),
        samplers.SMOTENC([X.shape[1] - 1], random_state=0),
        samplers.EmbeddingSMOTE(random_state=0),
        samplers.EmbeddingSMOTE(inverse="nearest", random_state=0),
        samplers.RandomOverSampler(random_state=0),
    ):
        X_new, _ = sampler.fit_resample(given, y)
        again = replay(given, sampler.provenance_)
        assert type(X_new) is type(array(X).asformat(kind if kind == "csc" else "csr"))
        if getattr(sampler, "inverse", "none") == "none":
            assert type(again) is type(X_new)
            assert np.array_equal(again.toarray(), X_new[len(y) :].toarray())


def frame(X, y):
    # "visits" has mean 4.2 and more: truncated towards zero it would drop by a half.
    return pd.DataFrame({"a": X[:, 0], "b": X[:, 1].astype("float32"), "visits": np.rint(X[:, 2] * 3 + 5).astype(int)})


@pytest.mark.parametrize("kind", ["numpy", "nullable", "arrow"])
def test_pandas_keeps_its_dtypes_and_whole_numbers_are_rounded(kind):
    X, y = overlapping()
    data, labels = frame(X, y), pd.Series(y, name="y")
    if kind != "numpy":
        backend = "numpy_nullable" if kind == "nullable" else "pyarrow"
        data, labels = data.convert_dtypes(dtype_backend=backend), labels.convert_dtypes(dtype_backend=backend)
    sampler = samplers.SMOTE(random_state=0)
    X_new, y_new = sampler.fit_resample(data, labels)
    assert X_new.dtypes.tolist() == data.dtypes.tolist()
    assert y_new.dtype == labels.dtype
    made = sampler.provenance_
    v = data["visits"].to_numpy(dtype=float)
    between = v[made.base] + made.step * (v[made.neighbor] - v[made.base])
    assert np.abs(X_new["visits"].to_numpy(dtype=float)[len(X) :] - between).max() <= 0.5
    rebuilt = replay(data, made)
    assert rebuilt.dtypes.tolist() == data.dtypes.tolist()
    assert rebuilt.equals(X_new.iloc[len(X) :].reset_index(drop=True))


ALL = [
    *OVER.values(),
    samplers.RandomOverSampler,
    samplers.RandomUnderSampler,
    samplers.SMOTEENN,
    samplers.SMOTETomek,
    lambda **_: samplers.TomekLinks(),
    lambda **_: samplers.EditedNearestNeighbours(),
]


@pytest.mark.parametrize("make", ALL)
def test_polars_and_arrow_are_what_pandas_is(make):
    X, y = overlapping()
    data = frame(X, y)
    want, want_y = make(random_state=0).fit_resample(data, y)
    polars, arrow = pl.from_pandas(data), pa.Table.from_pandas(data, preserve_index=False)
    got, got_y = make(random_state=0).fit_resample(polars, pl.Series("y", y))
    assert isinstance(got_y, pl.Series)
    assert got.schema == polars.schema
    assert np.array_equal(got_y.to_numpy(), want_y)
    assert np.array_equal(got.to_numpy(), want.to_numpy())
    table, table_y = make(random_state=0).fit_resample(arrow, pa.array(y))
    assert table.schema == arrow.schema
    assert isinstance(table_y, pa.Array)
    assert np.array_equal(table.to_pandas().to_numpy(), want.to_numpy())


def test_replay_takes_polars_back():
    data, y = pl.from_pandas(frame(*overlapping())), overlapping()[1]
    sampler = samplers.SMOTE(random_state=0)
    X_new, _ = sampler.fit_resample(data, y)
    assert replay(data, sampler.provenance_).equals(X_new[len(data) :])
    with pytest.raises(InvalidInputError, match="X has 9 rows"):
        replay(data[:9], sampler.provenance_)


def test_duplicates_still_give_new_rows():
    rng = np.random.default_rng(0)
    X = np.concatenate([np.repeat(rng.normal(size=(6, 2)), 2, axis=0), rng.normal(size=(40, 2))])
    y = np.repeat([1, 0], [12, 40])
    for k in (5, NearestNeighbors(n_neighbors=6)):
        sampler = samplers.SMOTE(random_state=0, k_neighbors=k)
        X_new, _ = sampler.fit_resample(X, y)
        assert (sampler.provenance_.base != sampler.provenance_.neighbor).all()
        assert len(np.unique(X_new[len(X) :], axis=0)) > 14


def test_adasyn_and_borderline_choose_the_rows_of_imbalanced_learn():
    X, y = overlapping()
    ours, theirs = samplers.BorderlineSMOTE(random_state=0), over_sampling.BorderlineSMOTE(random_state=0)
    ours.fit_resample(X, y)
    theirs.fit_resample(X, y)
    assert {c: i.tolist() for c, i in ours.in_danger_indices.items()} == {
        c: i.tolist() for c, i in theirs.in_danger_indices.items()
    }
    adasyn = samplers.ADASYN(random_state=0, sampling_strategy={1: 260})
    adasyn.fit_resample(X, y)
    members = np.flatnonzero(y == 1)
    near = NearestNeighbors(n_neighbors=6).fit(X).kneighbors(X[members], return_distance=False)[:, 1:]
    share = (y[near] != 1).mean(axis=1)
    quota = 200 * share / share.sum()
    assert np.abs(np.bincount(adasyn.provenance_.base, minlength=len(X))[members] - quota).max() < 1


@pytest.mark.parametrize("strategy", ["auto", "all", "majority", "not majority", [0, 2]])
def test_cleaners_keep_the_rows_that_imbalanced_learn_keeps(strategy):
    X, y = overlapping(n=(900, 300, 200))
    for ours, theirs in [
        (samplers.TomekLinks, under_sampling.TomekLinks),
        (samplers.EditedNearestNeighbours, under_sampling.EditedNearestNeighbours),
    ]:
        a, b = ours(sampling_strategy=strategy), theirs(sampling_strategy=strategy)
        a.fit_resample(X, y)
        b.fit_resample(X, y)
        assert np.array_equal(a.sample_indices_, b.sample_indices_)
    for settings_ in ({"kind_sel": "mode"}, {"n_neighbors": 5}, {"n_neighbors": NearestNeighbors(n_neighbors=4)}):
        a = samplers.EditedNearestNeighbours(sampling_strategy=strategy, **settings_)
        b = under_sampling.EditedNearestNeighbours(sampling_strategy=strategy, **settings_)
        a.fit_resample(X, y)
        b.fit_resample(X, y)
        assert np.array_equal(a.sample_indices_, b.sample_indices_)


@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 4), n=st.integers(8, 60))
@settings(max_examples=25)
def test_tomek_links_are_mutual_nearest_neighbours_of_two_classes(seed, classes, n):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 6, size=(n, 2)).astype(float)
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    squared = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    nearest = squared.argmin(axis=1)  # ties to the lowest position
    linked = [i for i in range(n) if nearest[nearest[i]] == i and y[i] != y[nearest[i]]]
    sampler = samplers.TomekLinks(sampling_strategy="all")
    sampler.fit_resample(X, y)
    assert np.array_equal(sampler.sample_indices_, np.setdiff1d(np.arange(n), linked))


def test_combined_samplers_keep_the_provenance_of_what_stays():
    X, y = overlapping()
    for sampler in (samplers.SMOTEENN(random_state=0), samplers.SMOTETomek(random_state=0)):
        X_new, y_new = sampler.fit_resample(X, y)
        rows = {tuple(row) for row in X_new}
        made = replay(X, sampler.provenance_)
        assert len(made)
        assert all(tuple(row) in rows for row in made)
        n_real = sum(tuple(row) in {tuple(r) for r in X} for row in X_new)
        assert n_real + len(made) == len(X_new) == len(y_new)


def test_a_smaller_random_sample_is_part_of_a_larger():
    X, y = overlapping()
    few, more = (samplers.RandomUnderSampler(random_state=5, sampling_strategy={0: n}).fit(X, y) for n in (50, 100))
    few.fit_resample(X, y), more.fit_resample(X, y)
    assert set(few.sample_indices_) < set(more.sample_indices_)
    rows = [
        samplers.RandomOverSampler(random_state=5, shrinkage=0.3, sampling_strategy={1: n}).fit_resample(X, y)[0][
            len(X) :
        ]
        for n in (100, 200)
    ]
    assert np.array_equal(rows[0], rows[1][:40])
    assert len(np.unique(rows[1], axis=0)) == 140


FEW = overlapping(n=(30, 4))
ROWS = np.random.default_rng(0).normal(size=(20, 2))
LABELS = np.repeat([0, 1], [14, 6])
ZONED = pd.Series(pd.to_datetime(["2024-01-01", "2025-01-01"], utc=True))


@pytest.mark.parametrize(
    ("sampler", "X", "y", "error", "message"),
    [
        (samplers.SMOTE(), *FEW, InvalidInputError, "at least 6 rows of class 1, got 4, so 0 of 26 .*: ask for fewer"),
        (samplers.SMOTE(k_neighbors=0), ROWS, LABELS, ValueError, "'k_neighbors' .*Got 0 .*Remedy: give k_neighbors"),
        (samplers.SMOTE(k_neighbors="5"), ROWS, LABELS, TypeError, "'k_neighbors' .*Got '5'"),
        (samplers.SMOTE(neighbors="near"), ROWS, LABELS, ValueError, "'neighbors' .*Remedy: give neighbors"),
        (samplers.SMOTE(random_state=-1), ROWS, LABELS, ValueError, "'random_state' .*Remedy: give random_state"),
        (samplers.SMOTE(), ROWS, LABELS * 0, ValueError, "more than 1 class.*Remedy: y needs rows of at least two"),
        (samplers.SMOTE(), ROWS, LABELS[:9], ValueError, r"\[20, 9\].*Remedy: X and y need one entry a row"),
        (samplers.SMOTE(), ROWS[:0], LABELS[:0], ValueError, "0 sample.*Remedy: X needs at least one row"),
        (samplers.SMOTE(), ROWS[:, :0], LABELS, ValueError, "0 feature.*Remedy: X needs at least one row"),
        (samplers.SMOTE(), ROWS[:, 0], LABELS, ValueError, "Remedy: give X as rows by columns"),
        (samplers.SMOTE(), None, LABELS, ValueError, "Remedy: give X as rows by columns"),
        (samplers.SMOTE(), ROWS, None, ValueError, "Remedy: give X as rows by columns and a label a row"),
        (samplers.SMOTE(), np.where(ROWS > 1, np.nan, ROWS), LABELS, ValueError, "contains NaN[^$]*Remedy: impute"),
        (samplers.SMOTE(), np.where(ROWS > 1, np.inf, ROWS), LABELS, ValueError, "contains infinity.*Remedy: impute"),
        (
            samplers.SMOTE(),
            ROWS * 0 + 1e20,
            LABELS,
            InvalidInputError,
            "'column 0' must be finite and .*: drop, impute",
        ),
        (samplers.SMOTE(), ROWS.astype(str), LABELS, ValueError, "Remedy: encode such columns first, or use SMOTENC"),
        (samplers.SMOTE(), ROWS + 1j, LABELS, ValueError, "Remedy: split real and imaginary"),
        (samplers.SMOTE(), ROWS, ROWS[:, 0], ValueError, "Remedy: bin y into classes"),
        (samplers.SMOTE(), ROWS, LABELS.astype(object), ValueError, r"unknown.*Remedy: .* y\.astype\(int\) or"),
        (samplers.SMOTE(), ROWS, pl.Series(LABELS).cast(pl.Decimal(9, 0)), ValueError, r"Remedy: .* y\.astype\(int"),
        (samplers.SMOTE(), ROWS, ZONED[LABELS], ValueError, r"Remedy: .* or y\.astype\(str\)"),
        (samplers.SMOTE(), ROWS, LABELS.astype("S"), TypeError, "bytes.*Remedy: decode them"),
        (samplers.SMOTE(), pl.LazyFrame(ROWS), LABELS, InvalidInputError, r"got a LazyFrame: call \.collect\(\)"),
        (samplers.SMOTE(sampling_strategy=0.1), ROWS, LABELS, ValueError, "Remedy: raise sampling_strategy"),
        (samplers.SMOTE(sampling_strategy={1: 3}), ROWS, LABELS, ValueError, "6 samples and 3 .*Remedy: raise"),
        (samplers.SMOTE(sampling_strategy={7: 9}), ROWS, LABELS, ValueError, "The .7. target .*Remedy: take it out"),
        (samplers.SMOTE(sampling_strategy=0.5), ROWS, np.arange(20) % 3, ValueError, "Remedy: give a count for each"),
        (samplers.SMOTENC([0, 1]), ROWS, LABELS, ValueError, "only with categorical.*Remedy: use SMOTEN, or"),
        (samplers.SMOTENC([9]), ROWS, LABELS, ValueError, "Remedy: change categorical_features"),
        (
            samplers.SMOTENC([0], categorical_encoder=OneHotEncoder(categories=[[0.0]])),
            np.abs(np.rint(ROWS)),
            LABELS,
            ValueError,
            "unknown categories .* in column 0.*Remedy: give categorical_encoder all categories",
        ),
        (
            samplers.ADASYN(no_danger="error"),
            ROWS + 1e6 * LABELS[:, None],
            LABELS,
            RuntimeError,
            "0 of 8 synthetic rows could be made: no row of class 1 is in danger",
        ),
        (
            samplers.KMeansSMOTE(cluster_balance_threshold=10, kmeans_estimator=2),
            ROWS,
            LABELS,
            RuntimeError,
            "so 0 of 8 synthetic rows could be made: lower k_neighbors, use smote",
        ),
        (samplers.KMeansSMOTE(kmeans_estimator=99), ROWS, LABELS, ValueError, "Remedy: lower kmeans_estimator"),
        (samplers.EditedNearestNeighbours(n_neighbors=50), ROWS, LABELS, InvalidInputError, "51 rows, got 20: lower"),
        (samplers.RandomOverSampler(shrinkage=-1.0), ROWS, LABELS, ValueError, "'shrinkage' .*Remedy: give shrinkage"),
    ],
)
def test_bad_input_is_named(sampler, X, y, error, message):
    with pytest.raises(error, match=message) as refused:
        sampler.fit_resample(X, y)
    assert isinstance(refused.value, InvalidInputError)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("n_labels", [9, 30])
@pytest.mark.parametrize(
    "sampler", [samplers.RandomOverSampler(), samplers.RandomUnderSampler(), samplers.SMOTENC([0]), samplers.SMOTEN()]
)
def test_rows_and_labels_of_other_lengths_are_refused(sampler, n_labels, container):
    with pytest.raises(
        InvalidInputError, match=rf"inconsistent numbers of samples: \[20, {n_labels}\]. Remedy: X and y"
    ):
        sampler.fit_resample(container(np.rint(ROWS)), np.arange(n_labels) % 3 // 2)


@pytest.mark.parametrize(
    ("make", "X", "message"),
    [
        (samplers.SMOTE, None, r"X must be rows by columns, got shape \(\): give the X that was resampled"),
        (samplers.SMOTE, ROWS[:, 0], r"got shape \(20,\)"),
        (samplers.SMOTE, [1.0] * 20, r"got shape \(20,\)"),
        (samplers.SMOTE, pl.Series(ROWS[:, 0]), r"got shape \(20,\)"),
        (samplers.RandomOverSampler, ROWS[:, :1], "provenance names column 1, X has 1 columns"),
    ],
)
def test_replay_refuses_rows_of_another_shape(make, X, message):
    sampler = make(random_state=0)
    sampler.fit_resample(ROWS, LABELS)
    with pytest.raises(InvalidInputError, match=message):
        replay(X, sampler.provenance_)


def test_constant_columns_are_fine_and_equal_rows_are_said():
    X, y = overlapping(n=(60, 20))
    X[:, 1] = 3
    assert (samplers.SMOTE(random_state=0).fit_resample(X, y)[0][:, 1] == 3).all()
    with pytest.warns(UserWarning, match="class 1: the 20 rows that synthetic ones start from are all equal"):
        made, _ = samplers.SMOTE(random_state=0).fit_resample(X * 0, y)
    assert made.shape == (120, 4)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, pd.DataFrame, pl.DataFrame])
def test_rows_drawn_again_have_a_provenance_too(container):
    X, y = overlapping()
    given = container(X)
    sampler = samplers.RandomOverSampler(random_state=0)
    X_new, y_new = sampler.fit_resample(given, y)
    made, again = sampler.provenance_, replay(given, sampler.provenance_)
    assert np.array_equal(y[made.base], y_new[len(y) :])
    rows = [rows.toarray() if sparse.issparse(rows) else np.asarray(rows) for rows in (X_new, again)]
    assert np.array_equal(rows[0][len(y) :], rows[1])
    moved, _ = sampler.set_params(shrinkage=1.0).fit_resample(given, y)
    rows = [a.toarray() if sparse.issparse(a) else np.asarray(a) for a in (moved, replay(given, sampler.provenance_))]
    assert np.array_equal(rows[0][len(y) :], rows[1])
    assert not np.array_equal(rows[1], np.asarray(X)[sampler.provenance_.base])


def test_tables_of_any_types_come_through_what_only_picks_rows():
    table = pa.table(
        {
            "text": pa.array(["a", None, "b"] * 50),
            "time": pa.array(np.arange(150), pa.timestamp("us")),
            "whole": pa.array([None, *range(149)], pa.int32()),
            "list": pa.array([[1, 2]] * 150),
        }
    )
    y = np.repeat([0, 1], [120, 30])
    for sampler in (samplers.RandomOverSampler(random_state=0), samplers.RandomUnderSampler(random_state=0)):
        arrow, _ = sampler.fit_resample(table, y)
        assert arrow.equals(table.take(sampler.sample_indices_))
        polars, labels = sampler.fit_resample(pl.from_arrow(table), pl.DataFrame({"y": y}))
        assert polars.equals(pl.from_arrow(arrow))
        assert labels.schema == {"y": pl.Int64}


@pytest.mark.parametrize("method", [samplers.BorderlineSMOTE, samplers.ADASYN])
def test_a_class_without_danger_gets_the_plain_rows_with_a_warning_or_none(method):
    X, y = overlapping(n=(60, 20))
    X[y == 1] += 100
    with pytest.warns(samplers.ShortfallWarning, match="no row of class 1 is in danger.*: use smote") as told:
        X_new, _ = method(random_state=0).fit_resample(X, y)
    assert told[0].filename == __file__
    assert np.array_equal(X_new, samplers.SMOTE(random_state=0).fit_resample(X, y)[0])
    with pytest.raises(InvalidInputError, match="0 of 40 synthetic rows could be made: no row of class 1"):
        method(random_state=0, no_danger="error").fit_resample(X, y)


def test_a_pipeline_resamples_inside_the_folds_only():
    X, y = overlapping(n=(300, 40))
    pipe = make_pipeline(samplers.SMOTE(random_state=0), LogisticRegression())
    assert cross_val_score(pipe, X, y, scoring="balanced_accuracy").mean() > 0.7
