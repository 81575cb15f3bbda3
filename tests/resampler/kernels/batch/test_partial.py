"""The search where rows have nulls, against naive loops, bytes for bytes; its bounds against every pair of rows."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import batch as naive_batch

from resampler.kernels.batch import cells as cell_kernels
from resampler.kernels.batch import partial as kernels
from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS

seeds = st.integers(0, 2**32 - 1)
dtypes = st.sampled_from([np.float32, np.float64])
shares = st.sampled_from([0.02, 0.3, 0.8])  # of nulls


def rows_of(rng, n, d, dtype, share):
    """Gaussian rows, some of them equal, some on a grid, with nulls; columns 0 may be complete or empty."""
    X = rng.normal(size=(n, d)) * rng.gamma(1.0, 2.0, d)
    X[rng.random(n) < 0.3] = np.round(X[0])
    X = (np.round(X) if rng.random() < 0.5 else X).astype(dtype)
    nulls = rng.random((n, d)) < share
    nulls[:, 0] = rng.choice([False, True])
    X[nulls] = np.nan
    return X


class Cells:
    """Cells as a search makes them."""

    def __init__(self, X, numeric, order, inverse_scale=None):
        inverse = np.ones(X.shape[1], X.dtype) if inverse_scale is None else inverse_scale
        n_cells, width = -(-len(X) // CELL_ROWS), -(-X.shape[1] // UNROLLED_COLUMNS) * UNROLLED_COLUMNS
        self.cells = np.full((n_cells, width, CELL_ROWS), -9, dtype=X.dtype)
        self.centers, self.lows, self.highs = (np.full((n_cells, width), -9, dtype=X.dtype) for _ in range(3))
        cell_kernels.fill(np.nan_to_num(X), inverse, numeric, order, self.cells, self.centers, self.lows, self.highs)
        self.lacking = np.full(n_cells, -9)
        kernels.fill_partial(X, inverse, numeric, order, self.cells, self.lows, self.highs, self.lacking)
        self.has_nulls = np.isnan(self.cells[:, : X.shape[1]]).any(axis=2)

    def __iter__(self):
        return iter((self.cells, self.centers, self.lows, self.highs, self.has_nulls, self.lacking))


@given(n=st.integers(1, 300), d=st.sampled_from([1, 7, 8, 9]), dtype=dtypes, share=shares, seed=seeds)
@settings(max_examples=25)
def test_fill_partial(n, d, dtype, share, seed):
    rng = np.random.default_rng(seed)
    X, inverse, numeric = rows_of(rng, n, d, dtype, share), (rng.random(d) + 0.5).astype(dtype), rng.random(d) < 0.8
    order = rng.permutation(n)
    made = Cells(X, numeric, order, inverse)
    for c in range(len(made.cells)):
        members = order[c * CELL_ROWS : (c + 1) * CELL_ROWS]
        rows = X[members] * inverse
        assert np.array_equal(made.cells[c, :d, : len(members)], rows.T, equal_nan=True)
        assert not made.cells[c, d:].any()
        assert not made.cells[c, :, len(members) :].any()
        assert made.lacking[c] == max(sum(bool(np.isnan(v)) for v in row) for row in rows)
        for j in range(d):
            values = [v for v in rows[:, j] if not np.isnan(v)]
            box = (min(values), max(values)) if numeric[j] and values else (-np.inf, np.inf)
            assert (made.lows[c, j], made.highs[c, j]) == box


@given(n=st.integers(2, 40), d=st.integers(1, 6), dtype=dtypes, share=shares, seed=seeds)
@settings(max_examples=40)
def test_what_stands_in_for_a_null_is_of_the_nearest_landmark_that_has_a_value(n, d, dtype, share, seed):
    rng = np.random.default_rng(seed)
    X, inverse, numeric = rows_of(rng, n, d, dtype, share), (rng.random(d) + 0.5).astype(dtype), rng.random(d) < 0.8
    landmarks, out = X[: n // 2], np.where(np.isnan(X), dtype(-9), X)
    kernels.stand_in(X, np.ascontiguousarray(landmarks.T), inverse, numeric, 0, n, out)
    for row, filled in zip(X, out, strict=True):
        assert np.array_equal(filled[~np.isnan(row)], row[~np.isnan(row)])
        away = [naive_batch.mean_square(row, one, inverse, numeric) for one in landmarks]
        for j in np.flatnonzero(np.isnan(row)):
            known = [a for a in range(len(landmarks)) if not np.isnan(landmarks[a, j]) and away[a] < np.inf]
            assert filled[j] == (landmarks[min(known, key=away.__getitem__), j] if known else -9)


@given(d=st.sampled_from([1, 7, 8, 9, 17]), dtype=dtypes, share=shares, seed=seeds, limit=st.floats(0, 50))
@settings(max_examples=40)
def test_distances(d, dtype, share, seed, limit):
    rng = np.random.default_rng(seed)
    X = rows_of(rng, CELL_ROWS, d, dtype, share)
    penalty = np.where(rng.random(d) < 0.3, 0.75, -1).astype(dtype)
    cells = Cells(X, penalty < 0, np.arange(CELL_ROWS)).cells
    query = np.full(cells.shape[1], np.nan, dtype)
    query[:d] = X[2]
    out, both, bound = np.empty(CELL_ROWS, dtype), np.empty(CELL_ROWS, dtype), np.array([limit], dtype)
    bits = np.int32 if dtype == np.float32 else np.int64
    whole = kernels._distances(cells, 0, query, penalty, bound.view(bits)[0], out.view(bits), out, both)
    sums = [naive_batch.common_distance(row, X[2], penalty) for row in X]
    assert whole == (min(sums) <= bound[0])
    assert not whole or out.tolist() == [naive_batch.partial_distance(row, X[2], penalty) for row in X]


@given(d=st.integers(1, 9), dtype=dtypes, share=shares, seed=seeds)
@settings(max_examples=25)
def test_no_bound_leaves_a_row_out(d, dtype, share, seed):
    rng = np.random.default_rng(seed)
    X, numeric = rows_of(rng, 4 * CELL_ROWS, d, dtype, share), rng.random(d) < 0.8
    penalty = np.where(numeric, -1, 0.75).astype(dtype)
    order = np.argsort(np.nan_to_num(X).sum(axis=1), kind="stable")
    made, rows = Cells(X, numeric, order), X[order].reshape(4, CELL_ROWS, d)
    gaps, widest = np.empty(CELL_ROWS, dtype), np.empty((d, CELL_ROWS), dtype)
    asked = [int(i) for i in rng.integers(0, CELL_ROWS, 2)]
    sums = {
        (i, c): min(naive_batch.common_distance(row, rows[0, i], penalty) for row in rows[c])
        for i in asked
        for c in range(4)
    }
    scaled = {
        (i, c): min(naive_batch.partial_distance(row, rows[0, i], penalty) for row in rows[c])
        for i in asked
        for c in range(4)
    }
    held = (~np.isnan(rows[0])).sum(axis=1).astype(dtype)
    slack = dtype(1 + (d + 4) * kernels._SLACK)
    out, sure = np.empty(CELL_ROWS, dtype), np.empty(CELL_ROWS, dtype)
    for i, c in sums:
        cell = made.lows[c], made.highs[c], made.has_nulls[c], made.lacking[c]
        kernels._least_distances(made.cells[0], held, *cell, gaps, widest, out)
        assert not held[i] or out[i] <= dtype(scaled[i, c]) * (slack * held[i] / d)
        kernels._box_distances(made.cells[0], *cell[:3], out, sure)
        for total, of in ((out, ~np.isnan(rows[0, i])), (sure, ~np.isnan(rows[0, i]) & ~cell[2])):
            assert total[i] == naive_batch.distance_to_box(rows[0, i, of], cell[0][:d][of], cell[1][:d][of])
    furthest = dtype(rng.random() * 9)
    around = kernels._cells_within(
        made.centers, made.lows, made.highs, made.has_nulls, made.lacking, 0, furthest * slack
    )
    assert {c for (_, c), nearest in sums.items() if nearest <= furthest} - {0} <= set(around.tolist())
    assert 0 not in around
    away = ((made.centers[around].astype(float) - made.centers[0]) ** 2).sum(axis=1)
    assert (np.diff(away) >= -1e-9 * away.max(initial=0)).all()


@given(
    n=st.sampled_from([3, 129, 300, 500]),
    d=st.sampled_from([1, 3, 8, 10]),
    k=st.integers(1, 6),
    dtype=dtypes,
    share=shares,
    seed=seeds,
)
@settings(max_examples=25)
def test_scan_partial(n, d, k, dtype, share, seed):
    rng = np.random.default_rng(seed)
    X, order, k = rows_of(rng, n, d, dtype, share), np.arange(n), min(k, n - 1)
    penalty = np.where(rng.random(d) < 0.3, 0.75, -1).astype(dtype)
    cell_kernels.bisect(np.nan_to_num(X), np.where(penalty < 0, 1, 0).astype(dtype), order)
    made = Cells(X, penalty < 0, order)
    ids, wanted = rng.permutation(2 * n)[:n], np.zeros(n, dtype=np.bool_)
    wanted[rng.integers(0, n, 6)] = True
    wanted &= ~np.isnan(X[order]).all(axis=1)
    places, distances = np.full((n, k), -1), np.empty((n, k), dtype)
    bits = np.empty(0, np.int32 if dtype == np.float32 else np.int64)
    kernels.scan_partial(*made, penalty, ids, wanted, 0, len(made.cells), 99, bits, places, distances)
    for place in np.flatnonzero(wanted):
        away = [naive_batch.partial_distance(X[order[i]], X[order[place]], penalty) for i in range(n)]
        near = sorted((d2, ids[i], i) for i, d2 in enumerate(away) if i != place)[:k]
        assert list(zip(distances[place], places[place], strict=True)) == [(d2, i) for d2, _, i in near]
    assert (places[~wanted] == -1).all()
