"""The kept graph's kernels against naive loops: the same entries, the same bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive.graph import NaiveGraph
from naive.graph import halve as naive_halve
from naive.graph import mean_row as naive_mean_row
from naive.ring import distances, scaled
from numba import njit

from resampler import MinorityBuffer
from resampler.kernels.buffer.halve import halve, mean_row
from resampler.kernels.buffer.lookup import look_up_all
from resampler.kernels.buffer.walk import ALL
from resampler.kernels.simd.lanes import LANES

NO_SLOTS = np.empty(0, dtype=np.int64)
FLAT = None  # in place of a budget: no cells


@njit
def run_mean_row(Z, sides, side, penalty, centroid):
    mean_row(Z, sides, side, penalty, centroid)


@njit
def run_halve(Z, penalty, centers, sides, d2):
    halve(Z, penalty, centers, sides, d2)


def rows_of(seed, n, d, *, grid):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 6 * rng.integers(0, 4, (n, 1))
    return (np.round(X) if grid else X).astype(np.float32)


SHAPES = {
    "d": st.integers(1, 5),
    "grid": st.booleans(),
    "categories": st.booleans(),
    "seed": st.integers(0, 1_000),
}


def make_buffer(capacity, d, seed, metric="euclidean", *, flat, grid, categories):
    categorical = [d - 1] if categories and metric == "euclidean" else []
    index = "exact" if flat else "graph"
    buffer = MinorityBuffer(d, capacity, 2, index=index, metric=metric, categorical_features=categorical)
    assert (buffer.ring.graph.cells.home is None) == flat
    X = rows_of(seed, 2 * capacity, d, grid=grid)
    if metric == "cosine":
        X[~X.any(axis=1), 0] = 1
    buffer.insert(X[: capacity + capacity // 2], np.random.default_rng(seed).permutation(capacity + capacity // 2))
    return buffer, X


@settings(max_examples=12)
@given(**SHAPES, budget=st.sampled_from([1, 90, 200, int(ALL), FLAT]), metric=st.sampled_from(["euclidean", "cosine"]))
def test_search(d, grid, categories, seed, budget, metric):
    buffer, X = make_buffer(300, d, seed, metric, flat=budget is FLAT, grid=grid, categories=categories)
    budget = budget or int(ALL)
    naive = NaiveGraph(buffer)
    queries = X[-6:] + np.float32(0.3 * (not categories))
    for length in (1, 9, 70):
        stamps, d2 = np.empty((6, length), dtype=np.int32), np.empty((6, length), dtype=np.float32)
        look_up_all(buffer.ring, NO_SLOTS, queries, budget, np.empty(6, dtype=np.int64), stamps, d2)
        for i in range(6):
            query = np.array(scaled(queries[i], naive.rows.inverse_scale, metric == "cosine"), dtype=np.float32)
            want_stamps, want_d2 = naive.search(query, budget, length)
            assert stamps[i].tolist() == want_stamps
            assert d2[i].tolist() == want_d2


@pytest.fixture(scope="module")
def many_cells():
    rng = np.random.default_rng(0)
    buffer = MinorityBuffer(3, 6_000, 2, index="graph")
    X = np.round(rng.normal(size=(6_000, 3)) * 2 ** rng.integers(1, 7, (6_000, 1))).astype(np.float32)
    buffer.insert(X, np.arange(6_000))
    buffer.evict(1_000)  # so that cells weigh less than they did
    assert (buffer.ring.graph.cells.group_cells > 0).sum() > 2
    return buffer, NaiveGraph(buffer), rng.normal(size=(8, 3)).astype(np.float32) * 20


@pytest.mark.parametrize("budget", [300, 700, 2_500])
def test_cells_that_are_chosen_together_are_those_chosen_one_by_one(many_cells, budget):
    buffer, naive, queries = many_cells
    stamps, d2 = np.empty((8, 5), dtype=np.int32), np.empty((8, 5), dtype=np.float32)
    look_up_all(buffer.ring, NO_SLOTS, queries, budget, np.empty(8, dtype=np.int64), stamps, d2)
    for i in range(8):
        query = np.array(scaled(queries[i], naive.rows.inverse_scale, cosine=False), dtype=np.float32)
        want_stamps, want_d2 = naive.search(query, budget, 5)
        assert stamps[i].tolist() == want_stamps
        assert d2[i].tolist() == want_d2


@settings(max_examples=12)
@given(**SHAPES, budget=st.sampled_from([1, 90, 200, FLAT]), gone=st.sampled_from([5, 40, 280]))
def test_insertion_tells_the_lists_that_reach_to_the_row(d, grid, categories, seed, budget, gone):
    buffer, X = make_buffer(300, d, seed, flat=budget is FLAT, grid=grid, categories=categories)
    budget = buffer.ring.control["budget"] = budget or int(ALL)
    buffer.evict(gone)  # so that none leaves by itself below
    for i in range(5):
        if categories and d > 1:
            buffer.ring.control["inserted"] = 641  # so that the penalty is not looked at
        before = NaiveGraph(buffer)
        oldest, held = before.rows.cursor["oldest"], before.rows.cursor["held"]
        stamp = int((oldest + held) % (2 * buffer.capacity))
        slot, row_id = stamp % buffer.capacity, 5_000 + i
        query = np.array(scaled(X[-1 - i], before.rows.inverse_scale, cosine=False), dtype=np.float32)
        want = before.offered(query, row_id, stamp, budget)
        own = before.search(query, budget, before.lists.stamps.shape[1])
        buffer.insert(X[-1 - i : len(X) - i], [row_id])
        after = NaiveGraph(buffer)
        lists = after.lists
        assert lists.stamps[slot, : lists.count[slot]].tolist() == own[0]
        assert lists.d2[slot, : lists.count[slot]].tolist() == own[1]
        for other in buffer._slots[:-1]:
            if other in want:
                n = lists.count[other]
                found = lists.stamps[other, :n].tolist(), lists.d2[other, :n].tolist(), *after.reach(other)
                assert found == want[other]
            else:
                assert lists.stamps[other].tolist() == before.lists.stamps[other].tolist()
                assert lists.count[other] == before.lists.count[other]
                assert after.reach(other) == before.reach(other)


@settings(max_examples=40)
@given(**SHAPES, equal=st.sampled_from([0.0, 0.9, 1.0]))
def test_halve(d, grid, categories, seed, equal):
    n = LANES
    Z = rows_of(seed, n, d, grid=grid)
    Z[np.random.default_rng(seed).random(n) < equal] = Z[0]
    penalty = np.full(d, -1, dtype=np.float32)
    penalty[d - 1] = 0.7 if categories else -1
    sides, centers, d2 = np.empty(n, dtype=np.int64), np.empty((2, d), np.float32), np.empty((2, n), np.float32)
    run_halve(Z, penalty, centers, sides, d2)
    want_sides, want_centers = naive_halve(Z, penalty)
    assert sides.tolist() == want_sides
    assert centers.tobytes() == np.array(want_centers, dtype=np.float32).tobytes()
    assert min(np.bincount(sides, minlength=2)) >= n // 4
    for side in range(2):
        assert d2[side].tobytes() == distances(Z, centers[side], penalty).tobytes()


@pytest.mark.parametrize("categories", [False, True])
def test_mean_row_takes_one_side(categories):
    Z = rows_of(3, 50, 3, grid=True)
    penalty = np.array([-1, -1, 0.5 if categories else -1], dtype=np.float32)
    sides, centroid = np.arange(50) % 2, np.empty(3, dtype=np.float32)
    run_mean_row(Z, sides, 1, penalty, centroid)
    assert centroid.tobytes() == naive_mean_row(Z[1::2], penalty).tobytes()
