"""What holds for every over-sampler on any rows: counts, segments, replay, and that nothing but the seed draws."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from resampler import samplers
from resampler.errors import InvalidInputError
from resampler.samplers import replay

OVER = {
    "smote": samplers.SMOTE,
    "approximate": lambda **kw: samplers.SMOTE(neighbors="approximate", **kw),
    "grouped": lambda **kw: samplers.SMOTE(group_by=0, **kw),
    "borderline-1": samplers.BorderlineSMOTE,
    "borderline-2": lambda **kw: samplers.BorderlineSMOTE(kind="borderline-2", **kw),
    "adasyn": samplers.ADASYN,
    "svm": samplers.SVMSMOTE,
    "kmeans": lambda **kw: samplers.KMeansSMOTE(kmeans_estimator=2, cluster_balance_threshold=0.01, **kw),
    "nc": lambda **kw: samplers.SMOTENC([0], **kw),
    "embedding": samplers.EmbeddingSMOTE,
}
seeds = st.integers(0, 2**32 - 1)


@st.composite
def data_sets(draw):
    """Two or three classes that overlap, values that tie, a column of few values, a third of the rows twice."""
    rng = np.random.default_rng(draw(seeds))
    counts = draw(st.sampled_from([(60, 9), (200, 40), (80, 12, 30)]))
    y = np.repeat(np.arange(len(counts)), counts)
    X = rng.normal(size=(len(y), draw(st.integers(2, 9)))) * 3 + y[:, None]
    X[:, 0] = rng.integers(0, 2, len(y))
    X = np.round(X, draw(st.sampled_from([0, 1, 8])))
    X[: len(y) // 3] = X[-(len(y) // 3) :]
    order = rng.permutation(len(y))
    return X.astype(draw(st.sampled_from(["float32", "float64", "int32"])))[order], y[order]


def fit(name, X, y, seed, wanted):
    """Resample; a method that has nothing to make rows from says so, and that is no counterexample."""
    sampler = OVER[name](random_state=seed, sampling_strategy=wanted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", samplers.ContrastWarning)
        warnings.filterwarnings("ignore", "class .* are all equal, so these are copies")
        warnings.simplefilter("error", samplers.ShortfallWarning)
        try:
            return sampler, *sampler.fit_resample(X, y)
        except (InvalidInputError, samplers.ShortfallWarning) as said:
            if "synthetic rows" not in str(said):  # how many fell short
                raise
            assume(False)


@pytest.mark.parametrize("name", OVER)
@given(data=data_sets(), seed=seeds, more=st.integers(0, 150))
@settings(max_examples=15)
def test_counts_segments_and_replay(name, data, seed, more):
    X, y = data
    sampler, X_new, y_new = fit(name, X, y, seed, {1: int((y == 1).sum()) + more})
    made, n = sampler.provenance_, len(y)
    assert np.bincount(y_new).tolist() == (np.bincount(y) + more * (np.arange(y.max() + 1) == 1)).tolist()
    assert np.array_equal(X_new[:n], X)
    assert (y[made.base] == 1).all()
    assert (made.base != made.neighbor).all()
    assert np.array_equal(replay(X, made), X_new[n:])
    low, high = np.minimum(X[made.base], X[made.neighbor]), np.maximum(X[made.base], X[made.neighbor])
    inside = (X_new[n:] >= low) & (X_new[n:] <= high)
    numeric = np.setdiff1d(np.arange(X.shape[1]), made.categorical_features)
    assert inside[:, numeric][made.step >= 0].all()
    assert (made.step[~inside[:, numeric].all(axis=1)] < 0).all()  # SVMSMOTE leaves a segment on the far side alone
    if name == "grouped":
        assert np.array_equal(X[made.base, 0], X[made.neighbor, 0])


@pytest.mark.parametrize("name", OVER)
@given(data=data_sets(), seed=seeds, rows=st.integers(1, 90), cells=st.integers(1, 3))
@settings(max_examples=8)
def test_threads_and_chunks_change_no_byte(name, data, seed, rows, cells):
    X, y = data
    _, X_new, _ = fit(name, X, y, seed, {1: int((y == 1).sum()) + 100})
    for threads in (1, 2, 4):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("numba.config.NUMBA_NUM_THREADS", threads)
            patch.setattr("resampler.methods.plan._ROWS_A_TASK", rows)
            patch.setattr("resampler.methods.place._ROWS_A_TASK", rows)
            patch.setattr("resampler.cells.CELLS_AT_ONCE", cells)
            assert fit(name, X, y, seed, {1: int((y == 1).sum()) + 100})[1].tobytes() == X_new.tobytes()


@pytest.mark.parametrize("name", OVER)
@given(data=data_sets(), seed=seeds)
@settings(max_examples=8)
def test_a_thousand_rows_are_the_first_of_two_thousand(name, data, seed):
    X, y = data
    held = int((y == 1).sum())
    few, more = (fit(name, X, y, seed, {1: held + n}) for n in (1000, 2000))
    if name == "grouped":  # subgroup by subgroup, each a prefix
        for value in (0, 1):
            a, b = (s.provenance_ for s, *_ in (few, more))
            a, b = (replay(X, p)[X[p.base, 0] == value] for p in (a, b))
            assert np.array_equal(a, b[: len(a)])
    else:
        assert np.array_equal(few[1][len(y) :], more[1][len(y) : len(y) + 1000])


@given(data=data_sets(), seed=seeds, extra=st.integers(0, 30))
@settings(max_examples=15)
def test_neither_the_majority_nor_another_class_matters_to_smote(data, seed, extra):
    X, y = data
    asked = {1: int((y == 1).sum()) + 100}
    made = fit("smote", X, y, seed, asked)[1][len(y) :]
    rng = np.random.default_rng(seed)
    wide = np.concatenate([X, X[rng.integers(0, len(y), extra)]])
    labels = np.concatenate([y, rng.choice([0, 7], extra)])
    order = np.argsort(rng.random(len(labels)))
    order = np.concatenate([order[labels[order] != 1], np.flatnonzero(labels == 1)])  # its own rows keep their order
    assert np.array_equal(fit("smote", wide[order], labels[order], seed, asked)[1][len(labels) :], made)
    if len(set(y)) == 3:
        both = fit("smote", X, y, seed, {**asked, 2: int((y == 2).sum()) + 50})[1][len(y) :]
        assert np.array_equal(both[:100], made)


@given(data=data_sets(), seed=seeds, kind=st.sampled_from(["csr", "csc"]))
@settings(max_examples=10)
def test_sparse_rows_are_the_dense_ones(data, seed, kind):
    X, y = data
    asked = {1: int((y == 1).sum()) + 60}
    sampler, X_new, _ = fit("smote", sparse.csr_matrix(X).asformat(kind), y, seed, asked)
    assert X_new.format == kind
    assert np.array_equal(X_new.toarray(), fit("smote", X, y, seed, asked)[1])
    assert np.array_equal(replay(sparse.csr_matrix(X), sampler.provenance_).toarray(), X_new.toarray()[len(y) :])
