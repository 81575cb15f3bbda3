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


def test_groups_grow_in_proportion_and_are_not_mixed():
    X, y = overlapping()
    data = frame(X, y).assign(site=np.arange(len(X)) % 3 == 0)
    sampler = samplers.SMOTE(random_state=0, group_by="site")
    X_new, _ = sampler.fit_resample(data, y)
    made, site = sampler.provenance_, data["site"].to_numpy()
    assert np.array_equal(site[made.base], site[made.neighbor])
    assert np.array_equal(site[made.base], X_new["site"].to_numpy()[len(X) :])
    for label, asked in sampler.sampling_strategy_.items():
        share = site[y == label].mean()
        assert abs(site[made.base[made.label == label]].sum() - asked * share) <= np.count_nonzero(y == label)
    assert set(sampler.neighbors_recall_) == {(c, g) for c in (1, 2) for g in (0.0, 1.0)}
    by_number = samplers.SMOTE(random_state=0, group_by=3).fit_resample(pl.from_pandas(data), y)[0]
    assert np.array_equal(by_number.to_numpy(), X_new.to_numpy())
    for wrong in ("town", 4):
        with pytest.raises(InvalidInputError, match="group_by="):
            samplers.SMOTE(group_by=wrong).fit_resample(data, y)


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


@pytest.mark.parametrize(
    ("sampler", "data", "error", "message"),
    [
        (samplers.SMOTE(), overlapping(n=(30, 4)), InvalidInputError, "at least 6 rows of class .*1.*, got 4"),
        (samplers.SMOTE(k_neighbors=0), overlapping(), ValueError, "'k_neighbors' parameter of SMOTE"),
        (samplers.SMOTE(neighbors="near"), overlapping(), ValueError, "'neighbors' parameter of SMOTE"),
        (samplers.SMOTE(), (np.ones((5, 2)), np.ones(5)), ValueError, "more than 1 class"),
        (samplers.SMOTE(), (np.ones((5, 2)), [0, 1, 0]), ValueError, "inconsistent numbers of samples"),
        (samplers.SMOTE(), (np.empty((0, 2)), []), ValueError, "0 sample|y cannot be|minimum of 1|0 classes|empty"),
        (samplers.SMOTE(), (np.full((20, 2), np.nan), [0] * 14 + [1] * 6), ValueError, "contains NaN"),
        (samplers.SMOTE(), (np.full((20, 2), np.inf), [0] * 14 + [1] * 6), ValueError, "contains infinity"),
        (
            samplers.SMOTE(),
            (np.full((20, 2), 1e20), [0] * 14 + [1] * 6),
            InvalidInputError,
            "'column 0' must be finite",
        ),
        (samplers.SMOTE(), (np.full((20, 2), "a"), [0] * 14 + [1] * 6), ValueError, "could not convert|numeric"),
        (samplers.ADASYN(), (np.arange(40.0)[:, None], [0] * 30 + [1] * 10), RuntimeError, "ADASYN|got none"),
        (
            samplers.KMeansSMOTE(cluster_balance_threshold=10, kmeans_estimator=2),
            overlapping(),
            RuntimeError,
            "lower cluster_balance_threshold",
        ),
        (
            samplers.EditedNearestNeighbours(n_neighbors=50),
            overlapping(n=(20, 9)),
            InvalidInputError,
            "51 rows, got 29",
        ),
        (samplers.SMOTENC([0, 1]), (np.ones((20, 2)), [0] * 14 + [1] * 6), ValueError, "only with categorical"),
    ],
)
def test_bad_input_is_named(sampler, data, error, message):
    X, y = data
    if isinstance(sampler, samplers.ADASYN):
        X = np.where(np.arange(40) < 30, X[:, 0], X[:, 0] + 1e6)[:, None]
    with pytest.raises(error, match=message):
        sampler.fit_resample(X, y)


def test_a_class_without_danger_is_left_with_a_warning():
    X, y = overlapping(n=(60, 20))
    X[y == 1] += 100
    with pytest.warns(samplers.ShortfallWarning, match="made 0 of 40 synthetic rows: no row is in danger"):
        X_new, _ = samplers.BorderlineSMOTE(random_state=0).fit_resample(X, y)
    assert len(X_new) == len(X)


def test_a_pipeline_resamples_inside_the_folds_only():
    X, y = overlapping(n=(300, 40))
    pipe = make_pipeline(samplers.SMOTE(random_state=0), LogisticRegression())
    assert cross_val_score(pipe, X, y, scoring="balanced_accuracy").mean() > 0.7
