"""Register tiles against the same sums in NumPy, which never overflow: the same bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from resampler.kernels.simd import tiles as kernels

LANES, ROWS = kernels.LANES, kernels.ROWS
OUTPUTS = (ROWS * LANES // 64, np.uint64), (ROWS * LANES // 64, np.uint64), (ROWS * LANES, np.int32)
seeds = st.integers(0, 2**32 - 1)


@njit
def run_mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others, totals):
    return kernels.mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others, totals)


@njit
def run_near_boxes(lows, highs, a, other_lows, other_highs, b, n_pairs, limits, at_a, other_limits, at_b):
    return kernels.near_boxes(lows, highs, a, other_lows, other_highs, b, n_pairs, limits, at_a, other_limits, at_b)


@njit
def run_keep_best(panels, a, b, n_pairs, halves, at_a, at_b, best, at_best):
    kernels.keep_best(panels, a, b, n_pairs, halves, at_a, at_b, best, at_best)


@njit
def run_kth_best(best, at, step, n_turns, k):
    return kernels.kth_best(best, at, step, n_turns, k)


@njit
def run_write_bounds(sketches, order, first, count, column, low, high):
    kernels.write_bounds(sketches, order, first, count, column, low, high)


def panels_of(rng, n_panels, n_pairs):
    """Sketches of rows as long as they may be."""
    rows = rng.normal(size=(n_panels, LANES, 2 * n_pairs)) * rng.random(2 * n_pairs) ** 4
    rows *= 32_000 * rng.random((n_panels, LANES, 1)) ** 0.1 / np.linalg.norm(rows, axis=2, keepdims=True)
    sketches = np.rint(rows).astype(np.int16)
    halves = -((sketches.astype(np.int64) ** 2).sum(axis=2) >> 1).astype(np.int32)
    panels = np.ascontiguousarray(sketches.reshape(n_panels, LANES, n_pairs, 2).transpose(0, 2, 1, 3))
    return panels.ravel(), halves.ravel(), sketches


@given(n_pairs=st.sampled_from([1, 2, 7, 32]), seed=seeds)
def test_mark_near(n_pairs, seed):
    rng = np.random.default_rng(seed)
    panels, halves, sketches = panels_of(rng, 2, n_pairs)
    first = ROWS * int(rng.integers(LANES // ROWS))
    limits = rng.integers(-(2**31), 0, size=2 * LANES, dtype=np.int32)
    apart = (sketches[0, first : first + ROWS, None].astype(np.int64) - sketches[1]) ** 2
    limits[first] = -(apart.sum(axis=2)[0, 0] >> 1) - 2  # one that is met closely
    limits[-1] = 2**31 - 1
    limits[first + 1 : first + ROWS] |= rng.choice([0, 2**30], p=[0.2, 0.8])  # often none is met
    found, wanted = ([np.full(n, 7, kind) for n, kind in OUTPUTS] for _ in range(2))
    some = [
        run(panels, 2 * first, n_pairs * 2 * LANES, n_pairs, halves, limits, first, LANES, *out)
        for run, out in ((run_mark_near, found), (kernels.mark_near, wanted))
    ]
    assert some == [any(wanted[0]) or any(wanted[1])] * 2
    assert not some[0] or [out.tolist() for out in found] == [out.tolist() for out in wanted]


@given(n_pairs=st.sampled_from([1, 7]), other=st.sampled_from([0, 1]), seed=seeds)
def test_keep_best(n_pairs, other, seed):
    rng = np.random.default_rng(seed)
    panels, halves, _ = panels_of(rng, 2, n_pairs)
    first = ROWS * int(rng.integers(LANES // ROWS))
    best = rng.integers(-(2**31), 2**28, size=2 * ROWS * LANES, dtype=np.int32)
    wanted = best.copy()
    for run, out in ((run_keep_best, best), (kernels.keep_best, wanted)):  # of their own panel, or of another
        at_best = ROWS * LANES
        run(panels, 2 * first, other * n_pairs * 2 * LANES, n_pairs, halves, first, other * LANES, out, at_best)
    assert best.tolist() == wanted.tolist()


@given(n_turns=st.integers(1, 4), k=st.integers(1, 80), least=st.sampled_from([-(2**31), -5]), seed=seeds)
def test_kth_best(n_turns, k, least, seed):
    best = np.random.default_rng(seed).integers(least, 5, size=(n_turns, 3, LANES), dtype=np.int32)
    at = LANES, 3 * LANES, n_turns, k
    assert run_kth_best(best, *at) == kernels.kth_best(best, *at)


@given(count=st.integers(1, 20), seed=seeds)
def test_write_bounds(count, seed):
    rng = np.random.default_rng(seed)
    sketches = rng.integers(-32_000, 32_000, size=(30, 2 * kernels.SIDE), dtype=np.int16)
    order = rng.permutation(30).astype(np.int32)
    found, wanted = (np.zeros((2, kernels.SIDE), np.int16) for _ in range(2))
    for run, out in ((run_write_bounds, found), (kernels.write_bounds, wanted)):
        run(sketches, order, 3, count, kernels.SIDE, out[0], out[1])
    assert found.tolist() == wanted.tolist()


@given(n_pairs=st.sampled_from([1, 3, 32]), seed=seeds)
def test_near_boxes(n_pairs, seed):
    rng = np.random.default_rng(seed)
    bounds = np.rint(rng.uniform(-22_000, 22_000, size=(2, 2 * n_pairs * 2 * LANES)) / np.sqrt(n_pairs))
    lows, highs = bounds.min(axis=0).astype(np.int16), bounds.max(axis=0).astype(np.int16)
    limits = -rng.integers(-5, 2 ** rng.integers(3, 31), size=2 * LANES, dtype=np.int32)
    limits[[3, -3]] = 2**31 - 1, -(2**31) + 127
    lane = int(rng.integers(LANES))
    at = lows, highs, 2 * lane, highs, highs, n_pairs * 2 * LANES, n_pairs, limits, lane, limits[::-1].copy(), LANES
    assert run_near_boxes(*at) == kernels.near_boxes(*at)
