import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive.batch import partial_distance
from naive.online import distance

from resampler.errors import InvalidInputError
from resampler.neighbors import nearest_rows


def naive(X, ids, k, penalty):
    """Positions of the k nearest by (distance, id), a row at a time."""
    scale = np.ones(X.shape[1])
    found = []
    for i in range(len(X)):
        others = [(distance(X[j], X[i], scale, penalty), ids[j], j) for j in range(len(X)) if j != i]
        found.append([j for _, _, j in sorted(others)[:k]])
    return np.array(found)


def clustered(n, d, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(12, d)) * 4
    axes = rng.normal(size=(12, d // 4 + 1, d))
    which = rng.integers(0, 12, n)
    rows = centers[which] + np.einsum("nq,nqd->nd", rng.normal(size=(n, d // 4 + 1)), axes[which])
    return (rows + rng.normal(size=(n, d)) * 0.1).astype(np.float32)


# 130 rows and more are two cells; halves make ties, and -1 marks a numeric column.
@given(
    n=st.sampled_from([2, 3, 127, 128, 130, 300]),
    d=st.sampled_from([1, 7, 8, 9, 17]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_neighbors_are_the_naive_ones(n, d, seed, data):
    rng = np.random.default_rng(seed)
    X = (rng.integers(-4, 5, size=(n, d)) / 2).astype(np.float32)
    X[rng.random(n) < 0.2] = X[0]
    ids = rng.permutation(2 * n)[:n]
    penalty = np.where(rng.random(d) < 0.2, 0.75, -1.0)
    k = data.draw(st.integers(1, min(n - 1, 6)))
    found = nearest_rows(X, k, row_ids=ids, penalty=penalty)
    assert found.recall == 1
    rows = rng.integers(0, n, 5)
    assert np.array_equal(found.indices, nearest_rows(X, k, row_ids=ids, penalty=penalty, n_threads=2).indices)
    assert np.array_equal(found.indices[rows], nearest_rows(X, k, queries=rows, row_ids=ids, penalty=penalty).indices)
    if n <= 130:
        assert np.array_equal(found.indices, naive(X, ids, k, penalty.astype(np.float32)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_cells_give_what_a_full_distance_matrix_gives(dtype):
    X = clustered(3000, 12).astype(dtype)
    squared = ((X[:, None, :].astype(np.float64) - X[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    truth = np.argsort(squared, axis=1)[:, :5]
    assert (nearest_rows(X, 5).indices == truth).mean() > 0.9999  # float32 may swap two that are all but equal


@pytest.mark.parametrize(
    ("rows", "least"), [(clustered(20_000, 16), 0.9), (np.random.default_rng(1).normal(size=(4000, 32)), 0.9)]
)
def test_an_approximate_search_keeps_its_recall_and_its_bits(rows, least):
    exact = nearest_rows(rows, 5).indices
    one = nearest_rows(rows, 5, method="approximate", n_threads=1)
    two = nearest_rows(rows, 5, method="approximate", n_threads=2)
    assert np.array_equal(one.indices, two.indices)
    recall = np.mean([len(np.intersect1d(a, b)) / 5 for a, b in zip(exact, one.indices, strict=True)])
    assert min(recall, one.recall) >= least


def test_the_order_of_the_rows_does_not_matter():
    X, ids = clustered(1000, 6), np.arange(1000)
    shuffle = np.random.default_rng(0).permutation(1000)
    one = nearest_rows(X, 3, row_ids=ids, method="approximate").indices
    two = nearest_rows(X[shuffle], 3, row_ids=ids[shuffle], method="approximate").indices
    assert np.array_equal(shuffle[two], one[shuffle])


def test_a_row_is_never_its_own_neighbour_among_duplicates():
    X = np.ones((300, 2), dtype=np.float32)
    found = nearest_rows(X, 5).indices
    assert not (found == np.arange(300)[:, None]).any()
    assert np.array_equal(found[10], [0, 1, 2, 3, 4])


def test_bad_arguments_are_named():
    X = np.eye(5)
    with pytest.raises(InvalidInputError, match="got 'nearest'"):
        nearest_rows(X, 2, method="nearest")
    with pytest.raises(InvalidInputError, match="need at least 6 rows, got 5"):
        nearest_rows(X, 5)


@given(
    n=st.sampled_from([2, 3, 127, 128, 130, 300]),
    d=st.sampled_from([1, 2, 7, 8, 9, 17]),
    share=st.sampled_from([0.01, 0.2, 0.9]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
def test_neighbors_of_rows_with_nulls_are_the_naive_ones(n, d, share, dtype, seed):
    rng = np.random.default_rng(seed)
    X = (rng.integers(-4, 5, size=(n, d)) / 2).astype(dtype)
    X[rng.random(n) < 0.2] = X[0]
    X[rng.random((n, d)) < share] = np.nan
    X[rng.random(n) < share / 5] = np.nan  # rows without a value
    ids, k = rng.permutation(2 * n)[:n], min(n - 1, int(rng.integers(1, 7)))
    penalty = np.where(rng.random(d) < 0.2, 0.75, -1.0)
    found = nearest_rows(X, k, row_ids=ids, penalty=penalty)
    assert np.array_equal(found.indices, nearest_rows(X, k, row_ids=ids, penalty=penalty, n_threads=2).indices)
    shuffle = rng.permutation(n)
    again = nearest_rows(X[shuffle], k, row_ids=ids[shuffle], penalty=penalty).indices
    assert np.array_equal(shuffle[again], found.indices[shuffle])
    for i in rng.integers(0, n, 12):
        away = [partial_distance(X[j], X[i], penalty.astype(dtype)) for j in range(n)]
        assert found.indices[i].tolist() == sorted((j for j in range(n) if j != i), key=lambda j: (away[j], ids[j]))[:k]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_approximate_search_among_nulls_keeps_its_recall_and_its_bits(dtype):
    rows, rng, ids = clustered(20_000, 16).astype(dtype), np.random.default_rng(2), np.arange(20_000)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[rng.random(len(rows)) < 0.02] = np.nan
    exact = nearest_rows(rows, 5).indices
    one = nearest_rows(rows, 5, method="approximate", n_threads=1)
    shuffle = rng.permutation(len(rows))
    two = nearest_rows(rows[shuffle], 5, row_ids=ids[shuffle], method="approximate", n_threads=2).indices
    assert np.array_equal(shuffle[two], one.indices[shuffle])
    recall = np.mean([len(np.intersect1d(a, b)) / 5 for a, b in zip(exact, one.indices, strict=True)])
    assert min(recall, one.recall) >= 0.9


@pytest.mark.parametrize("unit", [1e-30, 1e-300])
def test_nulls_among_tiny_numbers(unit):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 4))
    X[rng.random(X.shape) < 0.2] = np.nan
    X[:, 3] = np.nan
    assert np.array_equal(nearest_rows(X * unit, 4).indices, nearest_rows(X, 4).indices)
