"""Sketches: what they tell of a row is true of it, whatever the values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from naive.ring import distances
from numba import njit

from resampler.kernels.simd import sketches as kernels
from resampler.kernels.simd.lanes import LANES


@njit
def run_draw(query, centroids, cell, penalty, grain, block, lane):
    return kernels.draw_sketch(query, centroids, cell, LANES, penalty, grain, block, lane)


@njit
def run_see(query, centroids, cell, penalty, residual):
    return kernels.see_from(query, centroids, cell, LANES, penalty, residual)


@njit
def run_span(query, centroids, cell, penalty):
    return kernels.span_of(query, centroids, cell, LANES, penalty)


@njit
def run_distances(block, grain, residual, penalty, limit, out):
    return kernels.sketch_distances(block, grain, residual, penalty, limit, out)


@njit
def run_bounds(error, n_features):
    return kernels.factor_of(n_features), kernels.offset_of(error, n_features)


@njit
def run_exact(X, inverse_scale, inverse_norm, penalty, query, slots, n, d2s):
    kernels.exact_distances(X, inverse_scale, inverse_norm, penalty, query, slots, n, d2s)


def make_rows(rng, d, spread, offset, *, categories):
    rows = (rng.normal(size=(LANES + 2, d)) * spread + offset).astype(np.float32)
    rows[1:4] = rows[0]
    penalty = np.full(d, -1, dtype=np.float32)
    if categories:
        penalty[d - 1] = np.float32(spread) ** 2
        rows[:, d - 1] = rng.choice([0, 1, 127, 128, 300, 0.5, -3, 1e9], LANES + 2)
    return rows, penalty


@given(
    d=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
    spread=st.sampled_from([0.0, 1e-25, 1e-18, 1e-3, 1.0, 1e16]),
    offset=st.sampled_from([0.0, 1.0, 1e6, -1e16]),
    coarse=st.sampled_from([0.0, 0.01, 1.0, 3.0]),
    categories=st.booleans(),
)
def test_bounds_hold(d, seed, spread, offset, coarse, categories):
    rows, penalty = make_rows(np.random.default_rng(seed), d, spread, offset, categories=categories)
    query, centroid, rows = rows[-1], rows[-2], rows[:-2]
    centroids = np.zeros((1, d, LANES), dtype=np.float32)
    centroids[0, :, 5] = centroid
    span = max(run_span(row, centroids, 5, penalty) for row in rows)
    grain = np.float32(span * coarse / kernels.GRAINS)  # below 1 it clips
    block, out, residual = np.zeros((d, LANES), np.int8), np.empty(LANES, np.float32), np.empty(d, np.float32)
    error = max(run_draw(row, centroids, 5, penalty, grain, block, lane) for lane, row in enumerate(rows))
    away = run_see(query, centroids, 5, penalty, residual)
    run_distances(block, grain, residual, penalty, np.float32(np.inf), out)
    factor, offset_ = run_bounds(error + away, d)
    true = distances(rows, query, penalty)
    assert (true <= out * factor + offset_).all()
    assert (out <= true * factor + offset_).all()
    within = run_distances(block, grain, residual, penalty, np.median(out), np.empty(LANES, np.float32))
    assert int(within) == sum(1 << lane for lane in range(LANES) if out[lane] <= np.median(out))


@given(d=st.integers(1, 20), n=st.integers(1, 11), seed=st.integers(0, 2**32 - 1), categories=st.booleans())
def test_exact_distances_are_the_naive_ones(d, n, seed, categories):
    rng = np.random.default_rng(seed)
    rows, penalty = make_rows(rng, d, 2.0, 7.0, categories=categories)
    query, slots = rows[-1], rng.integers(0, LANES, n)
    scale, norm = rng.random(d).astype(np.float32), rng.random(len(rows)).astype(np.float32)
    found = np.empty(n, dtype=np.float32)
    run_exact(rows, scale, norm, penalty, query, slots, n, found)
    scaled = rows[slots] * scale * norm[slots, None]
    assert found.tobytes() == distances(scaled, query, penalty).tobytes()


def test_sketch_distances_do_not_need_the_compiler():
    from resampler.kernels.simd import lanes

    rng = np.random.default_rng(1)
    block, query = rng.integers(-127, 128, (6, LANES)).astype(np.int8), rng.normal(size=6).astype(np.float32)
    out = np.zeros(LANES, dtype=np.float32)
    lanes.add_sketched(block, np.float32(0.25), query, 1, 5, out)
    lanes.add_category(block, np.full(6, 3, dtype=np.float32), 5, np.float32(2), out)
    away = ((block[1:5] * np.float32(0.25) - query[1:5, None]) ** 2).sum(axis=0)
    assert np.allclose(out, away + 2 * (block[5] != 3), rtol=1e-5)
    limits = rng.random(LANES).astype(np.float32)
    word = int(lanes.near(limits, limits, np.float32(1), np.float32(-0.1)))
    assert word == 0
