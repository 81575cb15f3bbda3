"""Register tiles of rows with nulls against loops over columns, and against their Python twins: the same bits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from resampler.kernels.simd import partial_tiles as kernels
from resampler.kernels.simd.emitter import LANES, ROWS
from tests.resampler.kernels.simd.test_tiles import OUTPUTS, panels_of, seeds


@njit
def run_mark(panels, masks, a, b, n_pairs, groups, panels_, held, d, halves, limits, at_a, at_b, words, others, totals):
    return kernels.mark_partial(
        panels, masks, a, b, n_pairs, groups, panels_, held, d, halves, limits, at_a, at_b, words, others, totals
    )


@njit
def run_keep(panels, masks, a, b, n_pairs, groups, panels_, held, d, halves, at_a, at_b, best, at_best):
    kernels.keep_best_partial(panels, masks, a, b, n_pairs, groups, panels_, held, d, halves, at_a, at_b, best, at_best)


def tile_of(rng, n_pairs, share):
    """Two panels of rows of which a share has nulls, and what `resampler.kernels.batch.nulls` says of these."""
    _, _, sketches = panels_of(rng, 2, n_pairs)
    nulls = (rng.random(sketches.shape) < 0.4) & (rng.random((2, LANES, 1)) < share)
    sketches[nulls] = 0

    def laid(values):
        return np.ascontiguousarray(values.reshape(2, LANES, n_pairs, 2).transpose(0, 2, 1, 3)).ravel()

    def listed(rows):
        pairs = np.flatnonzero(nulls.reshape(-1, n_pairs, 2)[rows].any(axis=(0, 2)))
        return np.pad(np.append(len(pairs), pairs * 2 * LANES), (0, n_pairs - len(pairs))).astype(np.int32)

    halves = -((sketches.astype(np.int64) ** 2).sum(axis=2) >> 1).astype(np.int32).ravel()
    groups = np.array([listed(slice(at, at + ROWS)) for at in range(0, 2 * LANES, ROWS)])
    panels = np.array([listed(slice(at, at + LANES)) for at in range(0, 2 * LANES, LANES)])
    held = (2 * n_pairs - nulls.sum(axis=2)).astype(np.int32).ravel()
    lists = groups, panels, held
    return laid(sketches), laid(-nulls.astype(np.int16)), lists, halves, sketches.astype(np.int64), nulls


@given(n_pairs=st.sampled_from([1, 7, 32]), share=st.sampled_from([0.1, 1]), own=st.booleans(), seed=seeds)
def test_tiles(n_pairs, share, own, seed):
    rng = np.random.default_rng(seed)
    panels, masks, lists, halves, sketches, nulls = tile_of(rng, n_pairs, share)
    first, d = ROWS * int(rng.integers(LANES // ROWS)), 2 * n_pairs
    at_b = 0 if own else LANES
    args = panels, masks, 2 * first, at_b * d, n_pairs, *lists, d, halves
    limits = -rng.integers(0, 2**31, size=2 * LANES).astype(np.int32)
    limits[first], limits[first + 1], limits[-1] = -(2**31) + 127, 2**31 - 1, -3
    found, wanted = ([np.zeros(n, kind) for n, kind in OUTPUTS] for _ in range(2))
    some = [run(*args, limits, first, at_b, *out) for run, out in ((run_mark, found), (kernels.mark_partial, wanted))]
    assert some == [any(wanted[0]) or any(wanted[1])] * 2
    assert not some[0] or [out.tolist() for out in found] == [out.tolist() for out in wanted]
    best = np.full(ROWS * LANES, -(2**31), dtype=np.int32)
    kept = best.copy()
    for run, out in ((run_keep, best), (kernels.keep_best_partial, kept)):
        run(*args, first, at_b, out, 0)
    assert best.tolist() == kept.tolist()
    products = wanted[2].reshape(ROWS, LANES)
    for r in range(ROWS):  # the product says how far they are, and no pair that is near goes unmarked
        for lane in range(LANES):
            p, q = divmod(first + r, LANES), divmod(at_b + lane, LANES)
            both = ~nulls[p] & ~nulls[q]
            d2 = ((sketches[p] - sketches[q])[both] ** 2).sum() * d / both.sum() if both.any() else np.inf
            near = [bool(int(out.view(np.uint16)[r]) >> lane & 1) for out in wanted[:2]]
            for bit, limit in zip(near, (limits[first + r], limits[at_b + lane]), strict=True):
                assert bit or (limit > -(2**31) + 127 and d2 / 2 > -float(limit) - 2)
            if both.any():
                assert -2.0 * products[r, lane] <= max(d2, 0) + 1e-6 * d2 + 1
                assert d2 <= (3 * d + 2 - 2.0 * products[r, lane]) * (1 + 2 * kernels.SLACK) or d2 > 2**31
            else:
                assert products[r, lane] == kernels.NOTHING
