"""Register tiles against the same sums in NumPy, which never overflow: the same bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from resampler.kernels.simd import tiles as kernels

LANES, ROWS = kernels.LANES, kernels.ROWS
seeds = st.integers(0, 2**32 - 1)


@njit
def run_mark_near(panels, a, b, n_pairs, halves, at_a, at_b, limits_a, from_a, limits_b, from_b, words, at, stride):
    kernels.mark_near(panels, a, b, n_pairs, halves, at_a, at_b, limits_a, from_a, limits_b, from_b, words, at, stride)


@njit
def run_half_gaps(panels, b, n_pairs, lows, highs, box, out, at):
    kernels.half_gaps(panels, b, n_pairs, lows, highs, box, out, at)


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
    limits = rng.integers(-(2**31), 0, size=(2, LANES), dtype=np.int32)
    apart = (sketches[0, first : first + ROWS, None].astype(np.int64) - sketches[1]) ** 2
    limits[0, first] = -(apart.sum(axis=2)[0, 0] >> 1) - 2  # one that is met closely
    limits[:, -1] = 2**31 - 1
    found, wanted = (np.full(9 + 8 * ROWS, 7, dtype=np.uint16) for _ in range(2))
    for run, words in ((run_mark_near, found), (kernels.mark_near, wanted)):
        at = first, LANES, limits[0], first, limits[1], 0, words, 3, 8
        run(panels, 2 * first, n_pairs * 2 * LANES, n_pairs, halves, *at)
    assert found.tolist() == wanted.tolist()


@given(n_pairs=st.sampled_from([1, 3, 32]), seed=seeds)
def test_half_gaps(n_pairs, seed):
    rng = np.random.default_rng(seed)
    panels, _, _ = panels_of(rng, 2, n_pairs)
    bounds = np.rint(rng.uniform(-22_000, 22_000, size=(2, 2, 2 * n_pairs)) / np.sqrt(n_pairs)).astype(np.int16)
    lows, highs = bounds.min(axis=0).ravel(), bounds.max(axis=0).ravel()
    found, wanted = (np.full(3 + LANES, 7, dtype=np.int32) for _ in range(2))
    for run, out in ((run_half_gaps, found), (kernels.half_gaps, wanted)):
        run(panels, n_pairs * 2 * LANES, n_pairs, lows, highs, 2 * n_pairs, out, 3)
    assert found.tolist() == wanted.tolist()
