"""Limits: what a product of two sketches must exceed for one row to be among the nearest of the other.

    d2(i, j) <= T_i, what the k-th distance of row i is at most, implies
    |q_i - q_j| <= sqrt(T_i + d tiny) (1 + (d + 8) u) / grain + 2 e =: r, with u the unit of rounding and tiny what a
    square may lose that underflows, and so
    q_i.q_j - (|q_i|^2 >> 1) - (|q_j|^2 >> 1) >= -(floor(r^2 / 2) + 2), in whole numbers of 32 bits, none rounded.

The other way round a product says how far two rows are at most: |x_i - x_j| <= grain (sqrt(2 - 2 product) + 2 e). The
k-th best product with k other rows so gives T_i, and no row need be measured for it.

Naive: the search by cells, which is compared with loops, in tests/resampler/test_tiled.py.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.batch.cells import CELL_ROWS
from resampler.kernels.batch.nulls import keep, mark
from resampler.kernels.batch.sketched import EVERY, FURTHEST, NEVER, PANELS, sum_up
from resampler.kernels.jit import entry, inline
from resampler.kernels.simd.emitter import LANES, ROWS
from resampler.kernels.simd.tiles import kth_best


@inline
def limit_of(distance, bound):
    """Return what products of a row's sketch with those of rows within a squared distance exceed."""
    radius = np.sqrt(np.float64(distance) + bound.least) * bound.factor + bound.error
    return -np.int32(min(radius * radius * 0.5 + 2.0, 2147483520.0)) - np.int32(1)


@inline
def limit_from(product, bound):
    """Return what products of a row's sketch with those of rows no further than one of such a product exceed."""
    away = (np.sqrt(max(bound.room - 2 * np.float64(product), 0.0)) + bound.error) * bound.span
    return limit_of(away * away + bound.least, bound)


@entry
def set_limits(s, bound, scratch, first, last):
    """Write limits of the rows of cells first .. last - 1 that ask, by the sketches near them.

    Lanes of a panel have a place each, and of all that had it the best product is kept. What is kept is of different
    rows, so that the k-th best says how far the k-th neighbour is at most.
    """
    panels, halves, limits = s.panels, s.halves, s.limits
    near, best, k = s.near, scratch.best, len(scratch.found)
    d, n_pairs = s.rows.shape[1], panels.shape[1]
    panel = n_pairs * 2 * LANES
    n_turns = len(best) // (ROWS * LANES)
    for group in range(first * LANES, last * LANES):
        if s.group_limits[group] == NEVER:
            continue
        at_a, a = group * ROWS, group // LANES
        in_a = at_a // LANES * panel + 2 * (at_a % LANES)
        best[:] = EVERY
        for t in range(-1, near.shape[1]):
            b = a if t < 0 else near[a, t]
            for h in range(PANELS if b >= 0 else 0):
                at_b, turn = b * CELL_ROWS + h * LANES, h % n_turns * ROWS * LANES
                keep(s.nulls, d, panels, in_a, at_b // LANES * panel, n_pairs, halves, at_a, at_b, best, turn)
        for r in range(ROWS):
            product = kth_best(best, r * LANES, ROWS * LANES, n_turns, k)
            if limits[at_a + r] != NEVER and product > FURTHEST:
                limits[at_a + r] = limit_from(product, bound)
    for c in range(first, last):
        sum_up(s, c)


@entry
def count_near(s, scratch, groups):
    """Count the pairs of rows of some groups and of the cells near them, and those that may be near each other.

    Returns
    -------
    n_pairs, n_near : int
        Of all these groups.
    """
    panels, halves, limits = s.panels, s.halves, s.limits
    words, others, totals = scratch.words, scratch.others, scratch.totals
    near, d, n_pairs = s.near, s.rows.shape[1], panels.shape[1]
    panel = n_pairs * 2 * LANES
    n_all = n_near = 0
    for group in groups:
        at_a, a = group * ROWS, group // LANES
        in_a = at_a // LANES * panel + 2 * (at_a % LANES)
        for t in range(-1, near.shape[1]):
            b = a if t < 0 else near[a, t]
            for h in range(PANELS if b >= 0 else 0):
                at_b = b * CELL_ROWS + h * LANES
                in_b = at_b // LANES * panel
                n_all += ROWS * LANES
                if mark(s.nulls, d, panels, in_a, in_b, n_pairs, halves, limits, at_a, at_b, words, others, totals):
                    for w in range(len(words)):
                        word = words[w] | others[w]
                        while word != 0:
                            word &= word - np.uint64(1)
                            n_near += 1
    return n_all, n_near
