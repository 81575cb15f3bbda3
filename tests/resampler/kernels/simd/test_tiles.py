"""Register tiles against the same sums in NumPy, which never overflow: the same bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from resampler.kernels.simd import tiles as kernels

LANES, ROWS = kernels.LANES, kernels.ROWS
seeds = st.integers(0, 2**32 - 1)


@njit
def run_mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words):
    return kernels.mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words)


@njit
def run_near_boxes(lows, highs, a, b, n_pairs, limits, at_a, at_b):
    return kernels.near_boxes(lows, highs, a, b, n_pairs, limits, at_a, at_b)


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
    found, wanted = (np.full(ROWS * LANES // 64, 7, dtype=np.uint64) for _ in range(2))
    some = [
        run(panels, 2 * first, n_pairs * 2 * LANES, n_pairs, halves, limits, first, LANES, words)
        for run, words in ((run_mark_near, found), (kernels.mark_near, wanted))
    ]
    assert found.tolist() == wanted.tolist()
    assert some == [any(wanted)] * 2


@given(n_pairs=st.sampled_from([1, 3, 32]), seed=seeds)
def test_near_boxes(n_pairs, seed):
    rng = np.random.default_rng(seed)
    bounds = np.rint(rng.uniform(-22_000, 22_000, size=(2, 2 * n_pairs * 2 * LANES)) / np.sqrt(n_pairs))
    lows, highs = bounds.min(axis=0).astype(np.int16), bounds.max(axis=0).astype(np.int16)
    limits = -rng.integers(-5, 2 ** rng.integers(3, 31), size=2 * LANES, dtype=np.int32)
    limits[[3, -3]] = 2**31 - 1, -(2**31) + 127
    lane = int(rng.integers(LANES))
    at = 2 * lane, n_pairs * 2 * LANES, n_pairs, limits, lane, LANES
    assert run_near_boxes(lows, highs, *at) == kernels.near_boxes(lows, highs, *at)
