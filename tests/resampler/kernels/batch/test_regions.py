import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.regions import cells_of, nearest
from numba import config

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.jit import njit
from resampler.kernels.simd.products import TILE_QUERIES, TILE_ROWS, compare
from resampler.regions.recall import ranks
from resampler.regions.region import build_region, join_boxes
from resampler.regions.search import begin, go_on, limits_of


@njit()
def compiled(rows, row_codes, start, queries, query_codes, weights, limits, hits):
    for group in range(0, CELL_ROWS, TILE_QUERIES):
        for lane in range(0, CELL_ROWS, TILE_ROWS):
            compare(rows, row_codes, start, queries, query_codes, weights, limits, group, lane, hits)


@pytest.mark.parametrize(("n_words", "n_codes"), [(1, 0), (3, 2), (0, 1)])
def test_a_tile_is_what_its_python_is(n_words, n_codes):
    rng = np.random.default_rng(n_words)
    rows, queries = rng.integers(-(2**31), 2**31, (2, n_words, CELL_ROWS), dtype=np.int32) // 64
    row_codes, query_codes = rng.integers(0, 3, (2, n_codes, CELL_ROWS), dtype=np.int32)
    start, limits = rng.integers(-(2**20), 2**20, (2, CELL_ROWS), dtype=np.int32)
    weights = rng.integers(0, 2**18, n_codes, dtype=np.int32)
    tiles = rows, row_codes, start, queries, query_codes, weights, limits
    hits, naive = np.zeros((2, CELL_ROWS, CELL_ROWS // TILE_ROWS), dtype=np.uint64)
    compiled(*tiles, hits)
    for group in range(0, CELL_ROWS, TILE_QUERIES):
        for lane in range(0, CELL_ROWS, TILE_ROWS):
            getattr(compare, "py_func", compare)(*tiles, group, lane, naive)
    assert np.array_equal(hits, naive)
    assert 0 < np.unpackbits(hits.view(np.uint8)).mean() < 1


def made(n, d, dtype, kind, seed):
    """Rows of which some are equal, some far out; identities; what a differing category counts."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (np.exp(3 * rng.normal(size=(n, 1))) if kind == "far" else 1)
    if kind == "ties":
        X = np.rint(X)
        X[rng.random(n) < 0.3] = X[0]
    penalty = np.where(rng.random(d) < 0.3, 0.75, -1.0) if kind == "categories" else np.full(d, -1.0)
    X[:, penalty >= 0] = rng.integers(0, 3, (n, int((penalty >= 0).sum())))
    return X.astype(dtype), rng.permutation(2 * n)[:n], penalty.astype(dtype)


@settings(max_examples=15)
@given(
    n=st.sampled_from([7, 129] if config.DISABLE_JIT else [7, 129, 500, 1_300]),
    d=st.sampled_from([1, 3, 9, 17]),
    dtype=st.sampled_from([np.float32, np.float64]),
    kind=st.sampled_from(["plain", "ties", "far", "categories"]),
    n_regions=st.sampled_from([1, 2]),
    budget=st.sampled_from([1, 3, 100]),
    seed=st.integers(0, 2**16),
)
def test_a_search_in_regions_is_the_naive_one(n, d, dtype, kind, n_regions, budget, seed):
    X, ids, penalty = made(n, d, dtype, kind, seed)
    k = min(5, n - 1)
    cut = np.array_split(np.arange(n), n_regions)
    built = [build_region(X[part], part, ids[part], np.ones(d, dtype), penalty) for part in cut]
    boxes = join_boxes([one[1:] for one in built], penalty)
    parts = [one[0] for one in built]
    rows_of_cell = [
        [(ids[at], X[at]) for at in part.order[first : first + CELL_ROWS]]
        for part in parts
        for first in range(0, len(part.order), CELL_ROWS)
    ]
    rng = np.random.default_rng(seed)
    for home in rng.choice(boxes.n_cells, min(3, boxes.n_cells), replace=False):
        own = int(boxes.region_of(np.array([home]))[0])
        wanted = np.zeros((1, CELL_ROWS), dtype=bool)
        asked = rng.permutation(len(rows_of_cell[home]))[:20]
        wanted[0, asked] = True
        lists = begin(1, k, X.dtype)
        limits = limits_of(boxes, home, home + 1, budget)
        for r in (own, *(r for r in range(n_regions) if r != own)):
            start = int(boxes.starts[own])
            go_on(boxes, parts[own], start, home, home + 1, wanted, parts[r], int(boxes.starts[r]), limits, lists)
        scanned = cells_of(boxes.centers, home, budget)
        for lane in asked[:5]:
            want = nearest(rows_of_cell, rows_of_cell[home][lane], scanned, k, penalty)
            got = list(zip(lists.distances[lane], lists.ids[lane], strict=True))[: len(want)]
            assert got == want
            assert [rows_of_cell[p // CELL_ROWS][p % CELL_ROWS][0] for p in lists.places[lane][: len(want)]] == [
                name for _, name in want
            ]
        if budget >= boxes.n_cells:
            far = ranks(boxes, home, wanted, lists)
            order = cells_of(boxes.centers, home, boxes.n_cells)
            assert far.tolist() == [
                [order.index(p // CELL_ROWS) + 1 for p in lists.places[lane]] for lane in np.flatnonzero(wanted[0])
            ]
