"""Sketches: what they tell of a row is true of it, whatever the values."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from naive.ring import distances
from numba import njit

from resampler.kernels.simd import sketches as kernels
from resampler.kernels.simd.lanes import LANES


@njit
def run_draw(query, origin, penalty, grain, block, lane, lengths):
    return kernels.draw_sketch(query, origin, penalty, grain, block, lane, lengths)


@njit
def run_see(query, origin, penalty, mixed, d2, residual):
    return kernels.see_from(query, origin, penalty, mixed, d2, residual)


@njit
def run_span(query, origin, penalty):
    return kernels.span_of(query, origin, penalty)


@njit
def run_distances(block, lengths, grain, query, residual, above, unit, length, penalty, mixed, limit, out):
    return kernels.sketch_distances(
        block, lengths, grain, query, residual, above, unit, length, penalty, mixed, limit, out
    )


@njit
def run_bounds(error, n_features, length, grain):
    return kernels.factor_of(n_features), kernels.offset_of(error, n_features, length, grain)


@njit
def run_exact(X, inverse_scale, inverse_norm, penalty, mixed, query, slots, n, terms, d2s):
    kernels.exact_distances(X, inverse_scale, inverse_norm, penalty, mixed, query, slots, n, terms, d2s)


def make_rows(rng, d, spread, offset, *, categories):
    rows = (rng.normal(size=(LANES + 2, d)) * spread + offset).astype(np.float32)
    rows[1:4] = rows[0]
    penalty = np.full(d, -1, dtype=np.float32)
    if categories:
        penalty[d - 1] = np.float32(spread) ** 2
        rows[:, d - 1] = rng.choice([0, 1, 127, 128, 300, 0.5, -3, 1e9], LANES + 2)
    return rows, penalty


def check_bounds(rows, query, centroid, penalty, grain):
    """Compare what sketches tell of rows with the rows; return the sketches' distances, and what they were told by."""
    d, categories = len(query), bool((penalty >= 0).any())
    fours = -(-d // 4)
    block, residual = np.zeros((fours, LANES, 4), np.uint8), np.zeros((2, 4 * fours), np.int8)
    lengths, out = np.zeros(LANES, np.float32), np.empty(LANES, np.float32)
    error = max(run_draw(row, centroid, penalty, grain, block, lane, lengths) for lane, row in enumerate(rows))
    unit, length, away, above = run_see(
        query, centroid, penalty, categories, distances([centroid], query, penalty)[0], residual
    )
    seen = block, lengths, grain, query, residual, above, unit, length, penalty, categories
    run_distances(*seen, np.float32(np.inf), out)
    factor, offset = run_bounds(error + away, d, length, grain)
    true = distances(rows, query, penalty)
    assert (true <= out * factor + offset).all()
    assert (out <= true * factor + offset).all()
    return out, seen


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
    span = max(run_span(row, centroid, penalty) for row in rows)
    grain = np.float32(span * coarse / kernels.GRAINS)  # below 1 it clips
    out, seen = check_bounds(rows, query, centroid, penalty, grain)
    within = run_distances(*seen, np.median(out), np.empty(LANES, np.float32))
    assert int(within) == sum(1 << lane for lane in range(LANES) if out[lane] <= np.median(out))


@given(d=st.integers(1, 128), level=st.integers(1, kernels.GRAINS), seed=st.integers(0, 2**32 - 1))
def test_bounds_hold_where_rows_are_their_sketches(d, level, seed):
    """Then nothing but the query's own rounding is allowed for, which is largest far from the centroid."""
    rows = (level * np.random.default_rng(seed).choice([-1, 1], (LANES, d))).astype(np.float32)
    check_bounds(rows, rows[0], np.zeros(d, np.float32), np.full(d, -1, np.float32), np.float32(1))


@given(d=st.integers(1, 40), n=st.integers(1, 17), seed=st.integers(0, 2**32 - 1), categories=st.booleans())
def test_exact_distances_are_the_naive_ones(d, n, seed, categories):
    rng = np.random.default_rng(seed)
    rows, penalty = make_rows(rng, d, 2.0, 7.0, categories=categories)
    query, slots = rows[-1], rng.integers(0, LANES, n)
    scale, norm = rng.random(d).astype(np.float32), rng.random(len(rows)).astype(np.float32)
    found, terms = np.empty(n, dtype=np.float32), np.empty((kernels.SIDE_BY_SIDE, d), dtype=np.float32)
    run_exact(rows, scale, norm, penalty, categories, query, slots, n, terms, found)
    scaled = rows[slots] * scale * norm[slots, None]
    assert found.tobytes() == distances(scaled, query, penalty).tobytes()
