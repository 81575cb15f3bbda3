"""Each kernel of the batch side against its loop-only twin, bytes for bytes."""

import generate_twin
import numpy as np
import pytest
import search_twin
from hypothesis import given, settings
from hypothesis import strategies as st

from resampler.kernels import interpolate as kernels
from resampler.kernels.batch import cells as cell_kernels
from resampler.kernels.batch import neighbors as neighbor_kernels
from resampler.kernels.batch.cells import GROUP, LANES

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
    n_cells, width = -(-len(X) // LANES), -(-X.shape[1] // GROUP) * GROUP
    cells = np.full((n_cells, width, LANES), np.nan, dtype=X.dtype)
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
    want = search_twin.bisect(X, inverse, order)
    cell_kernels.bisect(X, inverse, order)
    assert order.tolist() == want


@given(n=st.integers(1, 200), d=st.integers(1, 6), dtype=dtypes, seed=seeds)
@settings(max_examples=25)
def test_widest_direction(n, d, dtype, seed):
    rng = np.random.default_rng(seed)
    X, inverse = rows_of(rng, n, d, dtype), (rng.random(d) + 0.5).astype(dtype)
    direction = np.empty(d)
    column = cell_kernels._widest_direction(X, inverse, np.arange(n), 0, n, np.empty(d), direction)
    assert column == (direction.argmax() if np.count_nonzero(direction) == 1 else -1)
    assert direction.tolist() == search_twin.widest_direction(X * inverse)


@given(n=st.integers(1, 300), d=st.sampled_from([1, 7, 8, 9]), dtype=dtypes, seed=seeds)
@settings(max_examples=25)
def test_fill(n, d, dtype, seed):
    rng = np.random.default_rng(seed)
    X, inverse, numeric = rows_of(rng, n, d, dtype), (rng.random(d) + 0.5).astype(dtype), rng.random(d) < 0.8
    order = rng.permutation(n)
    cells, *boxes = cells_of(X, inverse, numeric, order)
    for c in range(len(cells)):
        members = order[c * LANES : (c + 1) * LANES]
        rows = X[members] * inverse
        assert np.array_equal(cells[c, :d, : len(members)], rows.T)
        assert not cells[c, d:].any()
        assert not cells[c, :, len(members) :].any()
        for ours, twin in zip(boxes, search_twin.mean_and_box(rows, numeric), strict=True):
            assert np.array_equal(ours[c, :d], twin)
            assert not ours[c, d:].any()


@given(d=st.sampled_from([1, 7, 8, 9, 17]), dtype=dtypes, seed=seeds, limit=st.floats(0, 50))
@settings(max_examples=40)
def test_distances(d, dtype, seed, limit):
    rng = np.random.default_rng(seed)
    X = rows_of(rng, LANES, d, dtype)
    penalty = np.where(rng.random(d) < 0.3, 0.75, -1).astype(dtype)
    cells, *_ = cells_of(X, np.ones(d, dtype), penalty < 0, np.arange(LANES))
    out, bound = np.empty(LANES, dtype), np.array([limit], dtype)
    bits = np.int32 if dtype == np.float32 else np.int64
    queries = np.ascontiguousarray(cells[0].T[:3])
    whole = neighbor_kernels._distances(cells, 0, queries, 2, penalty, bound.view(bits)[0], out.view(bits), out)
    want = [search_twin.distance(row, X[2], penalty) for row in X]
    assert whole == (min(want) <= bound[0])
    assert not whole or out.tolist() == want


@given(d=st.integers(1, 9), dtype=dtypes, seed=seeds)
@settings(max_examples=25)
def test_box_distances_and_the_cells_within(d, dtype, seed):
    rng = np.random.default_rng(seed)
    X, numeric = rows_of(rng, 5 * LANES, d, dtype), rng.random(d) < 0.8
    cells, centers, lows, highs = cells_of(X, np.ones(d, dtype), numeric, np.argsort(X[:, 0]))
    out = np.empty(LANES, dtype)
    neighbor_kernels._box_distances(cells[0], lows[3], highs[3], out)
    assert out.tolist() == [search_twin.distance_to_box(row, lows[3], highs[3]) for row in cells[0].T]
    rows = [cell.T[:, :d] for cell in cells]
    nearest = [
        min(search_twin.distance(a, b, np.where(numeric, -1, 0)) for a in rows[0][:9] for b in row) for row in rows
    ]
    furthest = dtype(rng.random() * 9)
    within = neighbor_kernels._cells_within(centers, lows, highs, 0, furthest)
    assert {c for c in range(1, 5) if nearest[c] <= furthest} <= set(within)
    assert 0 not in within
    gaps = ((centers[within].astype(float) - centers[0]) ** 2).sum(axis=1)
    assert (np.diff(gaps) >= -1e-9 * gaps.max(initial=0)).all()


@given(k=st.integers(1, 6), seed=seeds)
@settings(max_examples=40)
def test_offer(k, seed):
    rng = np.random.default_rng(seed)
    n, itself = int(rng.integers(2, 2 * LANES)), int(rng.integers(0, 2 * LANES))
    ids, d2 = rng.permutation(3 * LANES)[:n], rng.integers(0, 9, 2 * LANES).astype(np.float32)
    places, distances, found = np.full(k, -1), np.full(k, np.inf, np.float32), 0
    for first in (0, LANES):
        found = neighbor_kernels._offer(d2[first : first + LANES], first, itself, ids, found, places, distances)
    want = sorted((d2[i], ids[i], i) for i in range(n) if i != itself)[:k]
    assert found == len(want)
    assert list(zip(distances, places, strict=True))[:found] == [(near, i) for near, _, i in want]


@given(
    n=st.sampled_from([3, 129, 300, 500]),
    d=st.sampled_from([1, 3, 8, 10]),
    k=st.integers(1, 6),
    budget=st.sampled_from([1, 2, 99]),
    dtype=dtypes,
    seed=seeds,
)
@settings(max_examples=25)
def test_scan_cells(n, d, k, budget, dtype, seed):
    rng = np.random.default_rng(seed)
    X, order, k = rows_of(rng, n, d, dtype), np.arange(n), min(k, n - 1)
    penalty = np.where(rng.random(d) < 0.3, 0.75, -1).astype(dtype)
    one = np.ones(d, dtype)
    cell_kernels.bisect(X, np.where(penalty < 0, one, 0).astype(dtype), order)
    cells, *boxes = cells_of(X, one, penalty < 0, order)
    ids, wanted = rng.permutation(2 * n)[:n], np.zeros(n, dtype=np.bool_)
    wanted[rng.integers(0, n, 6)] = True
    places, distances = np.full((n, k), -1), np.empty((n, k), dtype)
    bits = np.empty(0, np.int32 if dtype == np.float32 else np.int64)
    scan = neighbor_kernels.scan_cells
    scan(cells, *boxes, penalty, ids, wanted, 0, len(cells), budget, bits, places, distances)
    each = [[box[:d] for box in cell] for cell in zip(*boxes, strict=True)]
    for place in np.flatnonzero(wanted):
        found = search_twin.search(X[order], ids, penalty, each, place, k, budget)
        assert list(zip(places[place], distances[place], strict=True))[: len(found)] == found
        if budget > len(cells):
            near = sorted((search_twin.distance(X[order[i]], X[order[place]], penalty), ids[i], i) for i in range(n))
            assert [i for _, _, i in near if i != place][:k] == places[place].tolist()
    assert (places[~wanted] == -1).all()


@given(n=st.integers(1, 9), k=st.integers(1, 5), count=st.integers(0, 30), seed=st.integers(0, 2**64 - 1))
def test_draw_parents(n, k, count, seed):
    rng = np.random.default_rng(seed % 2**32)
    row_ids, neighbors = rng.integers(0, 2**62, n), rng.integers(0, 99, (n, k))
    span = rng.choice(np.array([1, 0.5, -0.5, 0], dtype=np.float32), (n, k))
    turn, copy, stream = rng.integers(0, n, count), rng.integers(0, 2**31, count), int(rng.integers(0, 2**32))
    neighbor, step = np.empty(count, np.int64), np.empty(count, np.float32)
    kernels.draw_parents(row_ids, neighbors, span, turn, copy, np.uint64(seed), stream, neighbor, step)
    want = generate_twin.parents(row_ids, neighbors, span, turn, copy, seed, stream)
    assert list(zip(neighbor, step, strict=True)) == want


@given(n=st.integers(1, 12), k=st.integers(1, 6), d=st.integers(1, 4), seed=seeds)
def test_elect_and_vote(n, k, d, seed):
    rng = np.random.default_rng(seed)
    X, voters = rng.integers(0, 4, (n, d)).astype(np.float64), rng.integers(0, n, (3, k))
    penalty = np.where(rng.random(d) < 0.5, 1.0, -1.0)
    categorical = np.flatnonzero(penalty >= 0)
    donors = np.full((3, len(categorical)), -1)
    kernels.elect(X, voters, penalty, donors)
    for b in range(3):
        row = np.full(d, 9.0)
        kernels.vote(X, voters[b], penalty, row)
        for at, j in enumerate(categorical):
            winner = voters[b, generate_twin.elected(X[voters[b], j])]
            assert donors[b, at] == winner
            assert row[j] == X[winner, j]
        assert (row[penalty < 0] == 9).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(n=st.integers(1, 9), d=st.integers(1, 9), count=st.integers(1, 30), seed=seeds)
def test_interpolate(dtype, n, d, count, seed):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * 10.0 ** rng.integers(-8, 8)).astype(dtype)
    base, neighbor, step = rng.integers(0, n, count), rng.integers(0, n, count), rng.random(count, np.float32)
    out = np.full((count, d), np.nan, dtype=dtype)
    first, last = sorted(rng.integers(0, count + 1, 2))
    kernels.interpolate(X, base, neighbor, step, first, last, out)
    for i in range(count):
        row = generate_twin.between(X[base[i]], X[neighbor[i]], step[i])
        assert np.array_equal(out[i], row) if first <= i < last else np.isnan(out[i]).all()
