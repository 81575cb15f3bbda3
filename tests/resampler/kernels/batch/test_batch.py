"""Each kernel of the batch side against naive loops, bytes for bytes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import batch as naive_batch

from resampler.kernels.batch import cells as cell_kernels
from resampler.kernels.batch import neighbors as neighbor_kernels
from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS

seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.float32, np.float64])


def rows_of(rng, n, d, dtype):
    """Gaussian rows, some of them equal, some on a grid: distances tie, and projections too."""
    X = rng.normal(size=(n, d)) * rng.gamma(1.0, 2.0, d)
    X[rng.random(n) < 0.3] = np.round(X[0])
    if rng.random() < 0.5:
        X = np.round(X)
    return X.astype(dtype)


def cells_of(X, inverse_scale, numeric, order):
    n_cells, width = -(-len(X) // CELL_ROWS), -(-X.shape[1] // UNROLLED_COLUMNS) * UNROLLED_COLUMNS
    cells = np.full((n_cells, width, CELL_ROWS), np.nan, dtype=X.dtype)
    boxes = [np.full((n_cells, width), np.nan, dtype=X.dtype) for _ in range(3)]
    cell_kernels.fill(X, inverse_scale, numeric, order, cells, *boxes)
    return cells, *boxes


@given(n=st.sampled_from([1, 5, 128, 129, 300, 700]), d=st.integers(1, 5), dtype=dtypes, seed=seeds)
@settings(max_examples=15)
def test_bisect(n, d, dtype, seed):
    rng = np.random.default_rng(seed)
    X, inverse = rows_of(rng, n, d, dtype), (rng.random(d) + 0.5).astype(dtype)
    inverse[rng.random(d) < 0.2] = 0  # a categorical column
    order = rng.permutation(n)
    want = naive_batch.bisect(X, inverse, order)
    cell_kernels.bisect(X, inverse, order)
    assert order.tolist() == want


@given(n=st.integers(1, 200), d=st.integers(1, 6), dtype=dtypes, seed=seeds)
@settings(max_examples=25)
def testwidest_direction(n, d, dtype, seed):
    rng = np.random.default_rng(seed)
    X, inverse = rows_of(rng, n, d, dtype), (rng.random(d) + 0.5).astype(dtype)
    direction = np.empty(d)
    column = cell_kernels.widest_direction(X, inverse, np.arange(n), 0, n, np.empty(d), direction)
    assert column == (direction.argmax() if np.count_nonzero(direction) == 1 else -1)
    assert direction.tolist() == naive_batch.widest_direction(X * inverse)


@given(n=st.integers(1, 300), d=st.sampled_from([1, 7, 8, 9]), dtype=dtypes, seed=seeds)
@settings(max_examples=25)
def test_fill(n, d, dtype, seed):
    rng = np.random.default_rng(seed)
    X, inverse, numeric = rows_of(rng, n, d, dtype), (rng.random(d) + 0.5).astype(dtype), rng.random(d) < 0.8
    order = rng.permutation(n)
    cells, *boxes = cells_of(X, inverse, numeric, order)
    for c in range(len(cells)):
        members = order[c * CELL_ROWS : (c + 1) * CELL_ROWS]
        rows = X[members] * inverse
        assert np.array_equal(cells[c, :d, : len(members)], rows.T)
        assert not cells[c, d:].any()
        assert not cells[c, :, len(members) :].any()
        for ours, naive in zip(boxes, naive_batch.mean_and_box(rows, numeric), strict=True):
            assert np.array_equal(ours[c, :d], naive)
            assert not ours[c, d:].any()


@given(d=st.sampled_from([1, 7, 8, 9, 17]), dtype=dtypes, seed=seeds, limit=st.floats(0, 50))
@settings(max_examples=40)
def test_distances(d, dtype, seed, limit):
    rng = np.random.default_rng(seed)
    X = rows_of(rng, CELL_ROWS, d, dtype)
    penalty = np.where(rng.random(d) < 0.3, 0.75, -1).astype(dtype)
    cells, *_ = cells_of(X, np.ones(d, dtype), penalty < 0, np.arange(CELL_ROWS))
    out, bound = np.empty(CELL_ROWS, dtype), np.array([limit], dtype)
    bits = np.int32 if dtype == np.float32 else np.int64
    queries = np.ascontiguousarray(cells[0].T[:3])
    whole = neighbor_kernels._distances(cells, 0, queries, 2, penalty, bound.view(bits)[0], out.view(bits), out)
    want = [naive_batch.distance(row, X[2], penalty) for row in X]
    assert whole == (min(want) <= bound[0])
    assert not whole or out.tolist() == want


@given(d=st.integers(1, 9), dtype=dtypes, seed=seeds)
@settings(max_examples=25)
def test_box_distances_and_the_cells_within(d, dtype, seed):
    rng = np.random.default_rng(seed)
    X, numeric = rows_of(rng, 5 * CELL_ROWS, d, dtype), rng.random(d) < 0.8
    cells, centers, lows, highs = cells_of(X, np.ones(d, dtype), numeric, np.argsort(X[:, 0]))
    out = np.empty(CELL_ROWS, dtype)
    neighbor_kernels._box_distances(cells[0], CELL_ROWS, lows[3], highs[3], out)
    assert out.tolist() == [naive_batch.distance_to_box(row, lows[3], highs[3]) for row in cells[0].T]
    rows = [cell.T[:, :d] for cell in cells]
    nearest = [
        min(naive_batch.distance(a, b, np.where(numeric, -1, 0)) for a in rows[0][:9] for b in row) for row in rows
    ]
    furthest = dtype(rng.random() * 9)
    within = neighbor_kernels._cells_within(centers, lows, highs, 0, furthest)
    assert {c for c in range(1, 5) if nearest[c] <= furthest} <= set(within)
    assert 0 not in within
    gaps = ((centers[within].astype(float) - centers[0]) ** 2).sum(axis=1)
    assert (np.diff(gaps) >= -1e-9 * gaps.max(initial=0)).all()


@given(k=st.integers(1, 6), seed=seeds)
@settings(max_examples=40)
def test_add_candidates(k, seed):
    rng = np.random.default_rng(seed)
    n, itself = int(rng.integers(2, 2 * CELL_ROWS)), int(rng.integers(0, 2 * CELL_ROWS))
    ids, d2 = rng.permutation(3 * CELL_ROWS)[:n], rng.integers(0, 9, 2 * CELL_ROWS).astype(np.float32)
    places, distances, found = np.full(k, -1), np.full(k, np.inf, np.float32), 0
    for first in (0, CELL_ROWS):
        found = neighbor_kernels._add_candidates(
            d2[first : first + CELL_ROWS], first, itself, ids, found, places, distances
        )
    want = sorted((d2[i], ids[i], i) for i in range(n) if i != itself)[:k]
    assert found == len(want)
    assert list(zip(distances, places, strict=True))[:found] == [(near, i) for near, _, i in want]


@given(
    n=st.sampled_from([3, 129, 300, 500]),
    d=st.sampled_from([1, 3, 8, 10]),
    k=st.integers(1, 6),
    budget=st.sampled_from([1, 2, 3, 99]),
    n_wanted=st.sampled_from([6, 60]),
    categorical=st.sampled_from([0, 0.3]),
    dtype=dtypes,
    seed=seeds,
)
@settings(max_examples=40)
def test_scan_cells(n, d, k, budget, n_wanted, categorical, dtype, seed):
    rng = np.random.default_rng(seed)
    X, order, k = rows_of(rng, n, d, dtype), np.arange(n), min(k, n - 1)
    penalty = np.where(rng.random(d) < categorical, 0.75, -1).astype(dtype)
    one = np.ones(d, dtype)
    cell_kernels.bisect(X, np.where(penalty < 0, one, 0).astype(dtype), order)
    cells, *boxes = cells_of(X, one, penalty < 0, order)
    ids, wanted = rng.permutation(2 * n)[:n], np.zeros(n, dtype=np.bool_)
    wanted[rng.integers(0, n, n_wanted)] = True
    places, distances = np.full((n, k), -1), np.empty((n, k), dtype)
    bits = np.empty(0, np.int32 if dtype == np.float32 else np.int64)
    scan = neighbor_kernels.scan_cells
    scan(cells, *boxes, penalty, ids, wanted, 0, len(cells), budget, bits, places, distances)
    each = [[box[:d] for box in cell] for cell in zip(*boxes, strict=True)]
    for place in np.flatnonzero(wanted):
        found = naive_batch.search(X[order], ids, penalty, each, place, k, budget)
        assert list(zip(places[place], distances[place], strict=True))[: len(found)] == found
        if budget > len(cells):
            near = sorted((naive_batch.distance(X[order[i]], X[order[place]], penalty), ids[i], i) for i in range(n))
            assert [i for _, _, i in near if i != place][:k] == places[place].tolist()
    assert (places[~wanted] == -1).all()
